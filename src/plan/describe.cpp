#include <charconv>

#include "math/cell_partition.h"
#include "plan/penalties.h"
#include "plan/plan.h"

namespace arloss {
namespace {

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
  text += std::string("loss: ") + facts_of(problem.penalty).name;
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

/// What forward and backward together are expected to take. A multiply-add counts as two operations.
struct Cost {
  double bytes, flops, pairs;
  const char* counted;
};

double tensor_bytes(const Problem& problem) {
  return static_cast<double>(problem.batch * problem.classes * problem.grid.count() *
                             logit_bytes(problem.logits_dtype));
}

/// Bytes that every route moves once: labels in, gradient out, and in where it is added to.
double common_bytes(const Problem& problem) {
  return static_cast<double>(problem.batch * problem.labels.count() * label_bytes(problem.labels_dtype)) +
         tensor_bytes(problem) * (problem.accumulate_gradient ? 2 : 1);
}

Cost factored_cost(const Problem& problem, Route route) {
  const double cells = static_cast<double>(problem.batch * problem.grid.count());
  const double classes = static_cast<double>(problem.classes);
  const double matrices = route == Route::kFactoredPyramid ? problem.num_scales() : 1;
  const double flops =
      route == Route::kFactoredAbsolute ? cells * 4 * classes : matrices * cells * (3 * classes * classes + classes);
  return {common_bytes(problem) + 2 * tensor_bytes(problem), flops, 0,
          "logits twice, labels and gradient once; the products of C x C sums and of the gradient"};
}

/// Of the pairs of rows that blocks of an edge make, each against `scales` label scales.
void add_pass(const Problem& problem, std::int64_t edge, int scales, Cost& cost) {
  constexpr double kPanel = 64, kScaleFlops = 10;
  const PenaltyFacts& penalty = facts_of(problem.penalty);
  const double classes = static_cast<double>(problem.classes), groups = static_cast<double>(problem.num_groups());
  const double rows =
      static_cast<double>(problem.batch * math::num_blocks(problem.grid.depth, edge) *
                          math::num_blocks(problem.grid.height, edge) * math::num_blocks(problem.grid.width, edge));
  const double pairs = rows * rows / groups;
  const int penalties = problem.scale_mode == ARLOSS_SCALES_SEPARATE ? scales : 1;
  const int class_flops = penalty.takes_differences ? 10 : 2;
  cost.pairs += pairs;
  cost.flops += pairs * ((class_flops + 2) * classes + penalties * penalty.flops + (scales - 1) * kScaleFlops);
  cost.bytes += tensor_bytes(problem) + 8 * classes * (rows + pairs / kPanel);
}

Cost pairwise_cost(const Problem& problem) {
  Cost cost{
      common_bytes(problem), 0, 0,
      "pairs ij and ji, i = j too, of blocks in a pyramid; residual and gradient over the classes, the penalty, 10 "
      "for each coarser label scale; logits once a pass, rows of 8 C bytes once for 64 partners, from a cache "
      "that holds them"};
  if (problem.scale_mode == ARLOSS_SCALES_PYRAMID) {
    for (const Scale& scale : problem.scales) add_pass(problem, scale.edge, 1, cost);
  } else {
    add_pass(problem, 1, problem.num_scales(), cost);
  }
  return cost;
}

std::string describe_cost(const arloss_plan& plan) {
  const bool is_pairwise = plan.choice.route == Route::kPairwise;
  const Cost cost = is_pairwise ? pairwise_cost(plan.problem) : factored_cost(plan.problem, plan.choice.route);
  return "forward_backward: about " + rounded(cost.bytes) + " bytes moved to and from memory, " + rounded(cost.flops) +
         " floating-point operations" + (is_pairwise ? " over " + rounded(cost.pairs) + " pairs" : "") +
         "\n  counted: " + cost.counted + "\n";
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
  if (plan.choice.route == Route::kPairwise) text += "linear form: " + plan.choice.linear_form + "\n";
  text += plan.backend->describe();
  text += describe_buffer("state", plan.backend->state().total(), plan.backend->state());
  text += describe_buffer("workspace", workspace_bytes(plan.backend->workspace()), plan.backend->workspace());
  return text + describe_cost(plan);
}

}  // namespace arloss
