#ifndef ARLOSS_BENCH_WORKLOADS_H
#define ARLOSS_BENCH_WORKLOADS_H

#include <cstdint>
#include <string>
#include <vector>

#include "arloss/arloss.h"
#include "smooth_data.h"

namespace bench {

/// A batch that segmentation networks train on.
struct Workload {
  const char* name;
  const char* what;
  std::int64_t batch;
  ImageShape image;
  /// Most that loss and gradient of one scale may take, in times of the copy (docs/performance); 0: none set.
  double goal_float32, goal_bfloat16;

  std::int64_t num_logits() const { return batch * image.classes * image.height * image.width; }
  std::int64_t num_labels() const { return batch * image.label_height * image.label_width; }
};

inline constexpr Workload kWorkloads[] = {
    {"W1", "street, stride 4", 8, {19, 128, 256, 512, 1024}, 1.5, 0},
    {"W2", "street crop, stride 8", 8, {19, 97, 97, 769, 769}, 0, 0},
    {"W3", "indoor, stride 8", 16, {40, 60, 80, 480, 640}, 0, 0},
    {"W4", "indoor, stride 4", 16, {40, 120, 160, 480, 640}, 1.35, 0},
    {"W5", "scenes, stride 4", 16, {150, 128, 128, 512, 512}, 1.25, 2.0},
    {"W6", "things and stuff, stride 4", 16, {171, 128, 128, 512, 512}, 1.25, 2.0},
    {"W7", "street, full resolution", 1, {19, 1024, 2048, 1024, 2048}, 1.25, 1.4},
};

/// The same classes and label ratio on a sixteenth of each edge, two images at most: what the emulator takes.
Workload shrunk(Workload workload);

/// What is timed: a workload, the types of its tensors, the scales of its label affinity, and the penalty with its
/// default parameter.
struct Case {
  Workload workload;
  arloss_dtype_t logits_dtype, labels_dtype;
  std::vector<std::int32_t> scales;
  arloss_penalty_t penalty = ARLOSS_PENALTY_SQUARED;
  bool is_exact = false;  // products of pairs as accurate as float32

  std::int64_t logits_bytes() const;
  std::int64_t labels_bytes() const;
};

/// The library has no plan for a case.
struct Unsupported {
  std::string reason;
};

/// Every case of a workload: float32 and bfloat16, one scale and three, uint8 labels; float32 with int64 labels.
std::vector<Case> cases_of(const Workload& workload);

/// Float32 logits and uint8 labels of a whole batch; cases of other types are converted from it.
struct HostBatch {
  std::vector<float> logits;
  std::vector<std::uint8_t> labels;
};
HostBatch make_batch(const Workload& workload);

}  // namespace bench

#endif
