#ifndef ARLOSS_PLAN_ROUTES_H
#define ARLOSS_PLAN_ROUTES_H

#include <string>
#include <vector>

#include "plan/problem.h"

namespace arloss {

/// A way to compute the loss. The first three are exact in time linear in the cells; the last visits every pair.
enum class Route { kFactored, kFactoredPyramid, kFactoredAbsolute, kPairwise };

/// A route that was not taken, and why.
struct RefusedRoute {
  Route route;
  std::string reason;
};

/// The decision: one route, why it was taken, and the reasons against every other.
struct Choice {
  Route route;
  std::string reason;
  std::string linear_form;  // kPairwise: which there is, or what the penalty would have one with
  std::vector<RefusedRoute> refused;
};

const char* route_name(Route route);
bool is_factored(Route route);

/// The first route that does not refuse the problem. Throws Refusal(UNSUPPORTED) with the reason where
/// options.algorithm is FACTORED and no factored route is exact for the problem.
Choice choose_route(const Problem& problem, const Options& options);

/// SQUARED, or HUBER with delta >= 1: since |A - B| <= 1 that is half of SQUARED (math.md, eq. 22).
bool is_quadratic(const Problem& problem);
/// The factor that turns a squared loss into the problem's: 1 for SQUARED, 1/2 for HUBER.
double quadratic_factor(const Problem& problem);

}  // namespace arloss

#endif
