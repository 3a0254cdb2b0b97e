// Descending the AR loss on the logits themselves.
#pragma once
#include "affinity_loss.h"

#include <functional>

namespace demo {

struct Descent {
  double loss_before = 0, loss_after = 0;
  double median_call_ms = 0;  // of one loss and gradient
  int64_t num_calls = 0;
};

/// Called after each step with its number, from 1, and the loss at its start.
using Progress = std::function<void(int64_t step, double loss)>;

/// Takes the given number of steps (Adam) and leaves the result in logits.
Descent descend(AffinityLoss &loss, std::vector<float> &logits, int64_t num_steps, const Progress &progress);

}  // namespace demo
