// SPDX-License-Identifier: Apache-2.0
#pragma once
// Newton's method for the two regressions: coefficients that make a convex loss least.

#include <cppipc/context.h>

#include <cstdint>
#include <vector>

#include "toolkits/regression_data.h"

namespace cppipc::toolkits {

enum class Loss : std::uint8_t {
  kSquared,   // of the difference to the target
  kLogistic,  // minus the logarithm of the probability that is given to the target, 0 or 1
};

struct NewtonOptions {
  // The sum over all rows of the loss, plus this times the sum of the squares of the coefficients,
  // is made least. At least 0. The intercept does not count.
  double l2_penalty = 0;
  std::int64_t max_iterations = 20;  // at least 1
  // Ends after a step that was expected to take off less than this part of the loss that there is
  // when all coefficients are 0; at least 0.
  double threshold = 1e-8;
};
// Errors: kInvalidArgument naming the option.
void check(const NewtonOptions& options);

struct Fit {
  std::vector<double> coefficients;  // of the features as they were given
  double intercept = 0;
  double loss = 0;  // the sum over all rows, without the penalty
  std::int64_t num_iterations = 0;
  bool is_converged = false;
  // Of kLogistic: some plane separates the classes. Without a penalty no coefficients are best
  // then: the larger, the better.
  bool is_separated = false;
  // Of kLogistic: rows whose target got the greater probability.
  std::int64_t num_right = 0;
};

// `targets` has one number for each row of `features`, all of them finite, and at least one row.
// Features are scaled in place. If some depend on each other linearly, the shortest of the best
// coefficients are taken, in units of the features' deviations. Reports progress with each
// iteration, and looks at cancellation once in some thousand rows.
// Errors: kInvalidArgument for numbers too large to be squared, or too small for the penalty;
// kCancelled, kTimeout.
Fit fit_newton(Features& features, const std::vector<double>& targets, Loss loss,
               const NewtonOptions& options, const Context& context);

}  // namespace cppipc::toolkits
