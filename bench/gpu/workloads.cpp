#include "workloads.h"

#include <algorithm>

namespace bench {

Workload shrunk(Workload workload) {
  workload.batch = std::min<std::int64_t>(workload.batch, 2);
  for (std::int64_t* const edge :
       {&workload.image.height, &workload.image.width, &workload.image.label_height, &workload.image.label_width}) {
    *edge = (*edge + 15) / 16;
  }
  return workload;
}

std::int64_t Case::logits_bytes() const {
  return workload.num_logits() * (logits_dtype == ARLOSS_DTYPE_FLOAT32 ? 4 : 2);
}

std::int64_t Case::labels_bytes() const { return workload.num_labels() * (labels_dtype == ARLOSS_DTYPE_UINT8 ? 1 : 8); }

std::vector<Case> cases_of(const Workload& workload) {
  const std::vector<std::int32_t> one = {1}, three = {1, 2, 4};
  return {{workload, ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_UINT8, one},
          {workload, ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_UINT8, three},
          {workload, ARLOSS_DTYPE_BFLOAT16, ARLOSS_DTYPE_UINT8, one},
          {workload, ARLOSS_DTYPE_BFLOAT16, ARLOSS_DTYPE_UINT8, three},
          {workload, ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_INT64, one}};
}

HostBatch make_batch(const Workload& workload) {
  HostBatch batch;
  for (std::int64_t b = 0; b < workload.batch; ++b) {
    const auto seed = static_cast<unsigned>(2 * b);
    const std::vector<std::uint8_t> labels = smooth_labels(workload.image, seed);
    const std::vector<float> logits = trained_like_logits(workload.image, labels, seed + 1);
    batch.labels.insert(batch.labels.end(), labels.begin(), labels.end());
    batch.logits.insert(batch.logits.end(), logits.begin(), logits.end());
  }
  return batch;
}

}  // namespace bench
