#include "marked_cell.h"

#include "prediction.h"

namespace demo {

int64_t choose_marked_cell(Grid grid, const std::vector<int> &truth, const std::vector<int> &predicted) {
  constexpr int64_t kNotTiny = 200;  // a class with at least one cell in so many
  std::vector<int64_t> class_cells(256, 0);
  for (int label : truth) {
    if (label != kNoClass) ++class_cells[label];
  }

  const auto is_inside = [&](int64_t y, int64_t x) {
    for (int64_t v = y - 2; v <= y + 2; ++v) {
      for (int64_t u = x - 2; u <= x + 2; ++u) {
        if (v < 0 || v >= grid.height || u < 0 || u >= grid.width) return false;
        if (truth[v * grid.width + u] != truth[y * grid.width + x]) return false;
      }
    }
    return true;
  };
  int64_t best = -1, best_penalty = 0;
  for (int64_t y = 0; y < grid.height; ++y) {
    for (int64_t x = 0; x < grid.width; ++x) {
      const int64_t i = y * grid.width + x;
      if (truth[i] == kNoClass) continue;
      const int64_t off_y = 2 * y - grid.height, off_x = 2 * x - grid.width;
      const bool is_good =
          predicted[i] != truth[i] && class_cells[truth[i]] * kNotTiny >= grid.num_cells() && is_inside(y, x);
      const int64_t penalty = off_y * off_y + off_x * off_x + (is_good ? 0 : int64_t{1} << 40);
      if (best < 0 || penalty < best_penalty) {
        best = i;
        best_penalty = penalty;
      }
    }
  }
  return best;
}

AffinityRows affinity_rows(AffinityLoss &loss, const std::vector<float> &logits_before,
                           const std::vector<float> &logits_after, int64_t cell) {
  AffinityRows rows;
  rows.label = loss.affinity_row(logits_before, ARLOSS_AFFINITY_LABEL, cell);
  rows.output_before = loss.affinity_row(logits_before, ARLOSS_AFFINITY_OUTPUT, cell);
  rows.output_after = loss.affinity_row(logits_after, ARLOSS_AFFINITY_OUTPUT, cell);
  rows.residual_before = loss.affinity_row(logits_before, ARLOSS_AFFINITY_RESIDUAL, cell);
  rows.residual_after = loss.affinity_row(logits_after, ARLOSS_AFFINITY_RESIDUAL, cell);
  return rows;
}

}  // namespace demo
