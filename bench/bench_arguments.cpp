#include "bench_arguments.h"

#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::vector<BenchWorkload> workloads_of(const std::string& names) {
  std::vector<BenchWorkload> workloads;
  for (const std::string& name : split(names)) {
    const std::vector<BenchWorkload> found = find_workloads(name);
    if (found.empty()) throw std::invalid_argument("no workload is called " + name);
    workloads.insert(workloads.end(), found.begin(), found.end());
  }
  return workloads;
}

arloss_dtype_t dtype_of(const std::string& name) {
  if (name == "float32") return ARLOSS_DTYPE_FLOAT32;
  if (name == "bfloat16") return ARLOSS_DTYPE_BFLOAT16;
  throw std::invalid_argument("--dtype is float32 or bfloat16, not " + name);
}

double number_of(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (*end != 0 || !(number >= 1))
    throw std::invalid_argument(option + " takes a number from 1 up, not '" + text + "'");
  return number;
}

}  // namespace

const char kBenchHelp[] = R"(arloss_bench [options] [--benchmark_... options of Google Benchmark]
  --workload NAME[,NAME...]  voc city_97 city_q city_q_b8 city_full nyu_8 nyu_4 ade_4 coco_4 volume (all of them by default);
                             sweep_cells sweep_classes sweep_threads, or one size: sweep_cells/1024. Endings: city_q_b4 is
                             city_q of 4 images, city_q_grid has its labels at the grid, city_q_b4_grid both
  --batch N                  that many images in each workload
  --labels grid              labels at the grid in each workload
  --dtype NAME               float32 or bfloat16 alone
  --scales LIST              these scales alone: 1 or 1,2,4 or others
  --max-pair-work NUMBER     leave out calls over all pairs that take more multiply-adds (5e10)
  --list                     the workloads of a whole run, each for a process of its own
  --smoke                    every workload and operation once, on a few hundred cells: does it all still run?
)";

BenchArguments read_arguments(const std::vector<std::string>& arguments) {
  BenchArguments read;
  std::string workloads, labels;
  double batch = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    if (option == "--smoke" || option == "--list") {
      (option == "--smoke" ? read.is_smoke : read.is_list) = true;
      continue;
    }
    if (i + 1 == arguments.size()) throw std::invalid_argument("unknown, or without its value: " + option);
    const std::string& value = arguments[++i];
    if (option == "--workload") {
      workloads = value;
    } else if (option == "--batch") {
      batch = number_of(option, value);
    } else if (option == "--labels" && value == "grid") {
      labels = value;
    } else if (option == "--dtype") {
      read.dtypes = {dtype_of(value)};
    } else if (option == "--scales") {
      read.scales = {{}};
      for (const std::string& scale : split(value))
        read.scales[0].push_back(static_cast<std::int32_t>(number_of(option, scale)));
    } else if (option == "--max-pair-work") {
      read.most_pair_work = number_of(option, value);
    } else {
      throw std::invalid_argument("unknown: " + option + " " + value);
    }
  }
  read.workloads = workloads.empty() ? named_workloads() : workloads_of(workloads);
  if (workloads.empty() && read.is_smoke)
    for (const BenchWorkload& workload : sweep_workloads()) read.workloads.push_back(workload);
  for (BenchWorkload& workload : read.workloads) {
    if (batch > 0) workload = with_batch(workload, static_cast<std::int64_t>(batch));
    if (!labels.empty()) workload = with_labels_at_grid(workload);
    if (read.is_smoke) workload = shrunk(workload);
  }
  return read;
}

}  // namespace bench
