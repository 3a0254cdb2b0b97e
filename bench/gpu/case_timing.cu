#include "case_timing.h"

#include <cuda_bf16.h>
#include <thrust/device_vector.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "device_facts.h"

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

/// What one call reads and writes.
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

}  // namespace

CaseTiming time_case(const Case& timed, const HostBatch& batch, const TimingSettings& settings) {
  DevicePlan plan(timed);
  const auto logits_bytes = static_cast<std::size_t>(timed.logits_bytes());
  const std::size_t set_bytes = logits_bytes + static_cast<std::size_t>(timed.labels_bytes());
  const std::size_t num_sets = std::max<std::size_t>(3, settings.input_bytes / set_bytes + 1);
  const DeviceSet first = {upload_logits(batch, timed.logits_dtype), upload_labels(batch, timed.labels_dtype),
                           DeviceBytes(logits_bytes), DeviceBytes(plan.state_bytes), thrust::device_vector<float>(1)};
  std::vector<DeviceSet> sets(num_sets, first);
  const std::size_t copy_bytes = logits_bytes * 3 / 2 / 16 * 16;
  std::vector<DeviceBytes> sources(num_sets, DeviceBytes(copy_bytes)), targets = sources;

  const Stream stream;
  // Not captured: what the first call of a kind loads is loaded.
  for (const RunCall call : {RunCall{arloss_forward}, RunCall{run_backward}, RunCall{arloss_forward_backward}}) {
    for (DeviceSet& set : sets) run(call, plan, set, stream);
  }
  check(cudaStreamSynchronize(stream.get()));
  CaseTiming timing;
  for (const DeviceSet& set : sets) {
    timing.loss = set.loss[0];
    if (!std::isfinite(timing.loss)) throw std::runtime_error("the loss is " + std::to_string(timing.loss));
  }

  const auto captured = [&](RunCall call) {
    return [&, call](int set) { run(call, plan, sets[static_cast<std::size_t>(set)], stream); };
  };
  const auto num_calls = static_cast<int>(num_sets);
  const ReplayGraph forward_backward(stream, num_calls, captured(arloss_forward_backward));
  const ReplayGraph forward(stream, num_calls, captured(arloss_forward));
  const ReplayGraph backward(stream, num_calls, captured(run_backward));
  const ReplayGraph memcpy(stream, num_calls, [&](int set) {
    const auto i = static_cast<std::size_t>(set);
    check(
        cudaMemcpyAsync(data_of(targets[i]), data_of(sources[i]), copy_bytes, cudaMemcpyDeviceToDevice, stream.get()));
  });
  const ReplayGraph copy_kernel(stream, num_calls, [&](int set) {
    const auto i = static_cast<std::size_t>(set);
    copy_by_kernel(data_of(targets[i]), data_of(sources[i]), copy_bytes, stream.get());
  });
  const std::vector<Timing> timings =
      time_in_turn({&forward_backward, &memcpy, &forward, &copy_kernel, &backward}, settings.num_replays);
  timing.forward_backward = timings[0];
  timing.memcpy = timings[1];
  timing.forward = timings[2];
  timing.copy_kernel = timings[3];
  timing.backward = timings[4];
  timing.num_sets = num_calls;
  timing.state_bytes = plan.state_bytes;
  timing.workspace_bytes = plan.workspace.size();
  return timing;
}

}  // namespace bench
