// A prediction such as a network half way through its training might give, made from the labels; and how right it is.
#pragma once
#include "picture.h"

namespace demo {

constexpr int kNoClass = -1;  // of a cell without a labelled pixel

/// The majority class of each cell, from the label distribution [num_cells][num_classes]; kNoClass where it is zero.
std::vector<int> majority_classes(const std::vector<float> &distribution, Grid grid, int64_t num_classes);

/// Logits [num_classes][grid.height][grid.width]: the label distribution [num_cells][num_classes] blurred, so that
/// edges are soft and thin things faint, with a few patches mistaken for another class of the picture. The same
/// labels give the same logits.
std::vector<float> imperfect_logits(const std::vector<float> &distribution, Grid grid, int64_t num_classes);

/// The most likely class of each cell.
std::vector<int> predicted_classes(const std::vector<float> &logits, Grid grid, int64_t num_classes);

/// The share of labelled cells whose prediction is right, in [0, 1].
double accuracy(const std::vector<int> &predicted, const std::vector<int> &truth);

}  // namespace demo
