#ifndef ARLOSS_TESTS_RUN_CALLS_H
#define ARLOSS_TESTS_RUN_CALLS_H

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "arloss/arloss.h"
#include "support/runner.h"

namespace support {

/// Everything one run call is handed, on any device.
struct RunArguments {
  arloss_tensors_t io;
  void *state, *workspace;
  std::size_t state_bytes, workspace_bytes;
};

/// A run call, and what it uses.
struct RunFunction {
  const char* name;
  arloss_status_t (*call)(const arloss_plan_t*, const RunArguments&);
  bool reads_tensors, writes_loss, writes_gradient, has_workspace;
};
void PrintTo(const RunFunction& function, std::ostream* out);

inline constexpr std::size_t kNumRunFunctions = 5;
extern const RunFunction kRunFunctions[kNumRunFunctions];

/// Arguments that the header says are refused, with the status, and words of the message.
struct Spoilt {
  RunArguments arguments;
  arloss_status_t status;
  std::vector<std::string> words;
};
/// One or more for each rule that can be broken at `good` arguments of the function, whose logits are float32 and whose
/// pixel weights are given; what the tensors hold apart.
std::vector<Spoilt> spoil(const RunFunction& function, const Plan& plan, const RunArguments& good);

/// Expects each to be refused, and calls check() after it.
void expect_refused(const RunFunction& function, const Plan& plan, const std::vector<Spoilt>& list,
                    const std::function<void()>& check);

}  // namespace support

#endif
