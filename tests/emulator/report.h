#ifndef ARLOSS_TESTS_EMULATOR_REPORT_H
#define ARLOSS_TESTS_EMULATOR_REPORT_H

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace emulator {

/// What a report is about. docs/emulator.md says of each what it proves.
enum class Kind {
  kSharedRace,
  kGlobalRace,
  kUninitialisedShared,
  kUninitialisedGlobal,
  kOutOfBounds,
  kHostPointer,
  kMisaligned,
  kDivergentBarrier,
  kExitedAtBarrier,
  kDeadlock,
  kWarpMismatch,
  kInactiveLane,
  kSharedLimit,
  kAsyncCopy,
  kLocalEscape,
  kFloatAtomic,
  kAssertion,
  kUnsupported,
  kApi,
};

/// "SharedRace" for kSharedRace, and so on.
const char* kind_name(Kind kind);

struct Report {
  Kind kind;
  std::string text;
};

/// Every report of the process, each text once. Any thread may add.
class Reports {
 public:
  static Reports& get();

  /// Keeps the report, and prints it to stderr, unless one with this kind and key was kept before. `text` is asked for
  /// only when it is kept: a race in an inner loop is found a million times, and its text costs microseconds.
  void add(Kind kind, std::uint64_t key, const std::function<std::string()>& text);
  void add(Kind kind, const std::string& text);

  std::vector<Report> all() const;
  void clear();
};

/// Thrown by what makes going on with a kernel launch pointless; the launch returns cudaErrorLaunchFailure. The report
/// has been added by then.
struct LaunchFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Adds the report and throws LaunchFailure.
[[noreturn]] void fail_launch(Kind kind, const std::string& text);

}  // namespace emulator

#endif
