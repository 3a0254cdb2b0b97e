#ifndef ARLOSS_PLAN_BACKEND_H
#define ARLOSS_PLAN_BACKEND_H

#include <cstdint>
#include <memory>
#include <string>

#include "arloss/arloss.h"
#include "plan/ledger.h"
#include "plan/problem.h"
#include "plan/routes.h"

namespace arloss {

/// Why a run call failed: what it found wrong with the values it was given (the CPU backend looks before it writes), or
/// a CUDA call that did not succeed.
struct RunFault {
  enum class Kind { kNone, kLabel, kWeight, kRow, kCuda };
  Kind kind = Kind::kNone;
  std::int64_t position = -1;  // flat element index of the first fault; kRow: the row's number in the call
  std::int64_t label = 0;      // kLabel
  float weight = 0;            // kWeight
  std::int64_t row_image = 0, row_cell = 0;             // kRow
  const char *call = "", *error_name = "", *text = "";  // kCuda: what failed, its error's name and description
  bool is_found() const { return kind != Kind::kNone; }
};

/// The caller's buffers of one run call, sizes already checked.
struct Buffers {
  const arloss_tensors_t& io;
  void* state;
  void* workspace;
  arloss_stream_t stream;
};

/// The rows arloss_affinity_rows is asked for.
struct AffinityRows {
  arloss_affinity_t which;
  const std::int64_t* images;  // [count]
  const std::int64_t* cells;   // [count]
  std::int64_t count;
  float* out;  // [count][N]
};

/// What a plan's run calls do, and what they need: one implementation per device. Immutable; calls may run at once on
/// different buffers. Run calls never allocate, print or throw; one that finds a fault has written the workspace only.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual const Ledger& state() const = 0;
  virtual const Ledger& workspace() const = 0;
  /// Count of float64 values at the head of the state that are additive over shards.
  virtual std::int64_t sum_count() const = 0;
  /// Lines for arloss_plan_describe: how the device will be used.
  virtual std::string describe() const = 0;

  virtual RunFault forward(const Buffers& buffers) const = 0;
  virtual RunFault backward(const Buffers& buffers) const = 0;
  virtual RunFault forward_backward(const Buffers& buffers) const = 0;
  virtual RunFault accumulate(const Buffers& buffers) const = 0;
  virtual RunFault finish(const Buffers& buffers) const = 0;
  virtual RunFault affinity_rows(const Buffers& buffers, const AffinityRows& rows) const = 0;
  virtual RunFault label_distribution(const Buffers& buffers, int scale_index, float* out) const = 0;
  virtual RunFault check(const Buffers& buffers, arloss_report_t* report) const = 0;
};

/// Defined by src/cpu.
std::unique_ptr<Backend> make_cpu_backend(const Problem& problem, const Options& options, Route route);

/// Defined by src/cuda. Throws Refusal: UNSUPPORTED in a build without CUDA, for a device this build has no code for,
/// and for images of too many cells; NO_DEVICE without a usable driver or device.
std::unique_ptr<Backend> make_cuda_backend(const Problem& problem, const Options& options, Route route);
/// Would it find a device? Never throws.
bool is_cuda_available();

}  // namespace arloss

#endif
