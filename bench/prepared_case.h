#ifndef ARLOSS_BENCH_PREPARED_CASE_H
#define ARLOSS_BENCH_PREPARED_CASE_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aligned_memory.h"
#include "cpu_workloads.h"
#include "library_calls.h"
#include "timed_call.h"

namespace bench {

/// What the library is asked.
struct CaseSettings {
  CpuWorkload workload;
  arloss_dtype_t dtype = ARLOSS_DTYPE_FLOAT32;
  std::vector<std::int32_t> scales = {1};
  int num_threads = 1;
  arloss_penalty_t penalty = ARLOSS_PENALTY_SQUARED;
  float penalty_param = 0;

  std::int64_t logits_bytes() const { return workload.logits() * (dtype == ARLOSS_DTYPE_FLOAT32 ? 4 : 2); }
  std::string dtype_name() const { return dtype == ARLOSS_DTYPE_FLOAT32 ? "float32" : "bfloat16"; }
  std::string scales_name() const;
};

/// A plan, the tensors of a half-trained network and all the memory a call needs. Its calls throw what the library
/// refuses.
class PreparedCase {
 public:
  explicit PreparedCase(const CaseSettings& settings);

  void run(RunCall call);
  void label_distribution(std::int32_t scale_index, float* out);
  void affinity_rows(const std::vector<std::int64_t>& images, const std::vector<std::int64_t>& cells, float* out);
  arloss_report_t inspect();

  /// Turns to other logits, float32 cases only.
  void set_logits(const float* logits) { io_.logits = logits; }

  /// NaN throughout, in loss and gradient.
  void poison();
  bool has_loss() const;
  bool has_gradient() const;
  /// For a rival to write its own to; float32 cases only.
  float loss() const { return loss_; }
  void set_loss(float loss) { loss_ = loss; }
  float* gradient() { return reinterpret_cast<float*>(gradient_.data()); }

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
  CaseSettings settings_;
  Plan plan_{nullptr, &arloss_plan_destroy};
  std::vector<std::uint16_t> half_logits_;
  AlignedMemory<char> state_, workspace_, gradient_;
  float loss_ = 0;
  arloss_tensors_t io_{};
};

/// The case of these settings, made once and kept as long as anyone holds it.
std::shared_ptr<PreparedCase> prepare(const CaseSettings& settings);

}  // namespace bench

#endif
