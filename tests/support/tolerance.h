#ifndef ARLOSS_TESTS_TOLERANCE_H
#define ARLOSS_TESTS_TOLERANCE_H

#include <string>
#include <vector>

#include "support/case.h"
#include "support/runner.h"

namespace support {

/// Does the gradient bound of this case have an absolute part, a share of the gradient of random logits?
bool has_absolute_gradient_bound(const CaseSpec& spec);

/// What shares of loss and gradient are multiplied with: 1, and 100 where products are of halves.
double tolerance_factor(const CaseSpec& spec);

/// The float32 part of the gradient bound on |g - g_ref| (docs/numerics.md): 1e-5 |g_ref|, plus 2e-5 |g_random| where
/// has_absolute_gradient_bound, both times tolerance_factor.
double float32_gradient_bound(const CaseSpec& spec, double reference_norm, double random_norm);

/// What the accuracy contract allows for each loss: 1e-5 L times tolerance_factor + 5e-6 e0, for SUM scaled by the sum
/// of pair weights.
std::vector<double> loss_bounds(const Case& test);
/// ... and for the whole gradient, rounding to the stored dtype included.
double gradient_bound(const Case& test);

/// Hold the outcome against the oracle and the contract, and record the worst shares of the bounds under `route`.
void expect_accurate(const Case& test, const Outcome& outcome, const std::string& route);

}  // namespace support

#endif
