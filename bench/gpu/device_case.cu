#include "device_case.h"

#include <cuda_bf16.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

/// require, but for what the library has no plan for.
void require_supported(arloss_status_t status) {
  if (status == ARLOSS_STATUS_UNSUPPORTED) throw Unsupported{arloss_last_message()};
  require(status);
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

arloss_plan_t* create_plan(const Case& timed) {
  arloss_problem_t problem = problem_of(timed.workload.batch, timed.workload.image, timed.scales);
  problem.logits_dtype = timed.logits_dtype;
  problem.labels_dtype = timed.labels_dtype;
  problem.penalty = timed.penalty;
  arloss_options_t options;
  arloss_options_init(&options);
  options.device = ARLOSS_DEVICE_CUDA;
  options.exact = timed.is_exact ? 1 : 0;
  arloss_plan_t* plan = nullptr;
  require_supported(arloss_plan_create(&plan, &problem, &options));
  return plan;
}

}  // namespace

DeviceCase::DeviceCase(const Case& timed, const HostBatch& batch)
    : plan_(create_plan(timed), &arloss_plan_destroy),
      logits_(upload_logits(batch, timed.logits_dtype)),
      labels_(upload_labels(batch, timed.labels_dtype)),
      gradient_(static_cast<std::size_t>(timed.logits_bytes())),
      state_(bytes_by(arloss_plan_state_bytes, plan_.get())),
      workspace_(bytes_by(arloss_plan_workspace_bytes, plan_.get())),
      loss_(1) {}

void DeviceCase::run(RunCall call, const Stream& stream) {
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = data_of(logits_);
  io.labels = data_of(labels_);
  io.loss = thrust::raw_pointer_cast(loss_.data());
  io.grad_logits = data_of(gradient_);
  require_supported(
      call(plan_.get(), &io, data_of(state_), state_.size(), data_of(workspace_), workspace_.size(), stream.get()));
}

float DeviceCase::run_once(const Stream& stream) {
  run(arloss_forward_backward, stream);
  check(cudaStreamSynchronize(stream.get()));
  const float loss = loss_[0];
  if (!std::isfinite(loss)) throw std::runtime_error("the loss is " + std::to_string(loss));
  return loss;
}

}  // namespace bench
