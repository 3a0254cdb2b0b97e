#include "plan/problem.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <numeric>

#include "plan/penalties.h"
#include "plan/refusal.h"

namespace arloss {
namespace {

/// Beyond it one C x C matrix of float64 sums passes 8 GiB and 32-bit class arithmetic in the kernels ends.
constexpr std::int64_t kMaxClasses = 32768;
/// Label counts of a block are kept in 32 bits.
constexpr std::int64_t kMaxLabelsPerImage = std::numeric_limits<std::uint32_t>::max();

[[noreturn]] void refuse(const Message& message, arloss_status_t status = ARLOSS_STATUS_INVALID_ARGUMENT) {
  throw Refusal(status, message);
}

template <class Number>
[[noreturn]] void refuse_field(const char* field, Number value, const char* rule) {
  refuse(Message() << field << " is " << value << "; it must be " << rule);
}

/// An enum as the caller stored it: reading one that holds no enumerator's bits through its own type is undefined.
template <class Enum>
int raw_value(const Enum& field) {
  static_assert(sizeof(Enum) == sizeof(int), "C enums of this API are int-sized");
  int value;
  std::memcpy(&value, &field, sizeof value);
  return value;
}

template <class Enum>
Enum check_enum(const char* field, const Enum& stored, std::initializer_list<Enum> known, const char* rule) {
  const int value = raw_value(stored);
  for (const Enum candidate : known)
    if (value == static_cast<int>(candidate)) return candidate;
  refuse_field(field, value, rule);
}

std::int64_t check_size(const char* field, std::int64_t value) {
  if (value < 1) refuse_field(field, value, "at least 1");
  return value;
}

double check_factor(const char* field, float value) {
  if (!(value >= 0) || std::isinf(value)) refuse_field(field, value, "finite and not negative");
  return value;
}

std::int64_t check_label_size(const char* field, std::int64_t value, std::int64_t grid) {
  if (value == 0) return grid;
  if (value < grid)
    refuse(Message() << field << " is " << value << "; it must be 0 (as the grid) or at least the grid's " << grid);
  return value;
}

std::int64_t checked_product(const char* what, std::initializer_list<std::int64_t> factors) {
  std::int64_t product = 1;
  for (const std::int64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product))
      refuse(Message() << what << " overflows 64-bit bytes; problem.batch, classes and sizes are too large together");
  return product;
}

void check_struct_size(const char* field, std::size_t size, std::size_t needed) {
  if (size < needed)
    refuse(Message() << field << " is " << size << "; it must be at least " << needed
                     << " (set by the matching arloss_*_init)");
}

arloss_penalty_t check_penalty(const arloss_penalty_t& stored) {
  const int value = raw_value(stored);
  if (value >= 0 && value < kNumPenalties) return static_cast<arloss_penalty_t>(value);
  Message message;
  message << "problem.penalty is " << value << "; it must be one of";
  for (const PenaltyFacts& facts : kPenalties) message << " " << facts.name;
  refuse(message);
}

double check_penalty_param(arloss_penalty_t penalty, float asked) {
  const double param = check_factor("problem.penalty_param", asked);
  const PenaltyFacts& facts = facts_of(penalty);
  if (facts.default_param == 0) return 0;
  if (param >= facts.param_end)
    refuse(Message() << "problem.penalty_param is " << asked << "; it must be below " << facts.param_end << " for "
                     << facts.name << ", or 0 for " << facts.default_param);
  return param > 0 ? param : facts.default_param;
}

std::vector<std::int64_t> check_edges(const arloss_problem_t& asked) {
  if (asked.num_scales < 1 || asked.num_scales > ARLOSS_MAX_SCALES)
    refuse_field("problem.num_scales", asked.num_scales, "from 1 to 8 (ARLOSS_MAX_SCALES)");
  std::vector<std::int64_t> edges(asked.scales, asked.scales + asked.num_scales);
  for (std::size_t k = 0; k < edges.size(); ++k) {
    if (edges[k] < 1) refuse(Message() << "problem.scales[" << k << "] is " << edges[k] << "; it must be at least 1");
    if (std::find(edges.begin(), edges.begin() + static_cast<std::ptrdiff_t>(k), edges[k]) !=
        edges.begin() + static_cast<std::ptrdiff_t>(k))
      refuse(Message() << "problem.scales[" << k << "] is " << edges[k] << ", listed before; scales must be distinct");
  }
  return edges;
}

std::vector<Scale> check_scales(const arloss_problem_t& asked, const std::vector<std::int64_t>& edges) {
  std::vector<Scale> scales;
  double total = 0;
  for (std::size_t k = 0; k < edges.size(); ++k) {
    const float weight = asked.scale_weights[k];
    if (!(weight >= 0) || std::isinf(weight))
      refuse(Message() << "problem.scale_weights[" << k << "] is " << weight << "; it must be finite and not negative");
    scales.push_back({edges[k], weight});
    total += weight;
  }
  for (Scale& scale : scales)
    scale.weight = total > 0 ? scale.weight / total : 1.0 / static_cast<double>(scales.size());
  scales.erase(std::remove_if(scales.begin(), scales.end(), [](const Scale& s) { return s.weight == 0; }),
               scales.end());
  std::sort(scales.begin(), scales.end(), [](const Scale& a, const Scale& b) { return a.edge < b.edge; });
  return scales;
}

void check_extents(const Problem& problem) {
  const Extent& grid = problem.grid;
  const Extent& labels = problem.labels;
  checked_product("logits", {problem.batch, problem.classes, grid.depth, grid.height, grid.width, 8});
  checked_product("labels", {problem.batch, labels.depth, labels.height, labels.width, 8});
  for (const auto& [cells, pixels] :
       {std::pair(grid.depth, labels.depth), {grid.height, labels.height}, {grid.width, labels.width}})
    checked_product("a label position", {cells, pixels});
  if (problem.classes > kMaxClasses)
    refuse(Message() << "problem.classes is " << problem.classes << "; this build takes at most " << kMaxClasses,
           ARLOSS_STATUS_UNSUPPORTED);
  if (labels.count() > kMaxLabelsPerImage)
    refuse(Message() << "a label map of " << labels.count() << " pixels; this build takes at most "
                     << kMaxLabelsPerImage << " an image (problem.label_depth, label_height, label_width)",
           ARLOSS_STATUS_UNSUPPORTED);
}

}  // namespace

Problem check_problem(const arloss_problem_t& asked) {
  check_struct_size("problem.struct_size", asked.struct_size, sizeof(arloss_problem_t));
  Problem problem;
  problem.batch = check_size("problem.batch", asked.batch);
  problem.classes = check_size("problem.classes", asked.classes);
  problem.grid = {check_size("problem.depth", asked.depth), check_size("problem.height", asked.height),
                  check_size("problem.width", asked.width)};
  problem.labels = {check_label_size("problem.label_depth", asked.label_depth, asked.depth),
                    check_label_size("problem.label_height", asked.label_height, asked.height),
                    check_label_size("problem.label_width", asked.label_width, asked.width)};
  problem.logits_dtype =
      check_enum("problem.logits_dtype", asked.logits_dtype,
                 {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}, "FLOAT32, FLOAT16 or BFLOAT16");
  problem.layout = check_enum("problem.logits_layout", asked.logits_layout, {ARLOSS_LAYOUT_NCHW, ARLOSS_LAYOUT_NHWC},
                              "NCHW or NHWC");
  problem.labels_dtype =
      check_enum("problem.labels_dtype", asked.labels_dtype,
                 {ARLOSS_DTYPE_UINT8, ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64}, "UINT8, INT32 or INT64");
  problem.has_ignore_index = asked.has_ignore_index != 0;
  problem.ignore_index = asked.ignore_index;
  problem.asked_edges = check_edges(asked);
  problem.scales = check_scales(asked, problem.asked_edges);
  problem.scale_mode =
      check_enum("problem.scale_mode", asked.scale_mode,
                 {ARLOSS_SCALES_BLEND, ARLOSS_SCALES_SEPARATE, ARLOSS_SCALES_PYRAMID}, "BLEND, SEPARATE or PYRAMID");
  problem.penalty = check_penalty(asked.penalty);
  problem.penalty_param = check_penalty_param(problem.penalty, asked.penalty_param);
  problem.reduction =
      check_enum("problem.reduction", asked.reduction,
                 {ARLOSS_REDUCTION_MEAN, ARLOSS_REDUCTION_SUM, ARLOSS_REDUCTION_NONE}, "MEAN, SUM or NONE");
  problem.span = check_enum("problem.span", asked.span, {ARLOSS_SPAN_IMAGE, ARLOSS_SPAN_BATCH}, "IMAGE or BATCH");
  if (problem.span == ARLOSS_SPAN_BATCH && problem.reduction == ARLOSS_REDUCTION_NONE)
    refuse(Message() << "problem.reduction is NONE (" << static_cast<int>(problem.reduction)
                     << "); with problem.span BATCH there is one loss, so it must be MEAN or SUM");
  problem.loss_weight = check_factor("problem.loss_weight", asked.loss_weight);
  problem.accumulate_gradient = asked.accumulate_gradient != 0;
  check_extents(problem);
  return problem;
}

Options check_options(const arloss_options_t& asked) {
  check_struct_size("options.struct_size", asked.struct_size, sizeof(arloss_options_t));
  Options options;
  options.device = check_enum("options.device", asked.device, {ARLOSS_DEVICE_CPU, ARLOSS_DEVICE_CUDA}, "CPU or CUDA");
  if (asked.device_index < -1)
    refuse_field("options.device_index", asked.device_index, "a device ordinal, or -1 for the current one");
  options.device_index = asked.device_index;
  options.algorithm = check_enum("options.algorithm", asked.algorithm,
                                 {ARLOSS_ALGORITHM_AUTO, ARLOSS_ALGORITHM_FACTORED, ARLOSS_ALGORITHM_PAIRWISE},
                                 "AUTO, FACTORED or PAIRWISE");
  options.exact = asked.exact != 0;
  if (asked.num_threads < 0)
    refuse_field("options.num_threads", asked.num_threads, "0 (all that the process may use) or more");
  options.num_threads = asked.num_threads;
  return options;
}

std::int64_t logit_bytes(arloss_dtype_t dtype) { return dtype == ARLOSS_DTYPE_FLOAT32 ? 4 : 2; }

std::int64_t label_bytes(arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_UINT8 ? 1 : dtype == ARLOSS_DTYPE_INT32 ? 4 : 8;
}

}  // namespace arloss
