#include "plan/routes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "plan/refusal.h"

namespace arloss {
namespace {

constexpr auto kAuto = ARLOSS_ALGORITHM_AUTO;
constexpr auto kFactored = ARLOSS_ALGORITHM_FACTORED;
constexpr auto kPairwise = ARLOSS_ALGORITHM_PAIRWISE;

/// What decides the route, and the routes that follow. `factored` is Route::kPairwise where FACTORED is refused.
struct RouteCase {
  const char* name;
  arloss_penalty_t penalty;
  double penalty_param;
  arloss_scale_mode_t mode;
  std::vector<std::int64_t> edges;
  bool has_fine_labels;
  Route factored;
  const char* refusal;  // a part of the text against FACTORED
};

const RouteCase kCases[] = {
    {"Squared", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_BLEND, {1}, false, Route::kFactored, ""},
    {"SquaredFineLabels", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_BLEND, {1}, true, Route::kFactored, ""},
    {"SquaredBlend", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_BLEND, {1, 2, 4}, true, Route::kFactored, ""},
    {"SquaredSeparate", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_SEPARATE, {2, 4}, false, Route::kFactored, ""},
    {"SquaredPyramid", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_PYRAMID, {1, 2}, true, Route::kFactoredPyramid, ""},
    {"SquaredPyramidOfTwo", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_PYRAMID, {2}, true, Route::kFactoredPyramid, ""},
    {"SquaredPyramidOfOne", ARLOSS_PENALTY_SQUARED, 0, ARLOSS_SCALES_PYRAMID, {1}, true, Route::kFactored, ""},
    {"HuberOne", ARLOSS_PENALTY_HUBER, 1, ARLOSS_SCALES_BLEND, {1}, true, Route::kFactored, ""},
    {"HuberPyramid", ARLOSS_PENALTY_HUBER, 2.5, ARLOSS_SCALES_PYRAMID, {1, 3}, true, Route::kFactoredPyramid, ""},
    {"HuberBelowOne",
     ARLOSS_PENALTY_HUBER,
     0.5,
     ARLOSS_SCALES_BLEND,
     {1},
     false,
     Route::kPairwise,
     "HUBER (0.5) has a linear form only with delta >= 1"},
    {"HuberPyramidBelowOne",
     ARLOSS_PENALTY_HUBER,
     0.999,
     ARLOSS_SCALES_PYRAMID,
     {1, 2},
     false,
     Route::kPairwise,
     "HUBER (0.999) has a linear form only with delta >= 1"},
    {"AbsoluteHard", ARLOSS_PENALTY_ABSOLUTE, 0, ARLOSS_SCALES_BLEND, {1}, false, Route::kFactoredAbsolute, ""},
    {"AbsoluteHardPyramid",
     ARLOSS_PENALTY_ABSOLUTE,
     0,
     ARLOSS_SCALES_PYRAMID,
     {1},
     false,
     Route::kFactoredAbsolute,
     ""},
    {"AbsoluteFineLabels", ARLOSS_PENALTY_ABSOLUTE, 0, ARLOSS_SCALES_BLEND, {1}, true, Route::kPairwise, "hard labels"},
    {"AbsoluteTwoScales",
     ARLOSS_PENALTY_ABSOLUTE,
     0,
     ARLOSS_SCALES_SEPARATE,
     {1, 2},
     false,
     Route::kPairwise,
     "hard labels"},
    {"AbsoluteScaleTwo", ARLOSS_PENALTY_ABSOLUTE, 0, ARLOSS_SCALES_BLEND, {2}, false, Route::kPairwise, "hard labels"},
    {"CrossEntropy",
     ARLOSS_PENALTY_CROSS_ENTROPY,
     1e-4,
     ARLOSS_SCALES_BLEND,
     {1},
     false,
     Route::kPairwise,
     "CROSS_ENTROPY has no linear form"},
    {"CrossEntropyPyramid",
     ARLOSS_PENALTY_CROSS_ENTROPY,
     0.25,
     ARLOSS_SCALES_PYRAMID,
     {1, 2},
     true,
     Route::kPairwise,
     "CROSS_ENTROPY has no linear form"},
    {"LogCosh",
     ARLOSS_PENALTY_LOG_COSH,
     2,
     ARLOSS_SCALES_BLEND,
     {1},
     false,
     Route::kPairwise,
     "LOG_COSH has no linear form"},
};

Problem problem_of(const RouteCase& c) {
  Problem problem{};
  problem.batch = 1;
  problem.classes = 3;
  problem.grid = {1, 4, 4};
  problem.labels = c.has_fine_labels ? Extent{1, 9, 8} : problem.grid;
  problem.penalty = c.penalty;
  problem.penalty_param = c.penalty_param;
  problem.scale_mode = c.mode;
  for (const std::int64_t edge : c.edges) problem.scales.push_back({edge, 1 / static_cast<double>(c.edges.size())});
  return problem;
}

Options options_of(arloss_algorithm_t algorithm) { return {ARLOSS_DEVICE_CPU, -1, algorithm, false, 1}; }

/// The chosen route with a reason, and every other refused once, with a reason.
void expect_choice(const RouteCase& c, arloss_algorithm_t algorithm, Route expected) {
  const Choice choice = choose_route(problem_of(c), options_of(algorithm));
  EXPECT_STREQ(route_name(choice.route), route_name(expected));
  EXPECT_FALSE(choice.reason.empty());
  std::set<Route> routes = {choice.route};
  for (const RefusedRoute& refused : choice.refused) {
    EXPECT_FALSE(refused.reason.empty()) << route_name(refused.route);
    EXPECT_TRUE(routes.insert(refused.route).second) << route_name(refused.route);
  }
  EXPECT_EQ(routes.size(), 4u);
}

std::string reason_against(const Choice& choice, Route route) {
  for (const RefusedRoute& refused : choice.refused)
    if (refused.route == route) return refused.reason;
  return "";
}

class RouteTest : public ::testing::TestWithParam<RouteCase> {};

TEST_P(RouteTest, AutoPrefersTheLinearForm) { expect_choice(GetParam(), kAuto, GetParam().factored); }

TEST_P(RouteTest, PairwiseIsAlwaysToBeHad) { expect_choice(GetParam(), kPairwise, Route::kPairwise); }

TEST_P(RouteTest, FactoredIsTheLinearFormOrRefused) {
  if (is_factored(GetParam().factored)) return expect_choice(GetParam(), kFactored, GetParam().factored);
  try {
    choose_route(problem_of(GetParam()), options_of(kFactored));
    FAIL() << "not refused";
  } catch (const Refusal& refusal) {
    const std::string text = refusal.what();
    EXPECT_EQ(refusal.status(), ARLOSS_STATUS_UNSUPPORTED);
    EXPECT_EQ(text.rfind("options.algorithm is FACTORED (1), but ", 0), 0u) << text;
    EXPECT_NE(text.find(GetParam().refusal), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Routes, RouteTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(Routes, ReasonsAgainstTheOthersFit) {
  const Choice linear = choose_route(problem_of(kCases[0]), options_of(kAuto));
  EXPECT_EQ(reason_against(linear, Route::kPairwise), "a cheaper route is exact");
  EXPECT_EQ(reason_against(linear, Route::kFactoredAbsolute), "for penalty ABSOLUTE only");
  const Choice asked = choose_route(problem_of(kCases[0]), options_of(kPairwise));
  EXPECT_EQ(reason_against(asked, Route::kFactored), "options.algorithm asks for PAIRWISE");
  const Choice only = choose_route(problem_of(kCases[0]), options_of(kFactored));
  EXPECT_EQ(reason_against(only, Route::kPairwise), "options.algorithm asks for FACTORED");
}

TEST(Routes, APairwiseChoiceSaysWhatLinearFormThereIs) {
  for (const RouteCase& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string text = choose_route(problem_of(c), options_of(kPairwise)).linear_form;
    if (is_factored(c.factored))
      EXPECT_EQ(text, std::string(route_name(c.factored)) + ", which options.algorithm AUTO takes");
    else
      EXPECT_NE(text.find(c.refusal), std::string::npos) << text;
  }
}

TEST(Routes, HaveNamesOfTheirOwn) {
  EXPECT_STREQ(route_name(Route::kFactored), "factored");
  EXPECT_STREQ(route_name(Route::kFactoredPyramid), "factored-pyramid");
  EXPECT_STREQ(route_name(Route::kFactoredAbsolute), "factored-absolute");
  EXPECT_STREQ(route_name(Route::kPairwise), "pairwise");
  EXPECT_TRUE(is_factored(Route::kFactoredAbsolute));
  EXPECT_FALSE(is_factored(Route::kPairwise));
}

TEST(Routes, AQuadraticHuberIsHalfASquare) {
  Problem problem = problem_of(kCases[0]);
  EXPECT_TRUE(is_quadratic(problem));
  EXPECT_EQ(quadratic_factor(problem), 1);
  problem.penalty = ARLOSS_PENALTY_HUBER;
  problem.penalty_param = 1;
  EXPECT_TRUE(is_quadratic(problem));
  EXPECT_EQ(quadratic_factor(problem), 0.5);
  problem.penalty_param = std::nextafter(1.0, 0.0);
  EXPECT_FALSE(is_quadratic(problem));
}

}  // namespace
}  // namespace arloss
