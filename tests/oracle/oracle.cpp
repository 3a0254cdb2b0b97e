/// The definition, from the labels up: count labels, pool them, take square roots, then visit every pair of cells.
///
/// Accuracy. The oracle is held against a library that must be right where the prediction is nearly perfect, so every
/// step keeps its relative accuracy there:
///  - softmax and pooling run in long double (64-bit mantissa on x86) and are rounded to double once;
///  - an affinity comes with its distance from 1, for unit vectors 1 - <a, b> = |a - b|^2 / 2: a sum of squares loses
///    no digits where both cells agree, and a pair of equal cells costs exactly 0;
///  - the residual A - B is taken between the affinities or between their distances from 1, whichever are smaller;
///  - the softmax chain is written as differences of small terms (see softmax_chain).
#include "oracle.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

namespace oracle {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kDefaultDelta = 0.1;
constexpr double kDefaultCrossEntropyEps = 1e-4;
/// Below this many multiply-adds a thread team costs more than it saves; the sums are the same with and without one.
constexpr std::int64_t kParallelWork = 1 << 18;

/// Rows of doubles, [rows][cols], cols fastest.
struct Matrix {
  std::int64_t rows = 0, cols = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(std::int64_t num_rows, std::int64_t num_cols) : rows(num_rows), cols(num_cols), values(num_rows * num_cols) {}
  double* row(std::int64_t i) { return values.data() + i * cols; }
  const double* row(std::int64_t i) const { return values.data() + i * cols; }
};

/// A scale that takes part: block edge in cells and its normalised weight omega.
struct Scale {
  int edge;
  double omega;
};

/// One regression target of a set of nodes: rows u of unit length, [nodes][C], and the share of B they carry.
struct Target {
  double omega;
  Matrix u;
};

/// What pairs are formed of: cells, or the blocks of one PYRAMID scale.
struct Nodes {
  Matrix s;               // [nodes][C], rows of unit length
  std::vector<double> w;  // [nodes], > 0
};

/// The images that share one normaliser Z: one image, or for span kBatch all of them.
struct Group {
  std::int64_t first_image, num_images;
};

/// The cells of weight > 0 of one group.
struct LiveCells {
  std::vector<std::int64_t> index;  // b * N + i
  Nodes nodes;
  Matrix p;                   // [cells][C]
  bool has_bad_cell = false;  // a softmax that is not a number
};

/// The loss of one group before its normaliser.
struct GroupLoss {
  double sum = 0;           // sum over pairs of w w phi
  Matrix weighted_grad;     // [cells][C]  p_ic d sum / d p_ic: bounded also at p = 0
  double error_square = 0;  // sum over nodes of w |s - u|^2, finest scale
};

std::int64_t num_cells(const Problem& problem) { return problem.depth * problem.height * problem.width; }

std::int64_t num_label_pixels(const Problem& problem) {
  return problem.label_depth * problem.label_height * problem.label_width;
}

// ---- what is refused ----

void require(bool condition, const std::string& rule) {
  if (!condition) throw std::invalid_argument("oracle: " + rule);
}

void require_size(std::size_t size, std::int64_t expected, bool may_be_empty, const std::string& name) {
  require(size == static_cast<std::size_t>(expected) || (may_be_empty && size == 0),
          name + " has " + std::to_string(size) + " elements, expected " + std::to_string(expected));
}

void require_valid(const Problem& problem, const Inputs& inputs) {
  const std::int64_t cells = problem.batch * num_cells(problem);
  require(problem.batch >= 1 && problem.classes >= 1 && cells >= 1, "batch, classes and sizes are at least 1");
  const bool is_finer = problem.label_depth >= problem.depth && problem.label_height >= problem.height &&
                        problem.label_width >= problem.width;
  require(is_finer, "the label map is no smaller than the grid");
  require(problem.span == Span::kImage || problem.reduction != Reduction::kNone,
          "span kBatch has one value, not kNone");
  require(!problem.scales.empty(), "at least one scale");
  const auto num_scales = static_cast<std::int64_t>(problem.scales.size());
  const std::int64_t num_losses = problem.reduction == Reduction::kNone ? problem.batch : 1;
  require_size(problem.scale_weights.size(), num_scales, true, "scale_weights");
  require_size(inputs.logits.size(), cells * problem.classes, false, "logits");
  require_size(inputs.labels.size(), problem.batch * num_label_pixels(problem), false, "labels");
  require_size(inputs.pixel_weights.size(), cells, true, "pixel_weights");
  require_size(inputs.grad_loss.size(), num_losses, true, "grad_loss");
}

// ---- labels: counts, blocks, distributions ----

/// For each of `label_size` label rows the cell that owns it: cell y owns floor(y*H/h) .. floor((y+1)*H/h) - 1.
std::vector<std::int64_t> owner_cells(std::int64_t cells, std::int64_t label_size) {
  std::vector<std::int64_t> owner(label_size);
  for (std::int64_t y = 0; y < cells; ++y) {
    std::fill(owner.begin() + y * label_size / cells, owner.begin() + (y + 1) * label_size / cells, y);
  }
  return owner;
}

bool is_ignored(const Problem& problem, std::int64_t label) {
  return problem.has_ignore_index && label == problem.ignore_index;
}

/// n^1: the number of label pixels of each class in each cell, [batch * N][C].
Matrix count_labels(const Problem& problem, const Inputs& inputs) {
  const auto owner_z = owner_cells(problem.depth, problem.label_depth);
  const auto owner_y = owner_cells(problem.height, problem.label_height);
  const auto owner_x = owner_cells(problem.width, problem.label_width);
  Matrix counts(problem.batch * num_cells(problem), problem.classes);
  auto label = inputs.labels.begin();
  for (std::int64_t b = 0; b < problem.batch; ++b) {
    for (const std::int64_t z : owner_z) {
      for (const std::int64_t y : owner_y) {
        for (const std::int64_t x : owner_x) {
          const std::int64_t class_index = *label++;
          if (is_ignored(problem, class_index)) continue;
          require(class_index >= 0 && class_index < problem.classes, "a label is a class or the ignore index");
          const std::int64_t i = ((b * problem.depth + z) * problem.height + y) * problem.width + x;
          counts.row(i)[class_index] += 1;
        }
      }
    }
  }
  return counts;
}

/// The block of `edge` cells a side that holds each cell, [batch * N]; blocks are numbered over the whole batch.
std::vector<std::int64_t> block_of_cells(const Problem& problem, int edge) {
  const std::int64_t blocks_z = (problem.depth + edge - 1) / edge;
  const std::int64_t blocks_y = (problem.height + edge - 1) / edge;
  const std::int64_t blocks_x = (problem.width + edge - 1) / edge;
  std::vector<std::int64_t> block;
  block.reserve(problem.batch * num_cells(problem));
  for (std::int64_t b = 0; b < problem.batch; ++b) {
    for (std::int64_t z = 0; z < problem.depth; ++z) {
      for (std::int64_t y = 0; y < problem.height; ++y) {
        for (std::int64_t x = 0; x < problem.width; ++x) {
          block.push_back(((b * blocks_z + z / edge) * blocks_y + y / edge) * blocks_x + x / edge);
        }
      }
    }
  }
  return block;
}

/// t^k: the label distribution of the block that holds each cell, [batch * N][C]; zero where the block has no label.
Matrix block_distribution(const Problem& problem, const Matrix& counts, int edge) {
  const auto block = block_of_cells(problem, edge);
  Matrix block_counts(block.back() + 1, problem.classes);
  std::vector<double> block_total(block_counts.rows);
  for (std::int64_t i = 0; i < counts.rows; ++i) {
    for (std::int64_t c = 0; c < problem.classes; ++c) {
      block_counts.row(block[i])[c] += counts.row(i)[c];
      block_total[block[i]] += counts.row(i)[c];
    }
  }
  Matrix t(counts.rows, problem.classes);
  for (std::int64_t i = 0; i < counts.rows; ++i) {
    const double total = block_total[block[i]];
    const double* n = block_counts.row(block[i]);
    if (total > 0) std::transform(n, n + t.cols, t.row(i), [total](double count) { return count / total; });
  }
  return t;
}

/// w_i = m_i * pixel_weight_i, [batch * N].
std::vector<double> cell_weights(const Inputs& inputs, const Matrix& counts) {
  std::vector<double> w(counts.rows);
  for (std::int64_t i = 0; i < counts.rows; ++i) {
    const bool is_valid = std::any_of(counts.row(i), counts.row(i) + counts.cols, [](double n) { return n > 0; });
    if (is_valid) w[i] = inputs.pixel_weights.empty() ? 1.0 : inputs.pixel_weights[i];
  }
  return w;
}

/// The scales that take part, finest first. Those of weight 0 are dropped before anything else.
std::vector<Scale> active_scales(const Problem& problem) {
  double total = 0;
  for (const double omega : problem.scale_weights) total += omega;
  std::vector<Scale> scales;
  for (std::size_t k = 0; k < problem.scales.size(); ++k) {
    const double equal = 1 / static_cast<double>(problem.scales.size());
    const double omega = total > 0 ? problem.scale_weights[k] / total : equal;
    if (omega > 0) scales.push_back({problem.scales[k], omega});
  }
  std::sort(scales.begin(), scales.end(), [](const Scale& a, const Scale& b) { return a.edge < b.edge; });
  return scales;
}

Matrix square_roots(const Matrix& t, const std::vector<std::int64_t>& rows) {
  Matrix u(static_cast<std::int64_t>(rows.size()), t.cols);
  for (std::int64_t i = 0; i < u.rows; ++i) {
    std::transform(t.row(rows[i]), t.row(rows[i]) + t.cols, u.row(i), [](double x) { return std::sqrt(x); });
  }
  return u;
}

// ---- logits ----

/// p and s = sqrt(p) of one cell, both [C], from logits `stride` apart. False, and NaN rows, where a logit is NaN or
/// +inf or all of them are -inf.
bool embed_cell(const double* logits, std::int64_t stride, std::int64_t classes, double* p, double* s) {
  double max = -std::numeric_limits<double>::infinity();
  bool is_number = true;
  for (std::int64_t c = 0; c < classes; ++c) {
    is_number = is_number && !std::isnan(logits[c * stride]);
    max = std::max(max, logits[c * stride]);
  }
  if (!is_number || std::isinf(max)) {
    std::fill(p, p + classes, kNaN);
    std::fill(s, s + classes, kNaN);
    return false;
  }
  std::vector<long double> exponential(classes);
  long double total = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    exponential[c] = std::exp(static_cast<long double>(logits[c * stride]) - max);
    total += exponential[c];
  }
  for (std::int64_t c = 0; c < classes; ++c) {
    p[c] = static_cast<double>(exponential[c] / total);
    s[c] = static_cast<double>(std::sqrt(exponential[c] / total));
  }
  return true;
}

LiveCells gather_live_cells(const Problem& problem, const Inputs& inputs, const std::vector<double>& w,
                            const Group& group) {
  const std::int64_t n = num_cells(problem);
  LiveCells cells;
  for (std::int64_t i = group.first_image * n; i < (group.first_image + group.num_images) * n; ++i) {
    if (w[i] == 0) continue;
    cells.index.push_back(i);
    cells.nodes.w.push_back(w[i]);
  }
  cells.p = cells.nodes.s = Matrix(static_cast<std::int64_t>(cells.index.size()), problem.classes);
  for (std::int64_t row = 0; row < cells.p.rows; ++row) {
    const std::int64_t b = cells.index[row] / n, i = cells.index[row] % n;
    const double* logits = inputs.logits.data() + b * problem.classes * n + i;
    const bool is_good = embed_cell(logits, n, problem.classes, cells.p.row(row), cells.nodes.s.row(row));
    cells.has_bad_cell = cells.has_bad_cell || !is_good;
  }
  return cells;
}

// ---- one pair ----

/// <a, b> of two unit vectors and its distance from 1.
struct Affinity {
  double value, distance;
};

Affinity affinity(const double* a, const double* b, std::int64_t classes) {
  double product = 0, square = 0;
#pragma omp simd reduction(+ : product, square)
  for (std::int64_t c = 0; c < classes; ++c) {
    const double difference = a[c] - b[c];
    product += a[c] * b[c];
    square += difference * difference;
  }
  return {product, square / 2};
}

/// B_ij = sum_k omega_k <u^k_i, u^k_j>. The omega sum to 1, so the distances from 1 add up alike.
Affinity blend_affinity(const std::vector<Target>& targets, std::int64_t i, std::int64_t j) {
  Affinity blend = {0, 0};
  for (const Target& target : targets) {
    const Affinity b = affinity(target.u.row(i), target.u.row(j), target.u.cols);
    blend.value += target.omega * b.value;
    blend.distance += target.omega * b.distance;
  }
  return blend;
}

double difference(const Affinity& a, const Affinity& b) {
  return b.value > 0.5 ? b.distance - a.distance : a.value - b.value;
}

/// phi and phi' of one pair.
struct Cost {
  double value, slope;
};

Cost squared_cost(double d) { return {d * d, 2 * d}; }

Cost absolute_cost(double d) { return {std::abs(d), d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0}; }

Cost huber_cost(double d, double delta) {
  if (std::abs(d) <= delta) return {d * d / 2, d};
  return {delta * (std::abs(d) - delta / 2), std::copysign(delta, d)};
}

/// log cosh x = log(1 + sinh(x)^2) / 2; from x = 20 on x - log 2 to the last digit.
Cost log_cosh_cost(double d, double delta) {
  const double x = std::abs(d) / delta, sinh = std::sinh(std::min(x, 20.0));
  return {x < 20 ? std::log1p(sinh * sinh) / 2 : x - std::log(2.0), std::tanh(d / delta) / delta};
}

Affinity clamp(const Affinity& a, double eps) {
  if (a.value < eps) return {eps, 1 - eps};
  if (a.distance < eps) return {1 - eps, eps};
  return a;
}

/// log(x / y), given also x - y, which may be known to more digits than the rounded x and y show.
double log_ratio(double x, double y, double x_minus_y) {
  return std::abs(x_minus_y) < 0.5 * y ? std::log1p(x_minus_y / y) : std::log(x / y);
}

/// -B log(A'/B') - (1 - B) log((1 - A')/(1 - B')). Its slope -B/A + (1 - B)/(1 - A) is (A - B) / (A (1 - A)), and 0
/// where the clamp holds A.
Cost cross_entropy_cost(const Affinity& a, const Affinity& b, double eps) {
  const Affinity held_a = clamp(a, eps), held_b = clamp(b, eps);
  const double d = difference(held_a, held_b);
  const double value = -b.value * log_ratio(held_a.value, held_b.value, d) -
                       b.distance * log_ratio(held_a.distance, held_b.distance, -d);
  const bool is_held = a.value < eps || a.distance < eps;
  return {value, is_held ? 0.0 : difference(a, b) / (a.value * a.distance)};
}

Cost pair_cost(const Problem& problem, const Affinity& a, const Affinity& b) {
  const double param = problem.penalty_param;
  switch (problem.penalty) {
    case Penalty::kSquared: return squared_cost(difference(a, b));
    case Penalty::kAbsolute: return absolute_cost(difference(a, b));
    case Penalty::kHuber: return huber_cost(difference(a, b), param == 0 ? kDefaultDelta : param);
    case Penalty::kLogCosh: return log_cosh_cost(difference(a, b), param == 0 ? kDefaultDelta : param);
    case Penalty::kCrossEntropy: return cross_entropy_cost(a, b, param == 0 ? kDefaultCrossEntropyEps : param);
  }
  throw std::invalid_argument("oracle: unknown penalty");
}

// ---- all pairs ----

/// The pairs (i, j) of one i: returns sum_j w_i w_j phi and writes h_i = 2 sum_j w_i w_j phi' s_j, [C].
double sum_row(const Problem& problem, const Nodes& nodes, const std::vector<Target>& targets, std::int64_t i,
               double* h) {
  double sum = 0;
  for (std::int64_t j = 0; j < nodes.s.rows; ++j) {
    if (i == j && problem.penalty == Penalty::kCrossEntropy) continue;
    const double* s_j = nodes.s.row(j);
    const Affinity a = affinity(nodes.s.row(i), s_j, nodes.s.cols);
    const Cost cost = pair_cost(problem, a, blend_affinity(targets, i, j));
    const double weight = nodes.w[i] * nodes.w[j];
    const double slope = 2 * weight * cost.slope;
    sum += weight * cost.value;
#pragma omp simd
    for (std::int64_t c = 0; c < nodes.s.cols; ++c) h[c] += slope * s_j[c];
  }
  return sum;
}

/// Sum over all pairs of w w phi; h as sum_row, [nodes][C]. Rows are joined in order, so any number of threads gives
/// the same bits.
double sum_pairs(const Problem& problem, const Nodes& nodes, const std::vector<Target>& targets, Matrix* h) {
  *h = Matrix(nodes.s.rows, nodes.s.cols);
  std::vector<double> row_sum(nodes.s.rows);
#pragma omp parallel for schedule(static) if (nodes.s.rows * nodes.s.rows * nodes.s.cols > kParallelWork)
  for (std::int64_t i = 0; i < nodes.s.rows; ++i) row_sum[i] = sum_row(problem, nodes, targets, i, h->row(i));
  double sum = 0;
  for (const double value : row_sum) sum += value;
  return sum;
}

double error_square(const Nodes& nodes, const Matrix& u) {
  double sum = 0;
  for (std::int64_t i = 0; i < u.rows; ++i) {
    for (std::int64_t c = 0; c < u.cols; ++c) sum += nodes.w[i] * std::pow(nodes.s.row(i)[c] - u.row(i)[c], 2);
  }
  return sum;
}

/// Pairs of cells against one blend of targets, times `share`, joined to `loss`: dL/ds = h, so p dL/dp = s h / 2.
void add_cell_pairs(const Problem& problem, const LiveCells& cells, const std::vector<Target>& targets, double share,
                    GroupLoss* loss) {
  Matrix h;
  loss->sum += share * sum_pairs(problem, cells.nodes, targets, &h);
  for (std::size_t e = 0; e < h.values.size(); ++e) {
    loss->weighted_grad.values[e] += share * cells.nodes.s.values[e] * h.values[e] / 2;
  }
}

/// BLEND: one target, the blend of all scales. SEPARATE: the loss against each scale, blended.
GroupLoss cell_loss(const Problem& problem, const LiveCells& cells, const std::vector<Scale>& scales,
                    const Matrix& counts) {
  std::vector<Target> targets;
  for (const Scale& scale : scales) {
    targets.push_back({scale.omega, square_roots(block_distribution(problem, counts, scale.edge), cells.index)});
  }
  GroupLoss loss;
  loss.weighted_grad = Matrix(cells.p.rows, cells.p.cols);
  loss.error_square = error_square(cells.nodes, targets.front().u);
  if (problem.scale_mode == ScaleMode::kBlend) {
    add_cell_pairs(problem, cells, targets, 1.0, &loss);
  } else {
    for (const Target& target : targets) add_cell_pairs(problem, cells, {{1.0, target.u}}, target.omega, &loss);
  }
  return loss;
}

/// The blocks of one PYRAMID scale that hold a live cell.
struct Blocks {
  std::vector<std::int64_t> of_cell;  // [cells]
  Nodes nodes;
  Matrix u;
};

/// sqrt(sum w_i x_i / W) over the cells of each block, [blocks][C]; x: [cells][C].
Matrix pooled_square_roots(const Matrix& x, const std::vector<double>& w, const std::vector<std::int64_t>& block,
                           std::int64_t num_blocks) {
  std::vector<long double> sum(num_blocks * x.cols), weight(num_blocks);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    weight[block[i]] += w[i];
    for (std::int64_t c = 0; c < x.cols; ++c) {
      sum[block[i] * x.cols + c] += static_cast<long double>(w[i]) * x.row(i)[c];
    }
  }
  Matrix root(num_blocks, x.cols);
  for (std::int64_t e = 0; e < num_blocks * x.cols; ++e) {
    root.values[e] = static_cast<double>(std::sqrt(sum[e] / weight[e / x.cols]));
  }
  return root;
}

/// t: the labels' t^1 of the live cells.
Blocks pool_blocks(const Problem& problem, const LiveCells& cells, const Matrix& t, int edge) {
  const auto block_of_cell = block_of_cells(problem, edge);
  Blocks blocks;
  std::vector<std::int64_t> number(block_of_cell.back() + 1, -1);  // among the blocks that hold a live cell
  for (std::size_t row = 0; row < cells.index.size(); ++row) {
    std::int64_t& block = number[block_of_cell[cells.index[row]]];
    if (block < 0) {
      block = static_cast<std::int64_t>(blocks.nodes.w.size());
      blocks.nodes.w.push_back(0);
    }
    blocks.nodes.w[block] += cells.nodes.w[row];
    blocks.of_cell.push_back(block);
  }
  const auto num_blocks = static_cast<std::int64_t>(blocks.nodes.w.size());
  blocks.nodes.s = pooled_square_roots(cells.p, cells.nodes.w, blocks.of_cell, num_blocks);
  blocks.u = pooled_square_roots(t, cells.nodes.w, blocks.of_cell, num_blocks);
  return blocks;
}

/// p_ic dL/dp_ic of one scale, from h = dL/ds^k of the blocks, joined to `weighted_grad`:
/// omega (w_i / W) p_ic h^k_c / (2 s^k_c), with 0/0 = 0.
void add_block_gradient(const LiveCells& cells, const Blocks& blocks, const Matrix& h, double omega,
                        Matrix* weighted_grad) {
  for (std::int64_t i = 0; i < cells.p.rows; ++i) {
    const std::int64_t block = blocks.of_cell[i];
    const double share = omega * cells.nodes.w[i] / blocks.nodes.w[block];
    for (std::int64_t c = 0; c < cells.p.cols; ++c) {
      const double p = cells.p.row(i)[c];
      if (p > 0) weighted_grad->row(i)[c] += share * (p / blocks.nodes.s.row(block)[c]) * h.row(block)[c] / 2;
    }
  }
}

GroupLoss pyramid_loss(const Problem& problem, const LiveCells& cells, const std::vector<Scale>& scales,
                       const Matrix& counts) {
  const Matrix t_grid = block_distribution(problem, counts, 1);
  Matrix t(cells.p.rows, cells.p.cols);
  for (std::int64_t i = 0; i < t.rows; ++i) std::copy_n(t_grid.row(cells.index[i]), t.cols, t.row(i));
  GroupLoss loss;
  loss.weighted_grad = Matrix(cells.p.rows, cells.p.cols);
  for (const Scale& scale : scales) {
    const Blocks blocks = pool_blocks(problem, cells, t, scale.edge);
    Matrix h;
    loss.sum += scale.omega * sum_pairs(problem, blocks.nodes, {{1.0, blocks.u}}, &h);
    add_block_gradient(cells, blocks, h, scale.omega, &loss.weighted_grad);
    if (scale.edge == scales.front().edge) loss.error_square = error_square(blocks.nodes, blocks.u);
  }
  return loss;
}

GroupLoss group_loss(const Problem& problem, const LiveCells& cells, const std::vector<Scale>& scales,
                     const Matrix& counts) {
  if (cells.has_bad_cell) {
    GroupLoss loss;
    loss.sum = loss.error_square = kNaN;
    loss.weighted_grad = Matrix(cells.p.rows, cells.p.cols);
    std::fill(loss.weighted_grad.values.begin(), loss.weighted_grad.values.end(), kNaN);
    return loss;
  }
  const bool is_pyramid = problem.scale_mode == ScaleMode::kPyramid;
  return is_pyramid ? pyramid_loss(problem, cells, scales, counts) : cell_loss(problem, cells, scales, counts);
}

// ---- normaliser, reduction, gradient ----

/// dL/dz_c of one cell from g_c = p_c dL/dp_c: g_c - p_c sum_d g_d, which is sum_d (p_d g_c - p_c g_d) because the p
/// sum to 1. Written so, the class of a nearly certain cell keeps its digits: nothing is subtracted from a near equal.
double softmax_chain(const double* p, const double* g, std::int64_t classes, std::int64_t c) {
  if (std::isnan(g[c])) return kNaN;  // one class has no other d to carry it
  double sum = 0;
  for (std::int64_t d = 0; d < classes; ++d) {
    if (d != c) sum += p[d] * g[c] - p[c] * g[d];
  }
  return sum;
}

void write_gradient(const Problem& problem, const LiveCells& cells, const Matrix& weighted_grad, double factor,
                    std::vector<double>* grad) {
  const std::int64_t n = num_cells(problem), classes = problem.classes;
  for (std::int64_t row = 0; row < weighted_grad.rows; ++row) {
    const std::int64_t b = cells.index[row] / n, i = cells.index[row] % n;
    for (std::int64_t c = 0; c < classes; ++c) {
      (*grad)[(b * classes + c) * n + i] = factor * softmax_chain(cells.p.row(row), weighted_grad.row(row), classes, c);
    }
  }
}

std::vector<Group> make_groups(const Problem& problem) {
  if (problem.span == Span::kBatch) return {{0, problem.batch}};
  std::vector<Group> groups;
  for (std::int64_t b = 0; b < problem.batch; ++b) groups.push_back({b, 1});
  return groups;
}

/// d sum(grad_loss * loss) / d L_b.
double upstream_gradient(const Problem& problem, const Inputs& inputs, std::size_t group_index,
                         std::size_t num_groups) {
  const bool is_vector = problem.reduction == Reduction::kNone;
  const double upstream = inputs.grad_loss.empty() ? 1.0 : inputs.grad_loss[is_vector ? group_index : 0];
  return problem.reduction == Reduction::kMean ? upstream / static_cast<double>(num_groups) : upstream;
}

std::vector<double> reduce(const Problem& problem, const std::vector<double>& per_image) {
  if (problem.reduction == Reduction::kNone) return per_image;
  double sum = 0;
  for (const double value : per_image) sum += value;
  return {problem.reduction == Reduction::kMean ? sum / static_cast<double>(per_image.size()) : sum};
}

void require_cell(const Problem& problem, std::int64_t image, std::int64_t cell) {
  require(image >= 0 && image < problem.batch && cell >= 0 && cell < num_cells(problem), "the row lies in the batch");
}

}  // namespace

Result evaluate(const Problem& problem, const Inputs& inputs) {
  require_valid(problem, inputs);
  const Matrix counts = count_labels(problem, inputs);
  const std::vector<Scale> scales = active_scales(problem);
  const std::vector<Group> groups = make_groups(problem);
  Result result;
  result.cell_weights = cell_weights(inputs, counts);
  result.grad.assign(inputs.logits.size(), 0.0);
  double total_weight = 0, total_error_square = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const LiveCells cells = gather_live_cells(problem, inputs, result.cell_weights, groups[g]);
    if (cells.index.empty()) {  // Z = 0
      result.per_image.push_back(0);
      result.e0_per_image.push_back(0);
      continue;
    }
    double weight = 0;
    for (const double w : cells.nodes.w) weight += w;
    const double z = problem.reduction == Reduction::kSum ? 1.0 : weight * weight;
    const GroupLoss loss = group_loss(problem, cells, scales, counts);
    result.per_image.push_back(problem.loss_weight * loss.sum / z);
    result.e0_per_image.push_back(loss.error_square / weight);
    const double factor = problem.loss_weight * upstream_gradient(problem, inputs, g, groups.size()) / z;
    write_gradient(problem, cells, loss.weighted_grad, factor, &result.grad);
    total_weight += weight;
    total_error_square += loss.error_square;
  }
  result.e0 = total_weight > 0 ? total_error_square / total_weight : 0.0;
  result.loss = reduce(problem, result.per_image);
  return result;
}

std::vector<double> loss(const Problem& problem, const Inputs& inputs) { return evaluate(problem, inputs).loss; }

std::vector<double> output_affinity_row(const Problem& problem, const Inputs& inputs, std::int64_t image,
                                        std::int64_t cell) {
  require_valid(problem, inputs);
  require_cell(problem, image, cell);
  const std::int64_t n = num_cells(problem);
  const std::vector<double> w = cell_weights(inputs, count_labels(problem, inputs));
  std::vector<double> row(n);
  if (w[image * n + cell] == 0) return row;
  const LiveCells cells = gather_live_cells(problem, inputs, w, {image, 1});
  const auto found = std::find(cells.index.begin(), cells.index.end(), image * n + cell);
  const double* s_i = cells.nodes.s.row(found - cells.index.begin());
  for (std::int64_t j = 0; j < cells.nodes.s.rows; ++j) {
    row[cells.index[j] - image * n] = affinity(s_i, cells.nodes.s.row(j), problem.classes).value;
  }
  return row;
}

std::vector<double> label_affinity_row(const Problem& problem, const Inputs& inputs, std::int64_t image,
                                       std::int64_t cell) {
  require_valid(problem, inputs);
  require_cell(problem, image, cell);
  const std::int64_t n = num_cells(problem);
  const Matrix counts = count_labels(problem, inputs);
  const std::vector<double> w = cell_weights(inputs, counts);
  std::vector<std::int64_t> cells(n);
  for (std::int64_t i = 0; i < n; ++i) cells[i] = image * n + i;
  std::vector<Target> targets;
  for (const Scale& scale : active_scales(problem)) {
    targets.push_back({scale.omega, square_roots(block_distribution(problem, counts, scale.edge), cells)});
  }
  std::vector<double> row(n);
  for (std::int64_t j = 0; j < n; ++j) {
    if (w[cells[cell]] > 0 && w[cells[j]] > 0) row[j] = blend_affinity(targets, cell, j).value;
  }
  return row;
}

std::vector<double> label_distribution(const Problem& problem, const Inputs& inputs, int scale_index) {
  require_valid(problem, inputs);
  require(scale_index >= 0 && scale_index < static_cast<int>(problem.scales.size()), "scale_index names a scale");
  return block_distribution(problem, count_labels(problem, inputs), problem.scales[scale_index]).values;
}

}  // namespace oracle
