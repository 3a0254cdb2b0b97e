#include "case_timing.h"

#include <cuda_bf16.h>
#include <thrust/device_vector.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "cache_flush.h"
#include "measured_device.h"
#include "launch_gate.h"

namespace bench {
namespace {

using DeviceBytes = thrust::device_vector<unsigned char>;

void* data_of(DeviceBytes& bytes) { return thrust::raw_pointer_cast(bytes.data()); }

void check(arloss_status_t status) {
  if (status == ARLOSS_STATUS_UNSUPPORTED) throw Unsupported{arloss_last_message()};
  if (status != ARLOSS_STATUS_SUCCESS) {
    throw std::runtime_error(std::string(arloss_status_name(status)) + ": " + arloss_last_message());
  }
}

template <class To, class From>
DeviceBytes upload(const std::vector<From>& values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(To));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const To value = static_cast<To>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(To), &value, sizeof(To));
  }
  return DeviceBytes(bytes.begin(), bytes.end());
}

DeviceBytes upload_logits(const HostBatch& batch, arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_FLOAT32 ? upload<float>(batch.logits) : upload<__nv_bfloat16>(batch.logits);
}

DeviceBytes upload_labels(const HostBatch& batch, arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_UINT8 ? upload<std::uint8_t>(batch.labels) : upload<std::int64_t>(batch.labels);
}

/// The plan of a case on the current device, and what its calls need besides their tensors.
class DevicePlan {
 public:
  explicit DevicePlan(const Case& timed) {
    const ImageShape& image = timed.workload.image;
    arloss_problem_t problem;
    arloss_problem_init(&problem);
    problem.batch = timed.workload.batch;
    problem.classes = image.classes;
    problem.height = image.height;
    problem.width = image.width;
    problem.label_height = image.label_height;
    problem.label_width = image.label_width;
    problem.logits_dtype = timed.logits_dtype;
    problem.labels_dtype = timed.labels_dtype;
    problem.num_scales = static_cast<std::int32_t>(timed.scales.size());
    std::copy(timed.scales.begin(), timed.scales.end(), problem.scales);
    arloss_options_t options;
    arloss_options_init(&options);
    options.device = ARLOSS_DEVICE_CUDA;
    arloss_plan_t* plan = nullptr;
    check(arloss_plan_create(&plan, &problem, &options));
    plan_.reset(plan);
    check(arloss_plan_state_bytes(plan, &state_bytes));
    std::size_t workspace_bytes = 0;
    check(arloss_plan_workspace_bytes(plan, &workspace_bytes));
    workspace.resize(workspace_bytes);
  }
  const arloss_plan_t* get() const { return plan_.get(); }

  std::size_t state_bytes = 0;
  DeviceBytes workspace;

 private:
  std::unique_ptr<arloss_plan_t, decltype(&arloss_plan_destroy)> plan_{nullptr, &arloss_plan_destroy};
};

/// What a call reads and writes.
struct DeviceSet {
  DeviceBytes logits, labels, gradient, state;
  thrust::device_vector<float> loss;

  arloss_tensors_t tensors() {
    arloss_tensors_t io{};
    io.struct_size = sizeof io;
    io.logits = data_of(logits);
    io.labels = data_of(labels);
    io.loss = thrust::raw_pointer_cast(loss.data());
    io.grad_logits = data_of(gradient);
    return io;
  }
};

/// A run call of the library, on one set.
using RunCall = arloss_status_t (*)(const arloss_plan_t*, const arloss_tensors_t*, void*, std::size_t, void*,
                                    std::size_t, arloss_stream_t);

arloss_status_t run_backward(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state,
                             std::size_t state_bytes, void* workspace, std::size_t workspace_bytes,
                             arloss_stream_t stream) {
  return arloss_backward(plan, io, state, state_bytes, workspace, workspace_bytes, stream);
}

void run(RunCall call, DevicePlan& plan, DeviceSet& set, const Stream& stream) {
  const arloss_tensors_t io = set.tensors();
  check(call(plan.get(), &io, data_of(set.state), plan.state_bytes, data_of(plan.workspace), plan.workspace.size(),
             stream.get()));
}

using Graphs = std::vector<std::unique_ptr<ReplayGraph>>;

/// Graphs of the first launches of a call, one more in each; the last holds them all.
Graphs capture_heads(const Stream& stream, const std::function<void()>& call, std::vector<std::string>& names) {
  Graphs graphs;
  for (int count = 1; graphs.empty() || graphs.size() < names.size(); ++count) {
    LaunchGate gate(count);
    graphs.push_back(std::make_unique<ReplayGraph>(stream, call));
    names = gate.names();
  }
  return graphs;
}

}  // namespace

CaseTiming time_case(const Case& timed, const HostBatch& batch, const TimingSettings& settings) {
  DevicePlan plan(timed);
  const auto logits_bytes = static_cast<std::size_t>(timed.logits_bytes());
  DeviceSet set = {upload_logits(batch, timed.logits_dtype), upload_labels(batch, timed.labels_dtype),
                   DeviceBytes(logits_bytes), DeviceBytes(plan.state_bytes), thrust::device_vector<float>(1)};
  const std::size_t copy_bytes = logits_bytes * 3 / 2 / 16 * 16;
  DeviceBytes source(copy_bytes), target(copy_bytes);
  CacheFlush flush(settings.flush_bytes);

  const Stream stream;
  const auto call_of = [&](RunCall call) -> std::function<void()> {
    return [&, call] { run(call, plan, set, stream); };
  };
  const std::function<void()> forward_backward = call_of(arloss_forward_backward);
  forward_backward();  // not captured: what a first call loads is loaded
  check(cudaStreamSynchronize(stream.get()));
  CaseTiming timing;
  timing.loss = set.loss[0];
  if (!std::isfinite(timing.loss)) throw std::runtime_error("the loss is " + std::to_string(timing.loss));

  std::vector<std::string> names;
  const Graphs heads = capture_heads(stream, forward_backward, names);
  const ReplayGraph forward_graph(stream, call_of(arloss_forward)), backward_graph(stream, call_of(run_backward));
  const ReplayGraph memcpy_graph(stream, [&] {
    check(cudaMemcpyAsync(data_of(target), data_of(source), copy_bytes, cudaMemcpyDeviceToDevice, stream.get()));
  });
  const ReplayGraph copy_graph(stream,
                               [&] { copy_by_kernel(data_of(target), data_of(source), copy_bytes, stream.get()); });
  std::vector<const ReplayGraph*> graphs = {&forward_graph, &backward_graph};
  for (const auto& head : heads) graphs.push_back(head.get());
  graphs.insert(graphs.end(), {&memcpy_graph, &copy_graph});
  const std::vector<Timing> timings = time_in_turn(graphs, settings.replays, std::ref(flush));
  timing.forward = timings[0];
  timing.backward = timings[1];
  timing.copy_kernel = timings.back();
  timing.memcpy = timings[timings.size() - 2];
  timing.forward_backward = timings[timings.size() - 3];
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double before = i == 0 ? 0 : timings[i + 1].median;
    timing.launches.push_back({names[i], timings[i + 2].median - before});
  }
  timing.state_bytes = plan.state_bytes;
  timing.workspace_bytes = plan.workspace.size();
  return timing;
}

}  // namespace bench
