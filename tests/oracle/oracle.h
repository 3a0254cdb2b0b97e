/// The float64 definition of the Affinity Regression loss: double loops over pairs of cells, straight from
/// docs/math.md. Shares no code and no header with the library. Memory grows with N, never with N^2.
#ifndef ARLOSS_TESTS_ORACLE_H
#define ARLOSS_TESTS_ORACLE_H

#include <cstdint>
#include <vector>

namespace oracle {

enum class ScaleMode { kBlend, kSeparate, kPyramid };
enum class Penalty { kSquared, kAbsolute, kHuber, kCrossEntropy, kLogCosh };
constexpr Penalty kPenalties[] = {Penalty::kSquared, Penalty::kAbsolute, Penalty::kHuber, Penalty::kCrossEntropy,
                                  Penalty::kLogCosh};
enum class Reduction { kMean, kSum, kNone };
enum class Span { kImage, kBatch };

struct Problem {
  std::int64_t batch = 1, classes = 1;
  std::int64_t depth = 1, height = 1, width = 1;                    // logits grid, cells
  std::int64_t label_depth = 1, label_height = 1, label_width = 1;  // label map, each >= the grid's
  bool has_ignore_index = true;
  std::int64_t ignore_index = 255;
  std::vector<int> scales = {1};
  std::vector<double> scale_weights;  // empty or all zero: equal
  ScaleMode scale_mode = ScaleMode::kBlend;
  Penalty penalty = Penalty::kSquared;
  double penalty_param = 0;  // delta or eps; 0 = default (0.1, 1e-4)
  Reduction reduction = Reduction::kMean;
  Span span = Span::kImage;
  double loss_weight = 1;
};

struct Inputs {
  std::vector<double> logits;         // [batch][classes][depth][height][width]
  std::vector<std::int64_t> labels;   // [batch][label_depth][label_height][label_width]
  std::vector<double> pixel_weights;  // [batch][depth][height][width]; empty = 1
  std::vector<double> grad_loss;      // [batch] for kNone, else [1]; empty = 1
};

struct Result {
  std::vector<double> loss;          // [batch] for kNone, else [1]; loss_weight included
  std::vector<double> per_image;     // [batch] L_b before reduction (one value for span kBatch); loss_weight included
  std::vector<double> grad;          // d sum(grad_loss * loss) / d logits, as logits
  std::vector<double> cell_weights;  // [batch][N] w_i
  /// Weighted mean over all live cells of |sqrt(p_i) - u_i|^2, u of the finest scale; 0 without a live cell. For
  /// kPyramid s and u are those of the finest scale's blocks, so that it is 0 for a perfect prediction there too.
  double e0 = 0;
  std::vector<double> e0_per_image;  // the same for each entry of per_image
};

/// Loss and gradient by the definition. Throws std::invalid_argument where an array does not fit the problem, a label
/// is neither a class nor ignored, or span kBatch is asked for with reduction kNone.
///
/// A NaN, a +inf or nothing but -inf in the logits of a live cell makes NaN of its image's loss and of the gradient of
/// its image's live cells (of the whole batch's for span kBatch), with one class or one cell too. The gradient of a
/// cell of weight 0 is 0 whatever the logits and grad_loss hold.
Result evaluate(const Problem& problem, const Inputs& inputs);

/// The loss alone (what evaluate(...).loss holds), for central differences.
std::vector<double> loss(const Problem& problem, const Inputs& inputs);

/// One row of the affinity matrices of one image, [N]: sqrt-kernel affinity of the softmax, and the blend B of the
/// label affinities whatever the scale mode. 0 where either cell has weight 0.
std::vector<double> output_affinity_row(const Problem& problem, const Inputs& inputs, std::int64_t image,
                                        std::int64_t cell);
std::vector<double> label_affinity_row(const Problem& problem, const Inputs& inputs, std::int64_t image,
                                       std::int64_t cell);

/// t^k of scale problem.scales[scale_index]: [batch][N][classes]. Counts of labels, whatever the scale mode and
/// weights.
std::vector<double> label_distribution(const Problem& problem, const Inputs& inputs, int scale_index);

}  // namespace oracle

#endif
