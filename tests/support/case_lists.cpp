#include "support/case_lists.h"

#include <array>
#include <iterator>

#include "support/random.h"
#include "support/thinning.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::Reduction;
using oracle::ScaleMode;
using oracle::Span;

/// Deals the values of one axis in a shuffled order, each as often as any other.
template <class T>
class Cycle {
 public:
  Cycle(std::vector<T> values, Random& random) : values_(std::move(values)), random_(random) {}
  const T& next() {
    if (position_ == 0) random_.shuffle(values_);
    const T& value = values_[position_];
    position_ = (position_ + 1) % values_.size();
    return value;
  }

 private:
  std::vector<T> values_;
  Random& random_;
  std::size_t position_ = 0;
};

struct PenaltyChoice {
  Penalty penalty;
  double param;
  bool is_hard;  // one label pixel per cell and scales {1}
};

/// One set is dealt after the other, so that one more leaves the others their cases.
const std::vector<PenaltyChoice> kPenaltySets[] = {
    {
        {Penalty::kSquared, 0, false},
        {Penalty::kSquared, 0, true},
        {Penalty::kAbsolute, 0, false},
        {Penalty::kAbsolute, 0, true},
        {Penalty::kHuber, 0, false},
        {Penalty::kHuber, 0.35, false},
        {Penalty::kHuber, 1, false},
        {Penalty::kHuber, 2.5, false},
        {Penalty::kCrossEntropy, 0, false},
        {Penalty::kCrossEntropy, 0.2, false},
        {Penalty::kCrossEntropy, 1e-6, false},
    },
    {
        {Penalty::kLogCosh, 0, false},
        {Penalty::kLogCosh, 0.01, false},
        {Penalty::kLogCosh, 1e3, false},
    },
};

struct ReductionChoice {
  Reduction reduction;
  Span span;
};

const std::vector<ReductionChoice> kReductions = {
    {Reduction::kMean, Span::kImage}, {Reduction::kSum, Span::kImage}, {Reduction::kNone, Span::kImage},
    {Reduction::kMean, Span::kBatch}, {Reduction::kSum, Span::kBatch},
};

struct Grid {
  std::int64_t depth, height, width;
};

const std::vector<Grid> kGrids = {{1, 4, 4},  {1, 5, 7},  {1, 8, 8},   {1, 13, 11}, {1, 16, 13}, {1, 1, 65},
                                  {1, 33, 1}, {1, 9, 15}, {1, 10, 17}, {1, 13, 13}, {1, 3, 43},  {3, 5, 4},
                                  {2, 4, 6},  {4, 4, 4},  {5, 3, 7},   {2, 1, 19}};

struct ScaleChoice {
  std::vector<int> scales;
  std::vector<double> weights;
};

const std::vector<ScaleChoice> kScales = {
    {{1}, {}},
    {{2}, {}},
    {{3}, {0.7}},
    {{1, 2, 4}, {}},
    {{1, 3}, {}},
    {{2, 4}, {}},
    {{1, 2, 3, 4, 5, 6, 7, 8}, {}},
    {{4, 1, 2}, {1, 2, 3}},          // not in order
    {{1, 64}, {}},                   // a block larger than the grid
    {{2147483647, 1}, {0.25, 0.5}},  // far larger
    {{1, 2, 4}, {0, 1, 2}},          // the finest scale has no weight
    {{2, 1, 4, 3}, {0.5, 0, 0, 0.25}},
    {{1, 5, 2}, {0, 0, 0}},  // all zero: equal
};

/// Label pixels per cell and axis: a whole ratio, and what is over.
struct Ratio {
  std::int64_t whole, over;
};

const std::vector<Ratio> kRatios = {{1, 0}, {2, 0}, {4, 0}, {1, 1}, {2, 1}, {3, 2}, {7, 6}};

struct IgnoreChoice {
  bool has_index;
  std::int64_t index;
};

const std::vector<IgnoreChoice> kIgnores = {{true, 255}, {true, 255}, {false, 255}, {true, 0},
                                            {true, 2},   {true, -1},  {true, 300}};

/// All the axes that are dealt.
struct Dealer {
  explicit Dealer(std::uint64_t seed) : random(seed) {}

  Random random;
  Cycle<Grid> grid{kGrids, random};
  Cycle<ScaleChoice> scales{kScales, random};
  Cycle<Ratio> height_ratio{kRatios, random}, width_ratio{kRatios, random};
  Cycle<IgnoreChoice> ignore{kIgnores, random};
  Cycle<std::int64_t> batch{{1, 2, 3}, random};
  Cycle<std::int64_t> classes{{1, 2, 3, 5, 7, 8, 11, 16, 17, 19, 21, 40}, random};
  Cycle<arloss_dtype_t> logits_dtype{
      {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}, random};
  Cycle<arloss_dtype_t> labels_dtype{{ARLOSS_DTYPE_UINT8, ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64}, random};
  Cycle<arloss_layout_t> layout{{ARLOSS_LAYOUT_NCHW, ARLOSS_LAYOUT_NHWC}, random};
  Cycle<Regime> regime{{std::begin(kAllRegimes), std::end(kAllRegimes)}, random};
  Cycle<LabelMap> label_map{{LabelMap::kScene, LabelMap::kScene, LabelMap::kNoise, LabelMap::kOneClass}, random};
  Cycle<Weights> weights{{Weights::kNone, Weights::kNone, Weights::kModerate, Weights::kWide}, random};
  Cycle<double> loss_weight{{1, 1, 0.4, 3}, random};
  Cycle<int> has_grad_loss{{0, 1}, random};
  Cycle<int> accumulates{{0, 0, 1}, random};
  Cycle<int> is_element_aligned{{0, 1}, random};
  Cycle<int> num_threads{{1, 2, 3}, random};
};

void deal_grid(CaseSpec& spec, Dealer& dealer, bool is_hard) {
  const Grid grid = dealer.grid.next();
  const Ratio high = is_hard ? Ratio{1, 0} : dealer.height_ratio.next();
  const Ratio wide = is_hard ? Ratio{1, 0} : dealer.width_ratio.next();
  oracle::Problem& p = spec.problem;
  p.depth = grid.depth;
  p.height = grid.height;
  p.width = grid.width;
  p.label_depth = is_hard || grid.depth == 1 ? grid.depth : 2 * grid.depth - 1;
  p.label_height = grid.height * high.whole + high.over;
  p.label_width = grid.width * wide.whole + wide.over;
}

void deal_labels(CaseSpec& spec, Dealer& dealer, bool is_hard) {
  const ScaleChoice scales = is_hard ? ScaleChoice{{1}, {}} : dealer.scales.next();
  const IgnoreChoice ignore = dealer.ignore.next();
  spec.problem.scales = scales.scales;
  spec.problem.scale_weights = scales.weights;
  spec.problem.has_ignore_index = ignore.has_index;
  spec.problem.ignore_index = ignore.index;
  spec.labels_dtype = dealer.labels_dtype.next();
  spec.label_map = dealer.label_map.next();
}

void deal_rest(CaseSpec& spec, Dealer& dealer) {
  spec.problem.batch = dealer.batch.next();
  spec.problem.classes = dealer.classes.next();
  spec.problem.loss_weight = dealer.loss_weight.next();
  spec.logits_dtype = dealer.logits_dtype.next();
  spec.layout = dealer.layout.next();
  spec.regime = dealer.regime.next();
  spec.weights = dealer.weights.next();
  spec.has_grad_loss = dealer.has_grad_loss.next() != 0;
  spec.accumulates = dealer.accumulates.next() != 0;
  spec.is_element_aligned = dealer.is_element_aligned.next() != 0;
  spec.num_threads = dealer.num_threads.next();
  spec.seed = dealer.random.next() >> 32;
}

void set_penalty(CaseSpec& spec, const PenaltyChoice& choice) {
  spec.problem.penalty = choice.penalty;
  spec.problem.penalty_param = choice.param;
}

const std::array<ScaleMode, 3> kModes = {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid};
const std::array<arloss_dtype_t, 3> kLogitsDtypes = {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16};

/// One grid for all regimes: 20 x 16 cells of 19 classes.
CaseSpec regime_spec(Regime regime, const PenaltyChoice& penalty, arloss_dtype_t dtype, std::uint64_t seed) {
  CaseSpec spec = plain_spec(1, 19, 20, 16);
  if (!penalty.is_hard) {
    set_label_grid(spec, 80, 64);
    spec.problem.scales = {1, 2, 4};
    spec.problem.scale_mode = kModes[seed % kModes.size()];
  }
  set_penalty(spec, penalty);
  spec.regime = regime;
  spec.logits_dtype = dtype;
  spec.layout = seed % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
  spec.seed = seed;
  return spec;
}

}  // namespace

std::vector<CaseSpec> mixed_list() {
  constexpr int kRounds = 4;
  Dealer dealer(20240229);
  std::vector<CaseSpec> list;
  for (const std::vector<PenaltyChoice>& penalties : kPenaltySets)
    for (int round = 0; round < kRounds; ++round)
      for (const PenaltyChoice& penalty : penalties)
        for (const ScaleMode mode : kModes)
          for (const ReductionChoice& reduction : kReductions) {
            CaseSpec spec;
            set_penalty(spec, penalty);
            spec.problem.scale_mode = mode;
            spec.problem.reduction = reduction.reduction;
            spec.problem.span = reduction.span;
            deal_grid(spec, dealer, penalty.is_hard);
            deal_labels(spec, dealer, penalty.is_hard);
            deal_rest(spec, dealer);
            list.push_back(spec);
          }
  return thinned(list, 7);
}

std::vector<CaseSpec> regime_list() {
  std::vector<CaseSpec> list;
  std::uint64_t seed = 100;
  for (const std::vector<PenaltyChoice>& penalties : kPenaltySets)
    for (const Regime regime : kAllRegimes)
      for (const PenaltyChoice& penalty : penalties)
        for (const arloss_dtype_t dtype : kLogitsDtypes) {
          list.push_back(regime_spec(regime, penalty, dtype, ++seed));
          if (!is_near_perfect(regime)) continue;
          list.push_back(regime_spec(regime, penalty, dtype, ++seed));
          list.back().label_map = LabelMap::kOneClass;
        }
  return thinned(list, 13);
}

std::vector<CaseSpec> size_list() {
  const std::vector<Grid> grids = {{1, 1, 1}, {1, 1, 2}, {1, 3, 5},  {1, 4, 4},   {1, 1, 17},
                                   {1, 7, 9}, {1, 8, 8}, {1, 5, 13}, {1, 1, 257}, {1, 257, 1}};
  const std::vector<PenaltyChoice> penalties = {
      {Penalty::kSquared, 0, true}, {Penalty::kAbsolute, 0, true}, {Penalty::kCrossEntropy, 0, true}};
  const std::vector<std::int64_t> class_counts = {1, 2, 3, 7, 8, 16, 17, 19, 21, 40};
  std::vector<CaseSpec> list;
  for (const Grid& grid : grids)
    for (const PenaltyChoice& penalty : penalties)
      for (const std::int64_t classes : class_counts) {
        CaseSpec spec = plain_spec(1, classes, grid.height, grid.width);
        spec.seed = 1000 + list.size();
        set_penalty(spec, penalty);
        spec.layout = spec.seed % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
        // Half of them with mixed cells and two scales: the other code path of every size.
        if (list.size() % 2 != 0) {
          set_label_grid(spec, 2 * grid.height, 3 * grid.width);
          spec.problem.scales = {1, 2};
          spec.problem.scale_weights = {2, 1};  // equal ones let the slopes of few cells cancel exactly
          spec.problem.scale_mode = kModes[list.size() % kModes.size()];
        }
        list.push_back(spec);
      }
  return thinned(list, 7);
}

std::vector<CaseSpec> class_list() {
  const std::vector<PenaltyChoice> penalties = {{Penalty::kSquared, 0, true},
                                                {Penalty::kSquared, 0, false},
                                                {Penalty::kAbsolute, 0, true},
                                                {Penalty::kHuber, 0, false}};
  std::vector<CaseSpec> list;
  for (const std::int64_t classes : {1, 2, 3, 7, 8, 16, 17, 19, 21, 40, 150, 171, 254, 255, 256, 300})
    for (const PenaltyChoice& penalty : penalties) {
      CaseSpec spec = plain_spec(1, classes, 13, 11);
      spec.seed = 2000 + list.size();
      set_penalty(spec, penalty);
      // Labels of 255 and more need a wider type than uint8; 255 itself is ignored by default.
      spec.labels_dtype = classes > 255 ? ARLOSS_DTYPE_INT32 : ARLOSS_DTYPE_UINT8;
      spec.problem.has_ignore_index = list.size() % 8 < 4;
      spec.label_map = LabelMap::kNoise;
      spec.regime = list.size() % 3 == 0 ? Regime::kRandom : Regime::kTrainedLike;
      spec.layout = spec.seed % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
      if (!penalty.is_hard) {
        set_label_grid(spec, 40, 33);
        spec.problem.scales = {1, 3};
        spec.problem.scale_mode = kModes[list.size() / 4 % kModes.size()];
      }
      list.push_back(spec);
    }
  return thinned(list, 3);
}

std::vector<CaseSpec> problem_kinds(const std::vector<std::pair<oracle::Penalty, double>>& penalties,
                                    std::int64_t height) {
  std::vector<CaseSpec> list;
  for (const auto& [penalty, param] : penalties)
    for (const oracle::ScaleMode mode :
         {oracle::ScaleMode::kBlend, oracle::ScaleMode::kSeparate, oracle::ScaleMode::kPyramid})
      for (const oracle::Span span : {oracle::Span::kImage, oracle::Span::kBatch})
        for (const bool is_hard : {false, true}) {
          CaseSpec spec = plain_spec(2, 11, height, 31);
          if (!is_hard) {
            set_label_grid(spec, 2 * height + 3, 62);
            spec.problem.scales = {1, 2, 4};
          }
          spec.problem.penalty = penalty;
          spec.problem.penalty_param = param;
          spec.problem.scale_mode = mode;
          spec.problem.span = span;
          list.push_back(spec);
        }
  return list;
}

void vary_by_place(std::vector<CaseSpec>& list) {
  for (std::size_t place = 0; place < list.size(); ++place) {
    list[place].seed = place;
    list[place].logits_dtype = static_cast<arloss_dtype_t>(place % 3);
    list[place].layout = place % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
  }
}

}  // namespace support
