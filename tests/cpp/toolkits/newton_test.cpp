// SPDX-License-Identifier: Apache-2.0
#include "toolkits/newton.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "called.h"

namespace cppipc::toolkits::newton_test {
namespace {

using testing::HasSubstr;

// One feature, and the column of ones.
Features feature_of(const std::vector<double>& x) {
  Features features{{"x"}, {}};
  for (const double value : x) features.values.insert(features.values.end(), {value, 1});
  return features;
}

Fit fit(Loss loss, const std::vector<double>& x, const std::vector<double>& y,
        const NewtonOptions& options = {}, const Context& context = {}) {
  Features features = feature_of(x);
  return fit_newton(features, y, loss, options, context);
}

TEST(Newton, FindsALineInOneStepAndOneToBeSure) {
  const Fit found = fit(Loss::kSquared, {0, 1, 2, 5}, {1, 3, 5, 11});
  EXPECT_NEAR(found.coefficients[0], 2, 1e-12);
  EXPECT_NEAR(found.intercept, 1, 1e-12);
  EXPECT_NEAR(found.loss, 0, 1e-20);
  EXPECT_EQ(found.num_iterations, 2);
  EXPECT_TRUE(found.is_converged);
}

// Least squares of slope w with x = -1, 1 and y = -1, 1: 2 (w - 1)^2 + p w^2 is least at 2/(2 + p).
TEST(Newton, ThePenaltyIsOnTheCoefficientsAsGiven) {
  const Fit found = fit(Loss::kSquared, {-1, 1}, {-1, 1}, {.l2_penalty = 2});
  EXPECT_NEAR(found.coefficients[0], 0.5, 1e-12);
  const Fit wider = fit(Loss::kSquared, {-10, 10}, {-1, 1}, {.l2_penalty = 2});
  EXPECT_NEAR(wider.coefficients[0], 20.0 / 202, 1e-12);
}

// One class in three at x = 0, two in three at x = 1: the odds are 1/2 and 2.
TEST(Newton, LogisticOddsAreThoseOfTheCounts) {
  const Fit found =
      fit(Loss::kLogistic, {0, 0, 0, 1, 1, 1}, {0, 0, 1, 0, 1, 1}, {.threshold = 1e-14});
  EXPECT_NEAR(found.intercept, -std::log(2), 1e-9);
  EXPECT_NEAR(found.coefficients[0], std::log(4), 1e-9);
  EXPECT_TRUE(found.is_converged);
  EXPECT_FALSE(found.is_separated);
  EXPECT_EQ(found.num_right, 4);
}

TEST(Newton, SeparatedClassesEndItUnlessThereIsAPenalty) {
  const Fit found = fit(Loss::kLogistic, {0, 1}, {0, 1});
  EXPECT_TRUE(found.is_separated);
  EXPECT_FALSE(found.is_converged);
  EXPECT_LT(found.num_iterations, 20);
  EXPECT_TRUE(fit(Loss::kLogistic, {0, 1}, {0, 1}, {.l2_penalty = 0.1}).is_converged);
}

// Far out, a whole step of Newton's would lead away from the minimum.
TEST(Newton, StepsThatLeadTooFarAreHalved) {
  std::vector<double> x(1000, 0);
  std::vector<double> y(1000, 0);
  x[0] = 1000;
  y[0] = 1;
  for (std::size_t i = 500; i < 520; ++i) y[i] = 1;
  const Fit found = fit(Loss::kLogistic, x, y, {.l2_penalty = 1e-3, .max_iterations = 100});
  EXPECT_TRUE(found.is_converged);
  EXPECT_NEAR(found.intercept, std::log(20.0 / 979), 1e-3);
}

TEST(Newton, AColumnOfOneValueGetsNoCoefficient) {
  const Fit found = fit(Loss::kSquared, {0.1, 0.1, 0.1}, {1, 2, 6});
  EXPECT_EQ(found.coefficients[0], 0);
  EXPECT_NEAR(found.intercept, 3, 1e-12);
}

TEST(Newton, CancellationEndsItBetweenTheIterations) {
  const auto stop = std::make_unique<std::stop_source>();
  Context context(stop->get_token(), std::nullopt);
  std::vector<std::string> texts;
  context.on_progress = [&](double, std::string_view text) {
    texts.emplace_back(text);
    if (texts.size() == 2) stop->request_stop();
  };
  refusal_of(ErrorKind::kCancelled, [&] {
    fit(Loss::kLogistic, {0, 0, 1, 1}, {0, 1, 0, 1}, {.max_iterations = 1'000, .threshold = 0},
        context);
  });
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_THAT(texts[1], HasSubstr("iteration 2: mean loss 0.693147"));
}

TEST(Newton, OptionsAndNumbersThatMakeNoSenseAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refusal = [](const NewtonOptions& options) {
    return refusal_of(ErrorKind::kInvalidArgument, [&] { check(options); });
  };
  EXPECT_THAT(refusal({.l2_penalty = -1}), HasSubstr("l2_penalty"));
  EXPECT_THAT(refusal({.l2_penalty = nan}), HasSubstr("l2_penalty"));
  EXPECT_THAT(refusal({.max_iterations = 0}), HasSubstr("max_iterations"));
  EXPECT_THAT(refusal({.threshold = nan}), HasSubstr("threshold"));
  const auto overflow = [](const std::vector<double>& x, const std::vector<double>& y) {
    return refusal_of(ErrorKind::kInvalidArgument, [&] { fit(Loss::kSquared, x, y); });
  };
  EXPECT_THAT(overflow({1e300, -1e300}, {0, 1}), HasSubstr("column 'x'"));
  EXPECT_THAT(overflow({0, 1}, {1e300, 0}), HasSubstr("target"));
  EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                         [] {
                           fit(Loss::kSquared, {0, 1e-100}, {0, 1}, {.l2_penalty = 1e200});
                         }),
              HasSubstr("l2_penalty is too large for the small numbers of column 'x'"));
}

}  // namespace
}  // namespace cppipc::toolkits::newton_test
