#ifndef ARLOSS_BENCH_PREPARED_CASE_H
#define ARLOSS_BENCH_PREPARED_CASE_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench_device.h"
#include "bench_workloads.h"
#include "library_calls.h"
#include "timed_call.h"

namespace bench {

/// What the library is asked.
struct CaseSettings {
  BenchWorkload workload;
  arloss_dtype_t dtype = ARLOSS_DTYPE_FLOAT32;
  std::vector<std::int32_t> scales = {1};
  int num_threads = 1;
  arloss_penalty_t penalty = ARLOSS_PENALTY_SQUARED;
  float penalty_param = 0;
  BenchDevice* device = &host_device();

  std::int64_t logits_bytes() const { return workload.logits() * (dtype == ARLOSS_DTYPE_FLOAT32 ? 4 : 2); }
  std::string dtype_name() const { return dtype == ARLOSS_DTYPE_FLOAT32 ? "float32" : "bfloat16"; }
  std::string scales_name() const;
};

/// A plan, the tensors of a half-trained network and all the memory a call needs, on the device of the settings. Its
/// calls throw what the library refuses; on a CUDA device they return when their work is on its stream, but inspect().
class PreparedCase {
 public:
  explicit PreparedCase(const CaseSettings& settings);

  void run(RunCall call);
  void label_distribution(std::int32_t scale_index, const CallMemory& out);
  /// Images and cells are int64.
  void affinity_rows(const CallMemory& images, const CallMemory& cells, const CallMemory& out);
  arloss_report_t inspect();

  /// Turns to other logits, which the caller keeps; float32 cases only.
  void set_logits(const float* logits);

  /// NaN throughout, in loss and gradient.
  void poison();
  bool has_loss() const;
  bool has_gradient() const;
  float loss() const;
  /// For a rival to write its own to; float32 cases of the host only.
  void set_loss(float loss) { loss_->write(&loss); }
  float* gradient() { return static_cast<float*>(tensors_[turn_].gradient->data()); }

  const CaseSettings& settings() const { return settings_; }
  std::string describe() const;
  /// As arloss_plan_describe says of forward_backward.
  CallCost cost() const;
  /// The part of them that backward alone takes: of the linear form's products with C x C matrices, those with the
  /// cells' rows, two thirds.
  double backward_flops() const { return cost().flops * 2 / 3; }
  double labels_bytes() const { return static_cast<double>(settings_.workload.labels()); }
  double logits_bytes() const { return static_cast<double>(settings_.logits_bytes()); }

 private:
  struct Tensors {
    std::unique_ptr<CallMemory> logits, labels, gradient;
  };
  /// Those of the next turn.
  arloss_tensors_t next();

  CaseSettings settings_;
  Plan plan_{nullptr, &arloss_plan_destroy};
  std::vector<std::uint16_t> half_logits_;
  std::vector<Tensors> tensors_;  // alike, and taken in turn
  std::unique_ptr<CallMemory> state_, workspace_, loss_;
  std::size_t turn_ = 0;
};

/// The case of these settings, made once and kept as long as anyone holds it.
std::shared_ptr<PreparedCase> prepare(const CaseSettings& settings);

}  // namespace bench

#endif
