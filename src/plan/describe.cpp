#include <charconv>

#include "plan/plan.h"

namespace arloss {
namespace {

const char* penalty_name(arloss_penalty_t penalty) {
  switch (penalty) {
    case ARLOSS_PENALTY_SQUARED: return "SQUARED";
    case ARLOSS_PENALTY_ABSOLUTE: return "ABSOLUTE";
    case ARLOSS_PENALTY_HUBER: return "HUBER";
    case ARLOSS_PENALTY_CROSS_ENTROPY: return "CROSS_ENTROPY";
  }
  return "?";
}

const char* dtype_name(arloss_dtype_t dtype) {
  switch (dtype) {
    case ARLOSS_DTYPE_FLOAT32: return "float32";
    case ARLOSS_DTYPE_FLOAT16: return "float16";
    case ARLOSS_DTYPE_BFLOAT16: return "bfloat16";
    case ARLOSS_DTYPE_UINT8: return "uint8";
    case ARLOSS_DTYPE_INT32: return "int32";
    case ARLOSS_DTYPE_INT64: return "int64";
  }
  return "?";
}

const char* scale_mode_name(arloss_scale_mode_t mode) {
  return mode == ARLOSS_SCALES_BLEND ? "BLEND" : mode == ARLOSS_SCALES_SEPARATE ? "SEPARATE" : "PYRAMID";
}

const char* reduction_name(arloss_reduction_t reduction) {
  return reduction == ARLOSS_REDUCTION_MEAN ? "MEAN" : reduction == ARLOSS_REDUCTION_SUM ? "SUM" : "NONE";
}

/// A count in four digits, without the process's locale.
std::string rounded(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 4).ptr;
  return std::string(digits, end);
}

std::string extent(const Extent& size) {
  std::string text = std::to_string(size.height) + " x " + std::to_string(size.width);
  return size.depth > 1 ? std::to_string(size.depth) + " x " + text : text;
}

std::string describe_problem(const Problem& problem) {
  std::string text = "problem: " + std::to_string(problem.batch) + " x " + std::to_string(problem.classes) + " x " +
                     extent(problem.grid) + " " + dtype_name(problem.logits_dtype) + " logits (" +
                     (problem.layout == ARLOSS_LAYOUT_NCHW ? "NCHW" : "NHWC") + "), " + extent(problem.labels) + " " +
                     dtype_name(problem.labels_dtype) + " labels\n";
  text += std::string("loss: ") + penalty_name(problem.penalty);
  if (problem.penalty_param > 0) text += " (" + rounded(problem.penalty_param) + ")";
  text += std::string(", ") + scale_mode_name(problem.scale_mode) + " of scales";
  for (const Scale& scale : problem.scales)
    text += " " + std::to_string(scale.edge) + " (weight " + rounded(scale.weight) + ")";
  text += std::string(", reduction ") + reduction_name(problem.reduction) + ", span " +
          (problem.span == ARLOSS_SPAN_BATCH ? "BATCH" : "IMAGE") + ", loss_weight " + rounded(problem.loss_weight) +
          (problem.accumulate_gradient ? ", gradient added\n" : ", gradient overwritten\n");
  if (!problem.has_ignore_index) return text + "ignored labels: none\n";
  text += "ignored labels: " + std::to_string(problem.ignore_index);
  if (problem.ignore_index >= 0 && problem.ignore_index < problem.classes)
    text += ", which is one of the classes: class " + std::to_string(problem.ignore_index) +
            " is ignored (set has_ignore_index = 0 to keep it)";
  return text + "\n";
}

/// Multiply-adds counted as two; forward and backward together.
double expected_flops(const Problem& problem, Route route) {
  const double cells = static_cast<double>(problem.batch * problem.grid.count());
  const double classes = static_cast<double>(problem.classes);
  const double per_group = static_cast<double>(problem.batch / problem.num_groups() * problem.grid.count());
  switch (route) {
    case Route::kFactored: return cells * (classes * (classes + 1) + 2 * classes * classes);
    case Route::kFactoredPyramid:
      return problem.num_scales() * cells * (classes * (classes + 1) + 2 * classes * classes);
    case Route::kFactoredAbsolute: return cells * 4 * classes;
    case Route::kPairwise: return cells * per_group * 4 * classes;
  }
  return 0;
}

std::string describe_cost(const arloss_plan& plan) {
  const Problem& problem = plan.problem;
  const double logits =
      static_cast<double>(problem.batch * problem.classes * problem.grid.count() * logit_bytes(problem.logits_dtype));
  const double labels = static_cast<double>(problem.batch * problem.labels.count() * label_bytes(problem.labels_dtype));
  // Logits are read once forward and once backward, the gradient is written once; labels are read once.
  const double moved = 3 * logits + labels + (problem.accumulate_gradient ? logits : 0);
  std::string text = "forward_backward: about " + rounded(moved) + " bytes moved to and from memory, " +
                     rounded(expected_flops(problem, plan.choice.route)) + " floating-point operations";
  if (plan.choice.route == Route::kPairwise) {
    const double cells = static_cast<double>(problem.batch * problem.grid.count());
    text += " over " + rounded(cells * cells / static_cast<double>(problem.num_groups())) + " pairs";
  }
  return text + "\n";
}

std::string describe_buffer(const char* name, std::size_t bytes, const Ledger& ledger) {
  std::string text = std::string(name) + ": " + std::to_string(bytes) + " bytes\n";
  for (const Booking& booking : ledger.bookings())
    text += "  " + std::to_string(booking.bytes) + "  " + booking.name + "\n";
  return text;
}

}  // namespace

std::string describe(const arloss_plan& plan) {
  std::string text = describe_problem(plan.problem);
  text += std::string("route: ") + route_name(plan.choice.route) + ": " + plan.choice.reason + "\n";
  for (const RefusedRoute& refused : plan.choice.refused)
    text += std::string("  not ") + route_name(refused.route) + ": " + refused.reason + "\n";
  text += plan.backend->describe();
  text += describe_buffer("state", plan.backend->state().total(), plan.backend->state());
  text += describe_buffer("workspace", workspace_bytes(plan.backend->workspace()), plan.backend->workspace());
  return text + describe_cost(plan);
}

}  // namespace arloss
