#ifndef ARLOSS_BENCH_BENCH_WORKLOADS_H
#define ARLOSS_BENCH_BENCH_WORKLOADS_H

#include <cstdint>
#include <string>
#include <vector>

#include "smooth_data.h"

namespace bench {

/// A batch of images that segmentation networks train on: N = depth x height x width cells each.
struct BenchWorkload {
  std::string name;
  std::int64_t batch, classes;
  std::int64_t depth, height, width;
  std::int64_t label_depth, label_height, label_width;

  std::int64_t cells() const { return depth * height * width; }
  std::int64_t logits() const { return batch * classes * cells(); }
  std::int64_t labels() const { return batch * label_depth * label_height * label_width; }
  /// An image, or a slice of a volume.
  ImageShape slice() const { return {classes, height, width, label_height, label_width}; }
  bool has_labels_at_grid() const { return labels() == batch * cells(); }
};

/// The named workloads, and those of batch sizes of their own: city_q_b8.
const std::vector<BenchWorkload>& named_workloads();

/// sweep_cells/1024 to sweep_cells/4194304 (19 classes), sweep_classes/2 to sweep_classes/255 (16384 cells), labels at
/// the grid; sweep_threads/city_q, /ade_4, /city_full (batch 1).
std::vector<BenchWorkload> sweep_workloads();

/// Is every call of this workload timed at each number of threads?
bool sweeps_threads(const BenchWorkload& workload);

/// Is it of a sweep? Those take one type and one scale.
bool is_sweep(const BenchWorkload& workload);

/// The same with another batch: name_b1 (the name as it was where the batch is too).
BenchWorkload with_batch(BenchWorkload workload, std::int64_t batch);

/// The same with one label pixel a cell: name_grid.
BenchWorkload with_labels_at_grid(BenchWorkload workload);

/// The same classes and label ratio on a few hundred cells, one image: what a smoke test takes.
BenchWorkload shrunk(BenchWorkload workload);

/// What a whole run names, one process after another: the named workloads, ade_4 of one image, the sweeps.
inline constexpr const char* kWholeRun[] = {"voc",    "city_97",     "city_q",        "city_q_b8",    "city_full",
                                            "nyu_8",  "nyu_4",       "ade_4",         "ade_4_b1",     "coco_4",
                                            "volume", "sweep_cells", "sweep_classes", "sweep_threads"};

/// The workloads of a name: one of the above, `name_b1`, `name_grid`, `name_b1_grid`, or all that begin with `name/`.
std::vector<BenchWorkload> find_workloads(const std::string& name);

}  // namespace bench

#endif
