// One cell of the grid, looked at closely.
#pragma once
#include "affinity_loss.h"
#include "panels.h"

namespace demo {

/// A cell worth looking at: of those that start out wrong, in a class that is not tiny, with neighbours of the same
/// label, the one nearest the middle. Any labelled cell if there is none such; there must be a labelled one.
/// truth, predicted: class per cell, kNoClass where there is no label.
int64_t choose_marked_cell(Grid grid, const std::vector<int> &truth, const std::vector<int> &predicted);

/// The cell's rows of the affinity matrices under both predictions.
AffinityRows affinity_rows(AffinityLoss &loss, const std::vector<float> &logits_before,
                           const std::vector<float> &logits_after, int64_t cell);

}  // namespace demo
