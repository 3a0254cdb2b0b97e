#include "cuda/device_case_lists.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <ostream>
#include <set>
#include <tuple>
#include <utility>

#include "support/case_lists.h"
#include "support/thinning.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::ScaleMode;

/// A case by numbers: `axes` of which every value is to be met, `options` of which every pair is.
struct Traits {
  std::vector<std::int64_t> axes, options;
};

/// (axis, value, other axis or -1, its value)
using Trait = std::array<std::int64_t, 4>;

std::vector<Trait> all_traits(const Traits& traits) {
  std::vector<Trait> all;
  const auto num_options = static_cast<std::int64_t>(traits.options.size());
  for (std::size_t a = 0; a < traits.axes.size(); ++a)
    all.push_back({num_options + static_cast<std::int64_t>(a), traits.axes[a], -1, 0});
  for (std::int64_t a = 0; a < num_options; ++a)
    for (std::int64_t b = 0; b < a; ++b)
      all.push_back({a, traits.options[static_cast<std::size_t>(a)], b, traits.options[static_cast<std::size_t>(b)]});
  return all;
}

/// A part of the list that shows every trait the list does: always the case that adds most of them.
std::vector<CaseSpec> cover(const std::vector<CaseSpec>& list, Traits (*traits_of)(const CaseSpec&)) {
  std::vector<std::vector<Trait>> traits;
  traits.reserve(list.size());
  for (const CaseSpec& spec : list) traits.push_back(all_traits(traits_of(spec)));
  std::set<Trait> seen;
  std::vector<CaseSpec> kept;
  while (true) {
    std::pair<std::ptrdiff_t, std::size_t> best{0, 0};  // how many are new, case
    for (std::size_t i = 0; i < list.size(); ++i)
      best = std::max(best, {std::count_if(traits[i].begin(), traits[i].end(),
                                           [&seen](const Trait& trait) { return seen.count(trait) == 0; }),
                             i});
    if (best.first == 0) return kept;
    seen.insert(traits[best.second].begin(), traits[best.second].end());
    kept.push_back(list[best.second]);
  }
}

std::vector<CaseSpec> factorable(const std::vector<CaseSpec>& list) {
  std::vector<CaseSpec> kept;
  std::copy_if(list.begin(), list.end(), std::back_inserter(kept),
               [](const CaseSpec& spec) { return spec.is_factorable(); });
  return kept;
}

/// By all pairs; exactly, too, where there is something to choose.
std::vector<CaseSpec> paired(const std::vector<CaseSpec>& list) {
  std::vector<CaseSpec> pairs;
  for (CaseSpec spec : list) {
    spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
    pairs.push_back(spec);
    if (!spec.has_half_products()) continue;
    spec.is_exact = true;
    pairs.push_back(spec);
  }
  return pairs;
}

/// The penalty, against hard labels or others.
std::int64_t form_of(const CaseSpec& spec) {
  return 2 * static_cast<std::int64_t>(spec.problem.penalty) + (spec.has_hard_labels() ? 1 : 0);
}

std::int64_t scale_choice(const oracle::Problem& p) {
  std::int64_t number = p.scale_weights.empty() ? 0 : 1;
  for (const int scale : p.scales) number = 31 * number + scale;
  return number;
}

Traits mixed_traits(const CaseSpec& spec) {
  const oracle::Problem& p = spec.problem;
  return {{p.classes, p.depth * 10000 + p.height * 100 + p.width, scale_choice(p), p.label_height * 1000 + p.height,
           p.label_width * 1000 + p.width, p.batch, static_cast<std::int64_t>(spec.regime),
           p.has_ignore_index ? p.ignore_index : -2},
          {form_of(spec), static_cast<std::int64_t>(p.scale_mode), static_cast<std::int64_t>(p.reduction),
           static_cast<std::int64_t>(p.span), spec.logits_dtype, spec.labels_dtype, spec.layout,
           static_cast<std::int64_t>(spec.label_map), static_cast<std::int64_t>(spec.weights), spec.has_grad_loss,
           spec.accumulates, spec.is_element_aligned, p.has_ignore_index, p.depth > 1, p.scales.size() > 1}};
}

Traits regime_traits(const CaseSpec& spec) {
  const auto regime = static_cast<std::int64_t>(spec.regime) * 4 + static_cast<std::int64_t>(spec.label_map);
  return {{}, {regime, form_of(spec), static_cast<std::int64_t>(spec.problem.scale_mode), spec.logits_dtype}};
}

Traits size_traits(const CaseSpec& spec) {
  const oracle::Problem& p = spec.problem;
  return {{p.classes}, {p.height * 1000 + p.width, form_of(spec), static_cast<std::int64_t>(p.scale_mode)}};
}

Traits class_traits(const CaseSpec& spec) { return {{}, {spec.problem.classes, form_of(spec)}}; }

/// ... of all pairs.
template <Traits (*traits_of)(const CaseSpec&)>
Traits pair_traits(const CaseSpec& spec) {
  Traits traits = traits_of(spec);
  traits.axes.push_back(static_cast<std::int64_t>(1e6 * spec.problem.penalty_param + 0.5));
  return traits;
}

Traits kind_traits(const CaseSpec& spec) {
  return {{},
          {form_of(spec), static_cast<std::int64_t>(spec.problem.scale_mode),
           static_cast<std::int64_t>(spec.problem.span), spec.logits_dtype, spec.layout}};
}

/// Cells of several classes and coarser scales.
void set_mixed(CaseSpec& spec, ScaleMode mode) {
  set_label_grid(spec, 2 * spec.problem.height, 3 * spec.problem.width);
  spec.problem.scale_mode = mode;
  spec.problem.scales = {1, 2, 4};
  spec.problem.scale_weights = {2, 1, 1};  // equal ones let the slopes of few cells cancel exactly
  if (spec.problem.classes < 100) return;
  spec.problem.scales.pop_back();
  spec.problem.scale_weights.pop_back();
}

/// What the other cases of shape_list are in turn.
void set_shape_kind(CaseSpec& spec, std::size_t number) {
  if (number % 4 == 0) spec.problem.penalty = Penalty::kAbsolute;
  if (number % 4 == 1 && spec.problem.classes < 100) set_mixed(spec, ScaleMode::kPyramid);  // slow, and never fused
  if (number % 4 > 1) return;
  spec.problem.span = oracle::Span::kBatch;
  spec.accumulates = true;
}

CaseSpec shape_spec(std::size_t number, std::int64_t classes, const std::pair<std::int64_t, std::int64_t>& grid) {
  CaseSpec spec = plain_spec(classes < 100 && number % 2 != 0 ? 2 : 1, classes, grid.first, grid.second);
  spec.seed = 3000 + number;
  spec.labels_dtype = classes > 255 ? ARLOSS_DTYPE_INT32 : ARLOSS_DTYPE_UINT8;
  spec.logits_dtype = static_cast<arloss_dtype_t>(number % 3);
  spec.layout = number / 3 % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
  spec.label_map = LabelMap::kNoise;
  constexpr Regime kRegimes[] = {Regime::kTrainedLike, Regime::kTrainedLike, Regime::kTrainedLike,
                                 Regime::kLargeMagnitude, Regime::kNearPerfect6};
  spec.regime = kRegimes[number % std::size(kRegimes)];
  return spec;
}

/// `penalties` with everything that kind_traits looks at, as far as the algorithm takes it.
std::vector<CaseSpec> kinds_of(arloss_algorithm_t algorithm, const std::vector<std::pair<Penalty, double>>& penalties,
                               std::int64_t height) {
  std::vector<CaseSpec> list = problem_kinds(penalties, height);
  if (algorithm != ARLOSS_ALGORITHM_PAIRWISE) list = factorable(list);
  vary_by_place(list);
  for (CaseSpec& spec : list) spec.weights = Weights::kModerate;
  return list;
}

}  // namespace

void PrintTo(const DeviceList& list, std::ostream* out) { *out << list.name; }

std::vector<CaseSpec> mixed_device_list() { return thinned(cover(factorable(mixed_list()), mixed_traits), 3); }
std::vector<CaseSpec> regime_device_list() { return thinned(cover(factorable(regime_list()), regime_traits), 3); }
std::vector<CaseSpec> size_device_list() { return thinned(cover(factorable(size_list()), size_traits), 3); }
std::vector<CaseSpec> class_device_list() { return thinned(cover(factorable(class_list()), class_traits), 3); }

std::vector<CaseSpec> mixed_pair_list() { return thinned(paired(cover(mixed_list(), pair_traits<mixed_traits>)), 3); }
std::vector<CaseSpec> regime_pair_list() {
  std::vector<CaseSpec> list = paired(cover(regime_list(), pair_traits<regime_traits>));
  // Halves have the least to spare: all that they are taken for.
  for (CaseSpec spec : regime_list()) {
    spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
    if (spec.has_half_products()) list.push_back(spec);
  }
  return thinned(list, 3);
}
std::vector<CaseSpec> size_pair_list() { return thinned(paired(cover(size_list(), pair_traits<size_traits>)), 3); }
std::vector<CaseSpec> class_pair_list() { return thinned(paired(cover(class_list(), pair_traits<class_traits>)), 3); }

std::vector<CaseSpec> pair_shape_list() {
  constexpr std::pair<std::int64_t, std::int64_t> kGrids[] = {{7, 9},  {8, 8},  {5, 13}, {1, 127},
                                                              {8, 16}, {3, 43}, {1, 193}};
  constexpr std::int64_t kClasses[] = {1, 2, 7, 8, 9, 19, 21, 24, 25, 40, 41, 57, 64, 65, 150, 161, 171, 255};
  constexpr std::pair<Penalty, double> kPenalties[] = {{Penalty::kHuber, 0.35},     {Penalty::kSquared, 0},
                                                       {Penalty::kCrossEntropy, 0}, {Penalty::kHuber, 0},
                                                       {Penalty::kAbsolute, 0},     {Penalty::kLogCosh, 0}};
  constexpr oracle::Reduction kReductions[] = {oracle::Reduction::kMean, oracle::Reduction::kNone,
                                               oracle::Reduction::kSum};
  constexpr ScaleMode kModes[] = {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid};
  std::vector<CaseSpec> list;
  for (const std::int64_t classes : kClasses)
    for (int turn = 0; turn < 3; ++turn) {
      const std::size_t number = list.size();
      CaseSpec spec = shape_spec(number, classes, kGrids[number % std::size(kGrids)]);
      spec.problem.batch = classes > 100 ? 1 : 1 + static_cast<std::int64_t>(number / 2 % 2);
      std::tie(spec.problem.penalty, spec.problem.penalty_param) = kPenalties[number % std::size(kPenalties)];
      if (number % 4 != 3) set_mixed(spec, kModes[number / 4 % std::size(kModes)]);
      spec.problem.reduction = kReductions[number / 3 % std::size(kReductions)];
      if (spec.problem.reduction != oracle::Reduction::kNone && number % 2 != 0)
        spec.problem.span = oracle::Span::kBatch;
      spec.weights = number / 2 % 2 != 0 ? Weights::kModerate : Weights::kNone;
      list.push_back(spec);
    }
  for (const std::int64_t classes : kClasses) {
    CaseSpec spec = shape_spec(list.size(), classes, kGrids[list.size() % std::size(kGrids)]);  // hard labels
    spec.problem.penalty = list.size() % 2 != 0 ? Penalty::kHuber : Penalty::kCrossEntropy;
    if (list.size() % 3 == 0) spec.problem.span = oracle::Span::kBatch;
    list.push_back(spec);
  }
  return thinned(paired(list), 5);
}

std::vector<CaseSpec> shape_list() {
  using Grid = std::pair<std::int64_t, std::int64_t>;
  constexpr Grid kMixedGrids[] = {{5, 13}, {8, 8}, {7, 9}, {3, 43}},
                 kGrids[] = {{1, 1}, {5, 8}, {7, 9}, {8, 8}, {5, 13}};
  constexpr std::int64_t kClasses[] = {1,  2,  7,  8,  9,   16,  17,  19,  24,  25,  32,  40,  41,  48,  49, 57,
                                       64, 65, 96, 97, 128, 129, 150, 160, 161, 171, 192, 193, 254, 255, 300};
  std::vector<CaseSpec> list;
  for (const std::int64_t classes : kClasses) {
    const std::size_t number = list.size();
    const Grid grid = classes > 192 ? Grid{3, 11} : kMixedGrids[number % (classes > 100 ? 2 : std::size(kMixedGrids))];
    list.push_back(shape_spec(number, classes, grid));
    set_mixed(list.back(), number / 2 % 2 == 0 ? ScaleMode::kBlend : ScaleMode::kSeparate);
    list.back().weights = Weights::kModerate;
  }
  for (const std::int64_t classes : kClasses) {
    const std::size_t number = list.size();
    list.push_back(shape_spec(number, classes, kGrids[number % std::size(kGrids)]));
    set_shape_kind(list.back(), number);
  }
  return thinned(list, 5);
}

std::vector<CaseSpec> deep_list() {
  std::vector<CaseSpec> list;
  for (const Weights weights : {Weights::kNone, Weights::kModerate}) {  // labels that are halves, and that are not
    // Two tiles to a warp of the narrow kernels, and to a block of the wide ones, but for the last block's.
    for (CaseSpec spec : {plain_spec(1, 11, 273, 263), plain_spec(2, 50, 65, 67)}) {
      spec.problem.scales = {1, 2};
      spec.weights = weights;
      spec.seed = list.size();
      list.push_back(spec);
    }
  }
  return list;
}

std::vector<CaseSpec> large_device_list() {
  std::vector<CaseSpec> list;
  for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid}) {
    CaseSpec spec = plain_spec(2, 19, kIsThinned ? 20 : 57, 56);  // three chunks of rows and more to a slot
    set_label_grid(spec, 190, 224);
    spec.problem.scales = {1, 2, 4};
    spec.problem.scale_mode = mode;
    spec.regime = mode == ScaleMode::kSeparate ? Regime::kNearPerfect4 : Regime::kTrainedLike;
    spec.weights = Weights::kModerate;
    list.push_back(spec);
  }
  CaseSpec absolute = plain_spec(3, 7, 41, 43);
  absolute.problem.penalty = Penalty::kAbsolute;
  absolute.problem.span = oracle::Span::kBatch;
  absolute.layout = ARLOSS_LAYOUT_NHWC;
  list.push_back(absolute);
  CaseSpec wide = plain_spec(1, 65, 33, 47);
  wide.layout = ARLOSS_LAYOUT_NHWC;
  list.push_back(wide);
  for (const std::int64_t classes : {19, 50}) {
    CaseSpec mixed = plain_spec(2, classes, 100, 100);
    set_label_grid(mixed, 200, 100);
    mixed.problem.scales = {1, 2};
    list.push_back(mixed);
  }
  list.push_back(plain_spec(1, 49, 301, 479));  // more than 1,024 cells to a block: several chains of products
  CaseSpec volume = plain_spec(1, 8, 11, 13);
  volume.problem.depth = 9;
  volume.problem.label_depth = 17;
  set_label_grid(volume, 30, 26);
  volume.problem.scales = {1, 3};
  volume.problem.span = oracle::Span::kBatch;
  list.push_back(volume);
  return list;
}

std::vector<CaseSpec> device_kinds(std::int64_t height) {
  const std::vector<CaseSpec> kinds = kinds_of(
      ARLOSS_ALGORITHM_FACTORED, {{Penalty::kSquared, 0}, {Penalty::kHuber, 1.25}, {Penalty::kAbsolute, 0}}, height);
  return thinned(cover(kinds, kind_traits), 5);
}

std::vector<CaseSpec> pair_kinds(std::int64_t height) {
  const std::vector<CaseSpec> kinds = kinds_of(ARLOSS_ALGORITHM_PAIRWISE,
                                               {{Penalty::kSquared, 0},
                                                {Penalty::kHuber, 0.35},
                                                {Penalty::kAbsolute, 0},
                                                {Penalty::kCrossEntropy, 0},
                                                {Penalty::kLogCosh, 0.2}},
                                               height);
  return thinned(paired(cover(kinds, pair_traits<kind_traits>)), 5);
}

std::vector<CaseSpec> resized(std::vector<CaseSpec> list, std::int64_t batch, std::int64_t classes, std::int64_t height,
                              std::int64_t width) {
  for (CaseSpec& spec : list) {
    const bool is_hard = spec.has_hard_labels();
    spec.problem.batch = batch;
    spec.problem.classes = classes;
    spec.problem.height = height;
    spec.problem.width = width;
    set_label_grid(spec, is_hard ? height : 2 * height, is_hard ? width : 2 * width);
  }
  return list;
}

}  // namespace support
