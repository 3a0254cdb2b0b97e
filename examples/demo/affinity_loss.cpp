#include "affinity_loss.h"

#include <algorithm>

namespace demo {
namespace {

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16, "state and workspace must be aligned to 16 bytes");

void check(arloss_status_t status, const char *call) {
  if (status != ARLOSS_STATUS_SUCCESS) throw LossError(call, status);
}

/// One image of float32 NCHW logits against a uint8 label map, which may be finer than the grid.
arloss_problem_t make_problem(const LabelMap &labels, Grid grid, const LossSettings &settings) {
  arloss_problem_t problem;
  arloss_problem_init(&problem);  // batch 1, 2-D, mean over all pairs, and so on
  problem.classes = settings.num_classes;
  problem.height = grid.height;
  problem.width = grid.width;
  problem.label_height = labels.height;
  problem.label_width = labels.width;
  problem.logits_dtype = ARLOSS_DTYPE_FLOAT32;
  problem.logits_layout = ARLOSS_LAYOUT_NCHW;
  problem.labels_dtype = ARLOSS_DTYPE_UINT8;
  problem.has_ignore_index = settings.ignore >= 0;
  problem.ignore_index = settings.ignore;
  problem.scale_mode = ARLOSS_SCALES_BLEND;
  problem.penalty = settings.penalty;
  if (settings.scales.size() > ARLOSS_MAX_SCALES) {  // the library cannot see what does not fit in its struct
    throw InputError("--scales: " + std::to_string(settings.scales.size()) + " given, at most " +
                     std::to_string(ARLOSS_MAX_SCALES) + " allowed");
  }
  problem.num_scales = static_cast<int32_t>(settings.scales.size());
  std::copy(settings.scales.begin(), settings.scales.end(), problem.scales);
  return problem;
}

}  // namespace

LossError::LossError(const std::string &call, arloss_status_t code)
    : std::runtime_error(call + ": " + arloss_status_name(code) + ": " + arloss_last_message()), status(code) {}

AffinityLoss::AffinityLoss(const LabelMap &labels, Grid grid, const LossSettings &settings)
    : labels_(labels), grid_(grid), num_classes_(settings.num_classes) {
  const arloss_problem_t problem = make_problem(labels, grid, settings);
  arloss_options_t options;
  arloss_options_init(&options);  // CPU, all threads, the algorithm that the library thinks best

  arloss_plan_t *plan = nullptr;
  check(arloss_plan_create(&plan, &problem, &options), "arloss_plan_create");
  plan_.reset(plan);

  // The library allocates nothing in a run call: the caller brings the memory, once for all calls.
  size_t state_bytes = 0, workspace_bytes = 0;
  check(arloss_plan_state_bytes(plan, &state_bytes), "arloss_plan_state_bytes");
  check(arloss_plan_workspace_bytes(plan, &workspace_bytes), "arloss_plan_workspace_bytes");
  state_.resize(state_bytes);
  workspace_.resize(workspace_bytes);
}

arloss_tensors_t AffinityLoss::tensors(const std::vector<float> *logits) const {
  arloss_tensors_t io = {};  // pointers that a call does not need stay NULL
  io.struct_size = sizeof io;
  io.logits = logits != nullptr ? logits->data() : nullptr;
  io.labels = labels_.values.data();
  return io;
}

float AffinityLoss::loss_and_gradient(const std::vector<float> &logits, std::vector<float> &gradient) {
  gradient.resize(logits.size());
  float loss = 0;
  arloss_tensors_t io = tensors(&logits);
  io.loss = &loss;
  io.grad_logits = gradient.data();
  check(arloss_forward_backward(plan_.get(), &io, state_.data(), state_.size(), workspace_.data(), workspace_.size(),
                                /*stream=*/nullptr),
        "arloss_forward_backward");
  return loss;
}

std::vector<float> AffinityLoss::affinity_row(const std::vector<float> &logits, arloss_affinity_t which, int64_t cell) {
  std::vector<float> row(static_cast<size_t>(grid_.num_cells()));
  const arloss_tensors_t io = tensors(&logits);
  const int64_t image = 0;
  check(arloss_affinity_rows(plan_.get(), &io, which, &image, &cell, /*num_rows=*/1, row.data(), workspace_.data(),
                             workspace_.size(), /*stream=*/nullptr),
        "arloss_affinity_rows");
  return row;
}

std::vector<float> AffinityLoss::label_distribution() {
  std::vector<float> distribution(static_cast<size_t>(grid_.num_cells() * num_classes_));
  const arloss_tensors_t io = tensors(nullptr);
  check(arloss_label_distribution(plan_.get(), &io, /*scale_index=*/0, distribution.data(), workspace_.data(),
                                  workspace_.size(), /*stream=*/nullptr),
        "arloss_label_distribution");
  return distribution;
}

std::string AffinityLoss::describe() const {
  size_t needed = 0;  // counts the final NUL
  check(arloss_plan_describe(plan_.get(), nullptr, 0, &needed), "arloss_plan_describe");
  std::string text(needed, '\0');
  check(arloss_plan_describe(plan_.get(), text.data(), text.size(), &needed), "arloss_plan_describe");
  text.resize(needed - 1);
  return text;
}

}  // namespace demo
