// The three run calls of a training step, on workloads that segmentation networks train on.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "arloss/arloss.h"
#include "smooth_data.h"

namespace {

struct Workload {
  const char* name;
  bench::ImageShape shape;
};

constexpr Workload kWorkloads[] = {
    {"city_97", {19, 97, 97, 769, 769}},        // stride 8, ratio not whole
    {"city_q", {19, 128, 256, 512, 1024}},      // stride 4
    {"city_full", {19, 512, 1024, 512, 1024}},  // full resolution, hard labels
    {"ade_4", {150, 128, 128, 512, 512}},       // stride 4, many classes
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
  problem.classes = w.shape.classes;
  problem.height = w.shape.height;
  problem.width = w.shape.width;
  problem.label_height = w.shape.label_height;
  problem.label_width = w.shape.label_width;
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

  const std::vector<std::uint8_t> labels = bench::smooth_labels(w.shape, 7);
  const std::vector<float> logits = bench::trained_like_logits(w.shape, labels, 11);
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
  bench.SetItemsProcessed(bench.iterations() * w.shape.height * w.shape.width);
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
