// The three run calls of a training step, on workloads that segmentation networks train on.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arloss/arloss.h"

namespace {

struct Workload {
  const char* name;
  std::int64_t classes;
  std::int64_t height, width;              // logits grid
  std::int64_t label_height, label_width;  // label map
};

constexpr Workload kWorkloads[] = {
    {"city_97", 19, 97, 97, 769, 769},        // stride 8, ratio not whole
    {"city_q", 19, 128, 256, 512, 1024},      // stride 4
    {"city_full", 19, 512, 1024, 512, 1024},  // full resolution, hard labels
    {"ade_4", 150, 128, 128, 512, 512},       // stride 4, many classes
};

struct ScaleSet {
  const char* name;
  std::vector<std::int32_t> scales;
};

using RunCall = arloss_status_t (*)(const arloss_plan_t*, const arloss_tensors_t*, void*, std::size_t, void*,
                                    std::size_t, arloss_stream_t);

arloss_status_t run_backward(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state,
                             std::size_t state_bytes, void* workspace, std::size_t workspace_bytes,
                             arloss_stream_t stream) {
  return arloss_backward(plan, io, state, state_bytes, workspace, workspace_bytes, stream);
}

struct Operation {
  const char* name;
  RunCall run;
  std::int64_t tensor_passes;  // of the logits' bytes that must be read or written once
};

constexpr Operation kOperations[] = {
    {"forward", arloss_forward, 1},
    {"backward", run_backward, 2},
    {"forward_backward", arloss_forward_backward, 2},
};

/// A label map of smooth regions: each pixel takes the class of the nearest of a jittered lattice of seeds. About 2 %
/// are the ignored 255.
std::vector<std::uint8_t> smooth_labels(const Workload& w) {
  constexpr std::int64_t kSpacing = 48;  // chosen: regions the size of street furniture at full resolution
  std::mt19937 random(7);
  const std::int64_t rows = w.label_height / kSpacing + 3;
  const std::int64_t columns = w.label_width / kSpacing + 3;
  struct Seed {
    double y, x;
    std::uint8_t label;
  };
  std::vector<Seed> seeds;
  std::uniform_real_distribution<double> jitter(0.0, kSpacing);
  std::uniform_int_distribution<int> any_class(0, static_cast<int>(w.classes) - 1);
  std::uniform_int_distribution<int> one_in_fifty(0, 49);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto y = static_cast<double>((r - 1) * kSpacing) + jitter(random);
      const auto x = static_cast<double>((c - 1) * kSpacing) + jitter(random);
      const int label = one_in_fifty(random) == 0 ? 255 : any_class(random);
      seeds.push_back({y, x, static_cast<std::uint8_t>(label)});
    }
  }
  std::vector<std::uint8_t> labels;
  labels.reserve(static_cast<std::size_t>(w.label_height * w.label_width));
  for (std::int64_t y = 0; y < w.label_height; ++y) {
    for (std::int64_t x = 0; x < w.label_width; ++x) {
      double nearest = INFINITY;
      std::uint8_t label = 255;
      for (std::int64_t r = y / kSpacing; r < y / kSpacing + 3; ++r) {
        for (std::int64_t c = x / kSpacing; c < x / kSpacing + 3; ++c) {
          const Seed& seed = seeds[static_cast<std::size_t>(r * columns + c)];
          const double dy = seed.y - static_cast<double>(y);
          const double dx = seed.x - static_cast<double>(x);
          if (dy * dy + dx * dx < nearest) {
            nearest = dy * dy + dx * dx;
            label = seed.label;
          }
        }
      }
      labels.push_back(label);
    }
  }
  return labels;
}

/// Logits of a half-trained network: noise, and a margin of 4 for the label under the cell's middle.
std::vector<float> trained_like_logits(const Workload& w, const std::vector<std::uint8_t>& labels) {
  std::mt19937 random(11);
  std::normal_distribution<float> noise;
  std::vector<float> logits(static_cast<std::size_t>(w.classes * w.height * w.width));
  for (float& logit : logits) logit = noise(random);
  for (std::int64_t y = 0; y < w.height; ++y) {
    for (std::int64_t x = 0; x < w.width; ++x) {
      const std::int64_t label_y = (2 * y + 1) * w.label_height / (2 * w.height);
      const std::int64_t label_x = (2 * x + 1) * w.label_width / (2 * w.width);
      const std::int64_t label = labels[static_cast<std::size_t>(label_y * w.label_width + label_x)];
      if (label < w.classes) logits[static_cast<std::size_t>((label * w.height + y) * w.width + x)] += 4.0F;
    }
  }
  return logits;
}

/// Aligned memory for a plan's state or workspace.
std::unique_ptr<void, decltype(&std::free)> make_buffer(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;  // a cache line; 16 would do
  const std::size_t rounded = (bytes + kAlignment) / kAlignment * kAlignment;
  return {std::aligned_alloc(kAlignment, rounded), &std::free};
}

void measure(benchmark::State& bench, const Workload& w, const std::vector<std::int32_t>& scales,
             const Operation& operation) {
  const auto skip = [&](const char* call) {
    bench.SkipWithError((std::string(call) + ": " + arloss_last_message()).c_str());
  };
  arloss_problem_t problem;
  arloss_problem_init(&problem);
  problem.batch = 1;
  problem.classes = w.classes;
  problem.height = w.height;
  problem.width = w.width;
  problem.label_height = w.label_height;
  problem.label_width = w.label_width;
  problem.num_scales = static_cast<std::int32_t>(scales.size());
  for (std::size_t k = 0; k < scales.size(); ++k) problem.scales[k] = scales[k];
  arloss_options_t options;
  arloss_options_init(&options);

  arloss_plan_t* created = nullptr;
  if (arloss_plan_create(&created, &problem, &options) != ARLOSS_STATUS_SUCCESS) return skip("arloss_plan_create");
  const std::unique_ptr<arloss_plan_t, decltype(&arloss_plan_destroy)> plan(created, &arloss_plan_destroy);
  std::size_t state_bytes = 0;
  std::size_t workspace_bytes = 0;
  if (arloss_plan_state_bytes(created, &state_bytes) != ARLOSS_STATUS_SUCCESS) return skip("arloss_plan_state_bytes");
  if (arloss_plan_workspace_bytes(created, &workspace_bytes) != ARLOSS_STATUS_SUCCESS)
    return skip("arloss_plan_workspace_bytes");
  const auto state = make_buffer(state_bytes);
  const auto workspace = make_buffer(workspace_bytes);

  const std::vector<std::uint8_t> labels = smooth_labels(w);
  const std::vector<float> logits = trained_like_logits(w, labels);
  std::vector<float> gradient(logits.size());
  float loss = 0;
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = logits.data();
  io.labels = labels.data();
  io.loss = &loss;
  io.grad_logits = gradient.data();

  const auto run = [&](RunCall call) {
    return call(created, &io, state.get(), state_bytes, workspace.get(), workspace_bytes, nullptr);
  };
  if (run(arloss_forward) != ARLOSS_STATUS_SUCCESS) return skip("arloss_forward");  // backward needs its state
  for (auto _ : bench) {
    if (run(operation.run) != ARLOSS_STATUS_SUCCESS) {
      skip(operation.name);
      break;
    }
    benchmark::DoNotOptimize(loss);
    benchmark::ClobberMemory();
  }

  const auto logits_bytes = static_cast<std::int64_t>(logits.size() * sizeof(float));
  const auto labels_bytes = static_cast<std::int64_t>(labels.size());
  bench.SetBytesProcessed(bench.iterations() * (operation.tensor_passes * logits_bytes + labels_bytes));
  bench.SetItemsProcessed(bench.iterations() * w.height * w.width);
  bench.counters["extra_%"] =
      100.0 * static_cast<double>(state_bytes + workspace_bytes) / static_cast<double>(logits_bytes);
}

const int kRegistered = [] {
  const ScaleSet scale_sets[] = {{"1", {1}}, {"1,2,4", {1, 2, 4}}};
  for (const Workload& workload : kWorkloads) {
    for (const ScaleSet& set : scale_sets) {
      for (const Operation& operation : kOperations) {
        const std::string name = std::string(operation.name) + "/" + workload.name + "/scales:" + set.name;
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=](benchmark::State& bench) { measure(bench, workload, set.scales, operation); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
    }
  }
  return 0;
}();

}  // namespace
