#include "plan/routes.h"

#include "plan/penalties.h"
#include "plan/refusal.h"

namespace arloss {
namespace {

const char* const kQuadraticOnly = "for penalties SQUARED, and HUBER with delta >= 1, only";

bool is_pooled(const Problem& problem) {
  // A pyramid of the one scale {1} pools nothing: it is the plain loss.
  return problem.scale_mode == ARLOSS_SCALES_PYRAMID && !(problem.num_scales() == 1 && problem.scales[0].edge == 1);
}

/// For a problem without one: what its penalty has a linear form with.
std::string missing_linear_form(const Problem& problem) {
  const PenaltyFacts& facts = facts_of(problem.penalty);
  Message text;
  text << facts.name;
  if (facts.linear_form == nullptr) return (text << " has no linear form").text();
  if (problem.penalty_param > 0) text << " (" << static_cast<float>(problem.penalty_param) << ")";
  return (text << " has a linear form only " << facts.linear_form).text();
}

std::string refuse_factored(const Problem& problem) {
  if (!is_quadratic(problem)) return kQuadraticOnly;
  if (is_pooled(problem)) return "scale mode PYRAMID pools the predictions: another route";
  return "";
}

std::string refuse_factored_pyramid(const Problem& problem) {
  if (!is_quadratic(problem)) return kQuadraticOnly;
  if (!is_pooled(problem)) return "the problem pools no predictions (scale mode PYRAMID with a scale above 1 does)";
  return "";
}

std::string refuse_factored_absolute(const Problem& problem) {
  if (problem.penalty != ARLOSS_PENALTY_ABSOLUTE) return "for penalty ABSOLUTE only";
  if (!problem.has_hard_labels()) return "for hard labels only: labels on the logits grid and scales {1}";
  return "";
}

struct Candidate {
  Route route;
  const char* name;
  const char* reason;  // why it is taken
  std::string (*refuse)(const Problem&);
};

/// In order of preference: a linear form wherever it is exact, all pairs elsewhere.
const Candidate kCandidates[] = {
    {Route::kFactored, "factored", "the squared penalty factors into C x C sums: linear in the cells", refuse_factored},
    {Route::kFactoredPyramid, "factored-pyramid",
     "the squared penalty factors into C x C sums at every scale: linear in the cells", refuse_factored_pyramid},
    {Route::kFactoredAbsolute, "factored-absolute",
     "with hard labels |A - B| = A (1 - 2B) + B factors into class sums: linear in the cells",
     refuse_factored_absolute},
    {Route::kPairwise, "pairwise", "every pair of cells is visited, tile by tile",
     [](const Problem&) { return std::string(); }},
};

std::string refuse_algorithm(Route route, arloss_algorithm_t algorithm) {
  if (algorithm == ARLOSS_ALGORITHM_PAIRWISE && is_factored(route)) return "options.algorithm asks for PAIRWISE";
  if (algorithm == ARLOSS_ALGORITHM_FACTORED && !is_factored(route)) return "options.algorithm asks for FACTORED";
  return "";
}

}  // namespace

bool is_quadratic(const Problem& problem) {
  return problem.penalty == ARLOSS_PENALTY_SQUARED ||
         (problem.penalty == ARLOSS_PENALTY_HUBER && problem.penalty_param >= 1);
}

double quadratic_factor(const Problem& problem) { return problem.penalty == ARLOSS_PENALTY_HUBER ? 0.5 : 1.0; }

bool is_factored(Route route) { return route != Route::kPairwise; }

const char* route_name(Route route) {
  for (const Candidate& candidate : kCandidates)
    if (candidate.route == route) return candidate.name;
  return "unknown";
}

Choice choose_route(const Problem& problem, const Options& options) {
  Choice choice{};
  bool is_chosen = false;
  choice.linear_form = missing_linear_form(problem);
  for (const Candidate& candidate : kCandidates) {
    std::string refusal = candidate.refuse(problem);
    if (refusal.empty() && is_factored(candidate.route))
      choice.linear_form = std::string(candidate.name) + ", which options.algorithm AUTO takes";
    if (refusal.empty()) refusal = refuse_algorithm(candidate.route, options.algorithm);
    if (refusal.empty() && is_chosen) refusal = "a cheaper route is exact";
    if (refusal.empty()) {
      choice.route = candidate.route;
      choice.reason = candidate.reason;
      is_chosen = true;
    } else {
      choice.refused.push_back({candidate.route, refusal});
    }
  }
  if (!is_chosen)
    throw Refusal(ARLOSS_STATUS_UNSUPPORTED, Message() << "options.algorithm is FACTORED ("
                                                       << static_cast<int>(options.algorithm) << "), but "
                                                       << choice.linear_form);
  return choice;
}

}  // namespace arloss
