// SPDX-License-Identifier: Apache-2.0
#pragma once
// Logistic regression: which of two classes a row is of, by a linear function of its numbers.

#include <memory>
#include <string>

#include "toolkits/linear_terms.h"
#include "toolkits/model.h"
#include "toolkits/newton.h"

namespace cppipc::toolkits {

// Owns: what it learned; nothing of the data.
struct LogisticRegressionModel final : Model {
  std::string_view title() const override { return "Logistic regression"; }
  Fields fields() const override;

  // The probability of the second class for each row. Errors: those of LinearTerms::at_rows().
  Array<double> predict_probability(const DataFrame& data, const Context& context) const;
  // The more likely class for each row: an array of bools or int64, or a list of texts.
  Variant predict(const DataFrame& data, const Context& context) const;

  void save(SaveWriter& out) const;
  static std::unique_ptr<LogisticRegressionModel> load(SaveReader& in);

  std::string target;
  Variant negative;  // the classes
  Variant positive;
  LinearTerms terms;
  NewtonOptions options;
  std::int64_t num_examples = 0;
  std::int64_t num_dropped = 0;
  std::int64_t num_iterations = 0;
  bool is_converged = false;
  double training_loss = 0;      // the mean, without the penalty
  double training_accuracy = 0;  // 0 to 1
  double training_time = 0;      // seconds
};

// Registers the toolkit logistic_regression and the type of its model.
// Errors: std::logic_error unless register_model() came before.
void register_logistic_regression(Registry& registry);

}  // namespace cppipc::toolkits
