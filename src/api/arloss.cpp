#include "arloss/arloss.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "api/guard.h"
#include "api/last_message.h"
#include "api/run_checks.h"
#include "plan/plan.h"

using arloss::AffinityRows;
using arloss::Backend;
using arloss::Buffers;
using arloss::check_argument;
using arloss::fail;
using arloss::is_factored;
using arloss::Message;
using arloss::RunFault;
using arloss::SizedBuffer;

namespace {

arloss_status_t null_argument(const char* name) {
  return fail(ARLOSS_STATUS_INVALID_ARGUMENT, Message() << name << " is NULL; this call needs it");
}

template <class Value>
arloss_status_t answer(const arloss_plan_t* plan, const char* name, Value* out, Value (*ask)(const arloss_plan_t&)) {
  if (plan == nullptr) return null_argument("plan");
  if (out == nullptr) return null_argument(name);
  *out = ask(*plan);
  return ARLOSS_STATUS_SUCCESS;
}

/// The buffers of one run call, as the caller passed them.
struct Call {
  const arloss_plan_t* plan;
  const arloss_tensors_t* io;
  SizedBuffer state;
  SizedBuffer workspace;
  arloss_stream_t stream;

  Buffers buffers() const { return {*io, const_cast<void*>(state.data), const_cast<void*>(workspace.data), stream}; }
};

enum Uses : unsigned { kUsesState = 1, kUsesWorkspace = 2 };

arloss_status_t check_call(const Call& call, unsigned needs, unsigned uses) {
  arloss_status_t status = arloss::check_tensors(call.plan, call.io, needs);
  if (status == ARLOSS_STATUS_SUCCESS && (uses & kUsesState)) status = arloss::check_state(*call.plan, call.state);
  if (status == ARLOSS_STATUS_SUCCESS && (uses & kUsesWorkspace))
    status = arloss::check_workspace(*call.plan, call.workspace);
  return status;
}

/// One backend call that may find a fault in the caller's values.
arloss_status_t run(const Call& call, unsigned needs, RunFault (Backend::*method)(const Buffers&) const) {
  const arloss_status_t status = check_call(call, needs, kUsesState | kUsesWorkspace);
  if (status != ARLOSS_STATUS_SUCCESS) return status;
  return arloss::report_fault(*call.plan, (call.plan->backend.get()->*method)(call.buffers()));
}

arloss_status_t refuse_sharding(const char* call) {
  return fail(ARLOSS_STATUS_UNSUPPORTED, Message() << call
                                                   << " needs a factored plan; this one is pairwise "
                                                      "(arloss_plan_describe says why)");
}

}  // namespace

int arloss_version(void) { return ARLOSS_VERSION_MAJOR * 10000 + ARLOSS_VERSION_MINOR * 100 + ARLOSS_VERSION_PATCH; }

const char* arloss_status_name(arloss_status_t status) {
  int value;  // a caller may pass any int: switch on the bits, not on the enum
  std::memcpy(&value, &status, sizeof value);
  switch (value) {
#define ARLOSS_NAME(name) \
  case name: return #name
    ARLOSS_NAME(ARLOSS_STATUS_SUCCESS);
    ARLOSS_NAME(ARLOSS_STATUS_INVALID_ARGUMENT);
    ARLOSS_NAME(ARLOSS_STATUS_INVALID_LABEL);
    ARLOSS_NAME(ARLOSS_STATUS_BUFFER_TOO_SMALL);
    ARLOSS_NAME(ARLOSS_STATUS_UNSUPPORTED);
    ARLOSS_NAME(ARLOSS_STATUS_NO_DEVICE);
    ARLOSS_NAME(ARLOSS_STATUS_CUDA_ERROR);
    ARLOSS_NAME(ARLOSS_STATUS_OUT_OF_MEMORY);
    ARLOSS_NAME(ARLOSS_STATUS_INTERNAL_ERROR);
#undef ARLOSS_NAME
    default: return "ARLOSS_STATUS_UNKNOWN";
  }
}

const char* arloss_last_message(void) { return arloss::last_message(); }

int arloss_device_available(arloss_device_t device) {
  int value;
  std::memcpy(&value, &device, sizeof value);
  return value == ARLOSS_DEVICE_CPU || (value == ARLOSS_DEVICE_CUDA && arloss::is_cuda_available()) ? 1 : 0;
}

void arloss_problem_init(arloss_problem_t* problem) {
  if (problem == nullptr) return;
  *problem = arloss_problem_t{};
  problem->struct_size = sizeof *problem;
  problem->batch = 1;
  problem->depth = 1;
  problem->logits_dtype = ARLOSS_DTYPE_FLOAT32;
  problem->labels_dtype = ARLOSS_DTYPE_UINT8;
  problem->has_ignore_index = 1;
  problem->ignore_index = 255;
  problem->num_scales = 1;
  problem->scales[0] = 1;
  problem->loss_weight = 1;
}

void arloss_options_init(arloss_options_t* options) {
  if (options == nullptr) return;
  *options = arloss_options_t{};
  options->struct_size = sizeof *options;
  options->device_index = -1;
}

arloss_status_t arloss_plan_create(arloss_plan_t** plan, const arloss_problem_t* problem,
                                   const arloss_options_t* options) {
  if (plan == nullptr) return null_argument("plan");
  if (problem == nullptr) return null_argument("problem");
  if (options == nullptr) return null_argument("options");
  return arloss::guard([&] {
    *plan = arloss::make_plan(*problem, *options).release();
    return ARLOSS_STATUS_SUCCESS;
  });
}

void arloss_plan_destroy(arloss_plan_t* plan) { delete plan; }

arloss_status_t arloss_plan_describe(const arloss_plan_t* plan, char* text, size_t capacity, size_t* needed) {
  if (plan == nullptr) return null_argument("plan");
  if (text == nullptr && (capacity > 0 || needed == nullptr))
    return null_argument(needed == nullptr ? "needed" : "text");
  return arloss::guard([&] {
    const std::string description = arloss::describe(*plan);
    if (needed != nullptr) *needed = description.size() + 1;
    if (text == nullptr) return ARLOSS_STATUS_SUCCESS;
    if (capacity < description.size() + 1)
      return fail(ARLOSS_STATUS_BUFFER_TOO_SMALL,
                  Message() << "capacity is " << capacity << "; the text needs " << description.size() + 1 << " bytes");
    std::memcpy(text, description.c_str(), description.size() + 1);
    return ARLOSS_STATUS_SUCCESS;
  });
}

arloss_status_t arloss_plan_state_bytes(const arloss_plan_t* plan, size_t* bytes) {
  return answer<size_t>(plan, "bytes", bytes, [](const arloss_plan_t& p) { return p.backend->state().total(); });
}

arloss_status_t arloss_plan_workspace_bytes(const arloss_plan_t* plan, size_t* bytes) {
  return answer<size_t>(plan, "bytes", bytes,
                        [](const arloss_plan_t& p) { return arloss::workspace_bytes(p.backend->workspace()); });
}

arloss_status_t arloss_plan_sum_count(const arloss_plan_t* plan, size_t* count) {
  if (plan != nullptr && !is_factored(plan->choice.route)) return refuse_sharding("arloss_plan_sum_count");
  return answer<size_t>(plan, "count", count,
                        [](const arloss_plan_t& p) { return static_cast<size_t>(p.backend->sum_count()); });
}

arloss_status_t arloss_forward(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state, size_t state_bytes,
                               void* workspace, size_t workspace_bytes, arloss_stream_t stream) {
  return run({plan, io, {state, state_bytes}, {workspace, workspace_bytes}, stream},
             arloss::kNeedsLogits | arloss::kNeedsLabels | arloss::kNeedsLoss, &Backend::forward);
}

arloss_status_t arloss_backward(const arloss_plan_t* plan, const arloss_tensors_t* io, const void* state,
                                size_t state_bytes, void* workspace, size_t workspace_bytes, arloss_stream_t stream) {
  return run({plan, io, {state, state_bytes}, {workspace, workspace_bytes}, stream},
             arloss::kNeedsLogits | arloss::kNeedsLabels | arloss::kNeedsGradient, &Backend::backward);
}

arloss_status_t arloss_forward_backward(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state,
                                        size_t state_bytes, void* workspace, size_t workspace_bytes,
                                        arloss_stream_t stream) {
  return run({plan, io, {state, state_bytes}, {workspace, workspace_bytes}, stream},
             arloss::kNeedsLogits | arloss::kNeedsLabels | arloss::kNeedsLoss | arloss::kNeedsGradient,
             &Backend::forward_backward);
}

arloss_status_t arloss_accumulate(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state,
                                  size_t state_bytes, void* workspace, size_t workspace_bytes, arloss_stream_t stream) {
  if (plan != nullptr && !is_factored(plan->choice.route)) return refuse_sharding("arloss_accumulate");
  return run({plan, io, {state, state_bytes}, {workspace, workspace_bytes}, stream},
             arloss::kNeedsLogits | arloss::kNeedsLabels, &Backend::accumulate);
}

arloss_status_t arloss_finish(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state, size_t state_bytes,
                              arloss_stream_t stream) {
  if (plan != nullptr && !is_factored(plan->choice.route)) return refuse_sharding("arloss_finish");
  const Call call{plan, io, {state, state_bytes}, {nullptr, 0}, stream};
  const arloss_status_t status = check_call(call, arloss::kNeedsLoss, kUsesState);
  if (status != ARLOSS_STATUS_SUCCESS) return status;
  return arloss::report_fault(*plan, plan->backend->finish(call.buffers()));
}

arloss_status_t arloss_affinity_rows(const arloss_plan_t* plan, const arloss_tensors_t* io, arloss_affinity_t which,
                                     const int64_t* rows_image, const int64_t* rows_cell, int64_t num_rows, float* out,
                                     void* workspace, size_t workspace_bytes, arloss_stream_t stream) {
  int kind;
  std::memcpy(&kind, &which, sizeof kind);
  if (kind < ARLOSS_AFFINITY_OUTPUT || kind > ARLOSS_AFFINITY_RESIDUAL)
    return fail(ARLOSS_STATUS_INVALID_ARGUMENT, Message()
                                                    << "which is " << kind << "; it must be OUTPUT, LABEL or RESIDUAL");
  const Call call{plan, io, {nullptr, 0}, {workspace, workspace_bytes}, stream};
  const unsigned needs = arloss::kNeedsLabels | (which == ARLOSS_AFFINITY_LABEL ? 0u : arloss::kNeedsLogits);
  arloss_status_t status = check_call(call, needs, kUsesWorkspace);
  if (status != ARLOSS_STATUS_SUCCESS) return status;
  if (num_rows < 0)
    return fail(ARLOSS_STATUS_INVALID_ARGUMENT, Message() << "num_rows is " << num_rows << "; it must be 0 or more");
  if (num_rows == 0) return ARLOSS_STATUS_SUCCESS;
  status = check_argument("rows_image", rows_image, sizeof *rows_image);
  if (status == ARLOSS_STATUS_SUCCESS) status = check_argument("rows_cell", rows_cell, sizeof *rows_cell);
  if (status == ARLOSS_STATUS_SUCCESS) status = check_argument("out", out, sizeof *out);
  if (status != ARLOSS_STATUS_SUCCESS) return status;
  return arloss::report_fault(
      *plan, plan->backend->affinity_rows(call.buffers(), {which, rows_image, rows_cell, num_rows, out}));
}

arloss_status_t arloss_label_distribution(const arloss_plan_t* plan, const arloss_tensors_t* io, int32_t scale_index,
                                          float* out, void* workspace, size_t workspace_bytes, arloss_stream_t stream) {
  const Call call{plan, io, {nullptr, 0}, {workspace, workspace_bytes}, stream};
  const arloss_status_t status = check_call(call, arloss::kNeedsLabels, kUsesWorkspace);
  if (status != ARLOSS_STATUS_SUCCESS) return status;
  const auto num_scales = static_cast<int32_t>(plan->problem.asked_edges.size());
  if (scale_index < 0 || scale_index >= num_scales)
    return fail(ARLOSS_STATUS_INVALID_ARGUMENT,
                Message() << "scale_index is " << scale_index << "; it must be from 0 to " << num_scales - 1);
  if (const arloss_status_t argument = check_argument("out", out, sizeof *out); argument != ARLOSS_STATUS_SUCCESS)
    return argument;
  return arloss::report_fault(*plan, plan->backend->label_distribution(call.buffers(), scale_index, out));
}

arloss_status_t arloss_check(const arloss_plan_t* plan, const arloss_tensors_t* io, arloss_report_t* report,
                             void* workspace, size_t workspace_bytes, arloss_stream_t stream) {
  const Call call{plan, io, {nullptr, 0}, {workspace, workspace_bytes}, stream};
  const arloss_status_t status = check_call(call, arloss::kNeedsLogits | arloss::kNeedsLabels, kUsesWorkspace);
  if (status != ARLOSS_STATUS_SUCCESS) return status;
  if (report == nullptr) return null_argument("report");
  if (report->struct_size < sizeof *report)
    return fail(ARLOSS_STATUS_INVALID_ARGUMENT, Message() << "report.struct_size is " << report->struct_size
                                                          << "; it must be at least " << sizeof *report
                                                          << " (sizeof(arloss_report_t))");
  return arloss::report_fault(*plan, plan->backend->check(call.buffers(), report));
}
