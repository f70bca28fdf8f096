// SPDX-License-Identifier: Apache-2.0
#pragma once
// Linear regression by least squares.

#include <memory>
#include <string>

#include "toolkits/linear_terms.h"
#include "toolkits/model.h"

namespace cppipc::toolkits {

// Owns: what it learned; nothing of the data.
struct LinearRegressionModel final : Model {
  std::string_view title() const override { return "Linear regression"; }
  Fields fields() const override;

  void save(SaveWriter& out) const;
  static std::unique_ptr<LinearRegressionModel> load(SaveReader& in);

  std::string target;
  LinearTerms terms;
  double l2_penalty = 0;
  std::int64_t num_examples = 0;
  std::int64_t num_dropped = 0;
  double training_rmse = 0;  // the root of the mean square of the errors
  double training_r2 = 0;    // NaN if the target has one value only
  double training_time = 0;  // seconds
};

// Registers the toolkit linear_regression and the type of its model.
// Errors: std::logic_error unless register_model() came before.
void register_linear_regression(Registry& registry);

}  // namespace cppipc::toolkits
