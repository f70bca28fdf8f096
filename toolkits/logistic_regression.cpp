// SPDX-License-Identifier: Apache-2.0
#include "toolkits/logistic_regression.h"

#include <cppipc/registry.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace cppipc::toolkits {
namespace {

using Logistic = LogisticRegressionModel;

// Errors: kInvalidArgument unless there are rows of both classes.
void check_both_occur(const Classes& classes, const std::string& target) {
  bool has_negative = false;
  bool has_positive = false;
  for (const double code : classes.codes) (code == 0 ? has_negative : has_positive) = true;
  if (has_negative && has_positive) return;
  throw Error(ErrorKind::kInvalidArgument,
              "target '" + target +
                  "' has the same value in all rows that are used; there have "
                  "to be rows of two classes");
}

void warn_unless_converged(const Logistic& model, const Fit& fit, const Context& context) {
  if (model.is_converged) return;
  context.log(LogLevel::kWarning,
              fit.is_separated && model.options.l2_penalty == 0
                  ? "logistic_regression: the features tell the classes apart without an error, so "
                    "that no coefficients are best; an l2_penalty above 0 makes some so"
                  : "logistic_regression: it has not converged after " +
                        std::to_string(fit.num_iterations) + " iterations; raise max_iterations");
}

VariantMap logistic_regression(const Context& context, const DataFrame& data,
                               const std::string& target,
                               const std::optional<std::vector<std::string>>& features,
                               double l2_penalty, std::int64_t max_iterations, double threshold,
                               const std::string& missing) {
  const auto start = std::chrono::steady_clock::now();
  auto model = std::make_shared<Logistic>();
  model->options = {l2_penalty, max_iterations, threshold};
  check(model->options);
  const Missing what_of_missing = missing_of(missing);
  Classes classes = read_classes(target_column(data, target));
  Features numbers = read_features(data, feature_names(data, target, features));
  model->num_dropped = clean(numbers, &classes.codes, target, what_of_missing);
  check_both_occur(classes, target);

  Fit fit = fit_newton(numbers, classes.codes, Loss::kLogistic, model->options, context);
  model->target = target;
  model->negative = std::move(classes.negative);
  model->positive = std::move(classes.positive);
  model->terms = {std::move(numbers.names), std::move(fit.coefficients), fit.intercept};
  model->num_examples = static_cast<std::int64_t>(classes.codes.size());
  model->num_iterations = fit.num_iterations;
  model->is_converged = fit.is_converged;
  const auto count = static_cast<double>(classes.codes.size());
  model->training_loss = fit.loss / count;
  model->training_accuracy = static_cast<double>(fit.num_right) / count;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  model->training_time = elapsed.count();
  warn_unless_converged(*model, fit, context);
  return {{"model", to_variant(std::move(model))}};
}

template <class T>
Variant choose(const Array<double>& probabilities, T negative, T positive) {
  Array<T> chosen(probabilities.size());
  for (std::int64_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = probabilities[i] > 0.5 ? positive : negative;
  }
  return chosen.any();
}

void add_properties(TypeBuilder<Logistic>& type) {
  add_learning(type);
  type.property(
          "classes",
          [](const Logistic& self) {
            return List{{self.negative, self.positive}};
          },
          "The two values of the target; probabilities are those of the second.")
      .property(
          "coefficients", [](const Logistic& self) { return self.terms.by_name(); },
          "By the names of the features: how the logarithm of the odds of the second class grows.")
      .property(
          "intercept", [](const Logistic& self) { return self.terms.intercept; },
          "The logarithm of the odds where all features are 0.")
      .property("num_iterations", &Logistic::num_iterations, "How many steps it took.")
      .property("converged", &Logistic::is_converged, "Whether it ended because of the threshold.")
      .property("training_loss", &Logistic::training_loss,
                "The mean over the rows of minus the logarithm of the probability of their class.")
      .property("training_accuracy", &Logistic::training_accuracy,
                "The part of the rows whose class is the more likely one; 0 to 1.")
      .property(
          "l2_penalty", [](const Logistic& self) { return self.options.l2_penalty; },
          "As it was given.")
      .property(
          "max_iterations", [](const Logistic& self) { return self.options.max_iterations; },
          "As it was given.")
      .property(
          "threshold", [](const Logistic& self) { return self.options.threshold; },
          "As it was given.");
}

void register_logistic_model(Registry& registry) {
  auto type = registry.type<Logistic>(
      "LogisticRegressionModel",
      "Tells two classes apart by numbers, as toolkits.logistic_regression returns it.");
  type.base<Model>()
      .thread_safe()
      .saveable(1, &Logistic::save, &Logistic::load)
      .method(
          "predict", &Logistic::predict, arg("data"),
          "The more likely class of each row of a dataframe that has the features: an array of "
          "bool or\nint64, or a list of str, as the target was. Raises ValueError for rows that "
          "lack a value.",
          blocking)
      .method("predict_probability", &Logistic::predict_probability, arg("data"),
              "The probability that a row is of the second class: a float64 array.", blocking);
  add_properties(type);
}

}  // namespace

Model::Fields LogisticRegressionModel::fields() const {
  List features;
  for (const std::string& name : terms.names) features.items.emplace_back(name);
  return {{"coefficients", terms.by_name()},
          {"intercept", terms.intercept},
          {"classes", List{{negative, positive}}},
          {"target", target},
          {"features", std::move(features)},
          {"num_examples", num_examples},
          {"num_dropped", num_dropped},
          {"num_iterations", num_iterations},
          {"converged", is_converged},
          {"training_loss", training_loss},
          {"training_accuracy", training_accuracy},
          {"training_time", training_time},
          {"l2_penalty", options.l2_penalty},
          {"max_iterations", options.max_iterations},
          {"threshold", options.threshold}};
}

Array<double> LogisticRegressionModel::predict_probability(const DataFrame& data,
                                                           const Context& context) const {
  Array<double> result = terms.at_rows(data, context);
  for (double& value : result.span()) {
    const double small = std::exp(-std::abs(value));
    value = value >= 0 ? 1 / (1 + small) : small / (1 + small);
  }
  return result;
}

Variant LogisticRegressionModel::predict(const DataFrame& data, const Context& context) const {
  const Array<double> probabilities = predict_probability(data, context);
  if (negative.kind() == Kind::kBool) return choose(probabilities, false, true);
  if (negative.kind() == Kind::kInt) return choose<std::int64_t>(probabilities, 0, 1);
  List chosen;
  chosen.items.reserve(static_cast<std::size_t>(probabilities.size()));
  for (const double probability : probabilities.span()) {
    chosen.items.push_back(probability > 0.5 ? positive : negative);
  }
  return chosen;
}

void LogisticRegressionModel::save(SaveWriter& out) const {
  terms.save(out);
  out.write(target);
  out.write(negative);
  out.write(positive);
  out.write(options.l2_penalty);
  out.write(options.max_iterations);
  out.write(options.threshold);
  out.write(num_examples);
  out.write(num_dropped);
  out.write(num_iterations);
  out.write(is_converged);
  out.write(training_loss);
  out.write(training_accuracy);
  out.write(training_time);
}

std::unique_ptr<LogisticRegressionModel> LogisticRegressionModel::load(SaveReader& in) {
  auto model = std::make_unique<LogisticRegressionModel>();
  model->terms = LinearTerms::load(in);
  model->target = in.read<std::string>();
  model->negative = in.read<Variant>();
  model->positive = in.read<Variant>();
  model->options.l2_penalty = in.read<double>();
  model->options.max_iterations = in.read<std::int64_t>();
  model->options.threshold = in.read<double>();
  model->num_examples = in.read<std::int64_t>();
  model->num_dropped = in.read<std::int64_t>();
  model->num_iterations = in.read<std::int64_t>();
  model->is_converged = in.read<bool>();
  model->training_loss = in.read<double>();
  model->training_accuracy = in.read<double>();
  model->training_time = in.read<double>();
  return model;
}

void register_logistic_regression(Registry& registry) {
  register_logistic_model(registry);
  registry.toolkit(
      "logistic_regression", &logistic_regression, arg("data"), arg("target"),
      arg("features") = nullptr, arg("l2_penalty") = 0.0, arg("max_iterations") = 20,
      arg("threshold") = 1e-8, arg("missing") = "error", blocking,
      "Learns which of two classes a row is of, by Newton's method.\n"
      "\n"
      "Args:\n"
      "    data: a unity.DataFrame, or a table of pandas, polars or pyarrow.\n"
      "    target: the name of the column with the classes: bools, numbers 0 and 1, or text of "
      "two\n"
      "        values, which count in their order.\n"
      "    features: the names of the columns to learn from, numbers or bools; without it all but\n"
      "        the target.\n"
      "    l2_penalty: 0 or more. The sum over all rows of minus the logarithm of the probability\n"
      "        of their class, plus this times the sum of the squares of the coefficients, is "
      "made\n"
      "        least. The intercept does not count.\n"
      "    max_iterations: ends after so many steps in any case.\n"
      "    threshold: ends after a step that was expected to take off less than this part of the\n"
      "        sum that there is when all coefficients are 0.\n"
      "    missing: what becomes of rows that lack a value (null or NaN) in a feature or the\n"
      "        target: 'error' or 'drop'.\n"
      "\n"
      "Returns:\n"
      "    A dict with a LogisticRegressionModel as `model`. Its `converged` is False if it ended\n"
      "    because of max_iterations, or because the features tell the classes apart without an\n"
      "    error and there is no penalty: then no coefficients are best.\n"
      "\n"
      "Raises:\n"
      "    KeyError: there is no column of a name.\n"
      "    TypeError: a column is of a type that cannot be used.\n"
      "    ValueError: a value is missing or infinite, the target has not two values, no row is\n"
      "        left, or an option is out of range.");
}

}  // namespace cppipc::toolkits
