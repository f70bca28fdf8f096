// SPDX-License-Identifier: Apache-2.0
#include "toolkits/linear_regression.h"

#include <cppipc/registry.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "toolkits/newton.h"
#include "toolkits/regression_data.h"

namespace cppipc::toolkits {
namespace {

using Linear = LinearRegressionModel;

// The first step leads to the end, the second takes off what rounding has left.
constexpr NewtonOptions kSteps{0, 4, 1e-20};

std::vector<double> read_target(const Column& column) {
  if (column.layout() == Layout::kValues) return column.to_doubles();
  throw Error(ErrorKind::kWrongType, "target '" + std::string(column.name()) + "' is " +
                                         column.type_name() + "; it has to be numbers");
}

// The part of the variance that is explained. NaN if there is none.
double r2_of(const std::vector<double>& targets, double loss) {
  const auto count = static_cast<double>(targets.size());
  const double mean = std::accumulate(targets.begin(), targets.end(), 0.0) / count;
  double squares = 0;
  for (const double target : targets) squares += (target - mean) * (target - mean);
  if (std::ranges::min(targets) == std::ranges::max(targets)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return 1 - loss / squares;
}

VariantMap linear_regression(const Context& context, const DataFrame& data,
                             const std::string& target,
                             const std::optional<std::vector<std::string>>& features,
                             double l2_penalty, const std::string& missing) {
  const auto start = std::chrono::steady_clock::now();
  NewtonOptions options = kSteps;
  options.l2_penalty = l2_penalty;
  check(options);
  const Missing what_of_missing = missing_of(missing);
  auto model = std::make_shared<Linear>();
  std::vector<double> targets = read_target(target_column(data, target));
  Features numbers = read_features(data, feature_names(data, target, features));
  model->num_dropped = clean(numbers, &targets, target, what_of_missing);

  Fit fit = fit_newton(numbers, targets, Loss::kSquared, options, context);
  model->target = target;
  model->terms = {std::move(numbers.names), std::move(fit.coefficients), fit.intercept};
  model->l2_penalty = l2_penalty;
  model->num_examples = static_cast<std::int64_t>(targets.size());
  model->training_rmse = std::sqrt(fit.loss / static_cast<double>(targets.size()));
  model->training_r2 = r2_of(targets, fit.loss);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  model->training_time = elapsed.count();
  return {{"model", to_variant(std::move(model))}};
}

void register_linear_model(Registry& registry) {
  auto type = registry.type<Linear>(
      "LinearRegressionModel",
      "Predicts a number by others, as toolkits.linear_regression returns it.");
  add_learning(type);
  type.base<Model>()
      .thread_safe()
      .saveable(1, &Linear::save, &Linear::load)
      .method(
          "predict",
          [](const Linear& self, const DataFrame& data, const Context& context) {
            return self.terms.at_rows(data, context);
          },
          arg("data"),
          "What it predicts for each row of a dataframe that has the features: a float64 array. "
          "Raises\nValueError for rows that lack a value.",
          blocking)
      .property(
          "coefficients", [](const Linear& self) { return self.terms.by_name(); },
          "By the names of the features.")
      .property(
          "intercept", [](const Linear& self) { return self.terms.intercept; },
          "What is predicted where all features are 0.")
      .property("training_rmse", &Linear::training_rmse,
                "The root of the mean square of the errors, in units of the target.")
      .property("training_r2", &Linear::training_r2,
                "The part of the target's variance that is explained, at most 1; NaN if it has "
                "none.")
      .property("l2_penalty", &Linear::l2_penalty, "As it was given.");
}

}  // namespace

Model::Fields LinearRegressionModel::fields() const {
  List features;
  for (const std::string& name : terms.names) features.items.emplace_back(name);
  return {{"coefficients", terms.by_name()},
          {"intercept", terms.intercept},
          {"target", target},
          {"features", std::move(features)},
          {"num_examples", num_examples},
          {"num_dropped", num_dropped},
          {"training_rmse", training_rmse},
          {"training_r2", training_r2},
          {"training_time", training_time},
          {"l2_penalty", l2_penalty}};
}

void LinearRegressionModel::save(SaveWriter& out) const {
  terms.save(out);
  out.write(target);
  out.write(l2_penalty);
  out.write(num_examples);
  out.write(num_dropped);
  out.write(training_rmse);
  out.write(training_r2);
  out.write(training_time);
}

std::unique_ptr<LinearRegressionModel> LinearRegressionModel::load(SaveReader& in) {
  auto model = std::make_unique<LinearRegressionModel>();
  model->terms = LinearTerms::load(in);
  model->target = in.read<std::string>();
  model->l2_penalty = in.read<double>();
  model->num_examples = in.read<std::int64_t>();
  model->num_dropped = in.read<std::int64_t>();
  model->training_rmse = in.read<double>();
  model->training_r2 = in.read<double>();
  model->training_time = in.read<double>();
  return model;
}

void register_linear_regression(Registry& registry) {
  register_linear_model(registry);
  registry.toolkit(
      "linear_regression", &linear_regression, arg("data"), arg("target"),
      arg("features") = nullptr, arg("l2_penalty") = 0.0, arg("missing") = "error", blocking,
      "Learns to predict a number as a linear function of others, by least squares.\n"
      "\n"
      "Args:\n"
      "    data: a unity.DataFrame, or a table of pandas, polars or pyarrow.\n"
      "    target: the name of the column with the numbers to predict.\n"
      "    features: the names of the columns to learn from, numbers or bools; without it all but\n"
      "        the target.\n"
      "    l2_penalty: 0 or more. The sum of the squares of the errors, plus this times the sum "
      "of\n"
      "        the squares of the coefficients, is made least. The intercept does not count.\n"
      "    missing: what becomes of rows that lack a value (null or NaN) in a feature or the\n"
      "        target: 'error' or 'drop'.\n"
      "\n"
      "Returns:\n"
      "    A dict with a LinearRegressionModel as `model`.\n"
      "\n"
      "Raises:\n"
      "    KeyError: there is no column of a name.\n"
      "    TypeError: a column is of a type that cannot be used.\n"
      "    ValueError: a value is missing or infinite, no row is left, or an option is out of\n"
      "        range.");
}

}  // namespace cppipc::toolkits
