#include "bench_workloads.h"

#include <algorithm>
#include <cstdlib>

namespace bench {
namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool begins_with(const std::string& text, const std::string& begin) {
  return text.compare(0, begin.size(), begin) == 0;
}

BenchWorkload square_map(const std::string& name, std::int64_t classes, std::int64_t height, std::int64_t width) {
  return {name, 1, classes, 1, height, width, 1, height, width};
}

}  // namespace

const std::vector<BenchWorkload>& named_workloads() {
  static const std::vector<BenchWorkload> workloads = {
      {"voc", 4, 21, 1, 33, 33, 1, 513, 513},            // objects, stride 16
      {"city_97", 1, 19, 1, 97, 97, 1, 769, 769},        // street crop, stride 8, a ratio that is not whole
      {"city_q", 1, 19, 1, 128, 256, 1, 512, 1024},      // street, stride 4
      {"city_q_b8", 8, 19, 1, 128, 256, 1, 512, 1024},   //
      {"city_full", 1, 19, 1, 512, 1024, 1, 512, 1024},  // street, hard labels
      {"nyu_8", 8, 40, 1, 60, 80, 1, 480, 640},          // indoor, stride 8
      {"nyu_4", 8, 40, 1, 120, 160, 1, 480, 640},        // indoor, stride 4
      {"ade_4", 4, 150, 1, 128, 128, 1, 512, 512},       // scenes, stride 4
      {"coco_4", 4, 171, 1, 128, 128, 1, 512, 512},      // things and stuff, stride 4
      {"volume", 1, 14, 48, 48, 48, 96, 96, 96},         // a scan, stride 2
  };
  return workloads;
}

std::vector<BenchWorkload> sweep_workloads() {
  std::vector<BenchWorkload> workloads;
  for (int log_cells = 10; log_cells <= 22; ++log_cells) {
    const std::int64_t height = std::int64_t{1} << (log_cells / 2), width = std::int64_t{1} << ((log_cells + 1) / 2);
    workloads.push_back(square_map("sweep_cells/" + std::to_string(height * width), 19, height, width));
  }
  for (const int classes : {2, 3, 4, 8, 12, 16, 17, 19, 24, 32, 33, 40, 48, 64, 80, 96, 128, 150, 171, 192, 224, 255})
    workloads.push_back(square_map("sweep_classes/" + std::to_string(classes), classes, 128, 128));
  for (const BenchWorkload& named : named_workloads()) {
    if (named.name != "city_q" && named.name != "ade_4" && named.name != "city_full") continue;
    workloads.push_back(named);
    workloads.back().name = "sweep_threads/" + named.name;
    workloads.back().batch = 1;
  }
  return workloads;
}

bool sweeps_threads(const BenchWorkload& workload) { return begins_with(workload.name, "sweep_threads/"); }

bool is_sweep(const BenchWorkload& workload) { return begins_with(workload.name, "sweep_"); }

BenchWorkload with_batch(BenchWorkload workload, std::int64_t batch) {
  if (workload.batch != batch) workload.name += "_b" + std::to_string(batch);
  workload.batch = batch;
  return workload;
}

BenchWorkload with_labels_at_grid(BenchWorkload workload) {
  if (!workload.has_labels_at_grid()) workload.name += "_grid";
  workload.label_depth = workload.depth;
  workload.label_height = workload.height;
  workload.label_width = workload.width;
  return workload;
}

BenchWorkload shrunk(BenchWorkload workload) {
  constexpr std::int64_t kMostCells = 400;
  workload.batch = 1;
  while (workload.cells() > kMostCells) {
    for (std::int64_t* const edge : {&workload.depth, &workload.height, &workload.width, &workload.label_depth,
                                     &workload.label_height, &workload.label_width}) {
      *edge = (*edge + 1) / 2;
    }
  }
  return workload;
}

std::vector<BenchWorkload> find_workloads(const std::string& name) {
  std::vector<BenchWorkload> found;
  std::vector<BenchWorkload> all = sweep_workloads();
  all.insert(all.begin(), named_workloads().begin(), named_workloads().end());
  for (const BenchWorkload& workload : all)
    if (workload.name == name || begins_with(workload.name, name + "/")) found.push_back(workload);
  if (!found.empty()) return found;
  if (ends_with(name, "_grid")) {
    for (const BenchWorkload& workload : find_workloads(name.substr(0, name.size() - 5)))
      found.push_back(with_labels_at_grid(workload));
    return found;
  }
  const std::size_t suffix = name.rfind("_b");
  if (suffix == std::string::npos) return found;
  const std::int64_t batch = std::atoll(name.c_str() + suffix + 2);
  if (batch < 1 || std::to_string(batch) != name.substr(suffix + 2)) return found;
  for (const BenchWorkload& workload : find_workloads(name.substr(0, suffix)))
    found.push_back(with_batch(workload, batch));
  return found;
}

}  // namespace bench
