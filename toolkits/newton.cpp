// SPDX-License-Identifier: Apache-2.0
// Features are shifted and scaled to mean 0 and deviation 1, and the intercept is the coefficient
// of a last column of ones. Each iteration walks over the rows once, in blocks, and adds up loss,
// gradient and second derivatives; a step that makes the loss larger is halved. The squared loss is
// quadratic, so that its first step leads to the end and the second one takes off what rounding
// has left.
#define EIGEN_MPL2_ONLY
#include "toolkits/newton.h"

#include <cppipc/error.h>

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

namespace cppipc::toolkits {
namespace {

constexpr Eigen::Index kRowsPerBlock = 1024;
constexpr int kHalvingsMax = 40;

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// How a feature was shifted and scaled.
struct Scale {
  double mean = 0;
  double deviation = 1;
};

// A column of one value becomes 0 throughout, so that its coefficient is 0.
Scale scale_column(Eigen::Map<Rows>& rows, Eigen::Index i, const std::string& name) {
  auto column = rows.col(i);
  const double count = static_cast<double>(rows.rows());
  Scale scale;
  if (column.minCoeff() == column.maxCoeff()) {
    scale.mean = column[0];
    column.setZero();
    return scale;
  }
  scale.mean = (column / count).sum();
  column.array() -= scale.mean;
  scale.deviation = std::sqrt(column.squaredNorm() / count);
  if (!std::isfinite(scale.deviation) || scale.deviation == 0) {
    throw Error(ErrorKind::kInvalidArgument,
                "column '" + name +
                    "' has numbers too large or too close to each other to be "
                    "squared; scale it");
  }
  column /= scale.deviation;
  return scale;
}

// Loss, and its derivatives by the coefficients.
struct State {
  Eigen::VectorXd at;  // the coefficients
  double loss = 0;
  double objective = 0;  // the loss and the penalty
  Eigen::VectorXd gradient;
  Eigen::MatrixXd curvature;  // the lower triangle
  bool is_separated = true;
  std::int64_t num_right = 0;
};

// The loss of one row and its first two derivatives by what the row predicts.
struct RowLoss {
  double value;
  double slope;
  double curvature;
};
RowLoss squared_loss(double predicted, double target) {
  const double error = predicted - target;
  return {error * error, 2 * error, 2};
}
RowLoss logistic_loss(double predicted, double target) {
  const double small = std::exp(-std::abs(predicted));  // never overflows
  const double probability = predicted >= 0 ? 1 / (1 + small) : small / (1 + small);
  const double wrong_by = target > 0.5 ? -predicted : predicted;
  return {std::max(wrong_by, 0.0) + std::log1p(small), probability - target,
          small / ((1 + small) * (1 + small))};
}

// Borrows: all it is made of.
class Newton {
 public:
  Newton(Features& features, const std::vector<double>& targets, Loss loss,
         const NewtonOptions& options, const Context& context)
      : rows_(features.values.data(), static_cast<Eigen::Index>(features.num_rows()),
              static_cast<Eigen::Index>(features.width())),
        targets_(targets),
        loss_(loss),
        options_(options),
        context_(context),
        penalties_(Eigen::VectorXd::Zero(rows_.cols())) {
    for (Eigen::Index i = 0; i + 1 < rows_.cols(); ++i) {
      context_.throw_if_cancelled();
      const std::string& name = features.names[static_cast<std::size_t>(i)];
      scales_.push_back(scale_column(rows_, i, name));
      penalties_[i] = options.l2_penalty / scales_.back().deviation / scales_.back().deviation;
      if (std::isfinite(penalties_[i])) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  "l2_penalty is too large for the small numbers of column '" + name +
                      "'; make it smaller or scale the column");
    }
  }

  Fit run() {
    Fit fit;
    State state = evaluate(Eigen::VectorXd::Zero(rows_.cols()));
    const double first = state.objective;
    if (!std::isfinite(first)) {
      throw Error(ErrorKind::kInvalidArgument,
                  "the target has numbers too large to be squared; scale it");
    }
    while (fit.num_iterations < options_.max_iterations && !fit.is_converged) {
      const Eigen::VectorXd step = newton_step(state);
      const double expected = -0.5 * state.gradient.dot(step);
      state = go(std::move(state), step, first);
      ++fit.num_iterations;
      report(fit.num_iterations, state.loss);
      fit.is_separated = loss_ == Loss::kLogistic && state.is_separated;
      if (fit.is_separated && options_.l2_penalty == 0) break;
      fit.is_converged = std::max(expected, 0.0) < options_.threshold * first;
    }
    fit.loss = state.loss;
    fit.num_right = state.num_right;
    give_coefficients(state.at, fit);
    return fit;
  }

 private:
  State evaluate(Eigen::VectorXd at) const {
    State state;
    state.gradient = Eigen::VectorXd::Zero(rows_.cols());
    state.curvature = Eigen::MatrixXd::Zero(rows_.cols(), rows_.cols());
    for (Eigen::Index begin = 0; begin < rows_.rows(); begin += kRowsPerBlock) {
      context_.throw_if_cancelled();
      add_block(begin, std::min(kRowsPerBlock, rows_.rows() - begin), at, state);
    }
    const Eigen::VectorXd weighted = penalties_.cwiseProduct(at);
    state.objective = state.loss + weighted.dot(at);
    state.gradient += 2 * weighted;
    state.curvature.diagonal() += 2 * penalties_;
    state.at = std::move(at);
    return state;
  }

  void add_block(Eigen::Index begin, Eigen::Index count, const Eigen::VectorXd& at,
                 State& state) const {
    const auto block = rows_.middleRows(begin, count);
    const Eigen::VectorXd predicted = block * at;
    Eigen::VectorXd slopes(count);
    Eigen::VectorXd roots(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      const double target = targets_[static_cast<std::size_t>(begin + i)];
      const RowLoss row = loss_ == Loss::kSquared ? squared_loss(predicted[i], target)
                                                  : logistic_loss(predicted[i], target);
      state.loss += row.value;
      slopes[i] = row.slope;
      roots[i] = std::sqrt(row.curvature);
      if ((predicted[i] > 0) == (target > 0.5)) ++state.num_right;
      if (target > 0.5 ? predicted[i] <= 0 : predicted[i] >= 0) state.is_separated = false;
    }
    state.gradient.noalias() += block.transpose() * slopes;
    const Rows weighted = roots.asDiagonal() * block;
    state.curvature.selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
  }

  // The step to where the loss would be least if it were quadratic; of several the shortest.
  static Eigen::VectorXd newton_step(const State& state) {
    const Eigen::MatrixXd whole = state.curvature.selfadjointView<Eigen::Lower>();
    return whole.completeOrthogonalDecomposition().solve(-state.gradient);
  }

  // Where the step leads, halved as long as that is worse than here by more than rounding.
  State go(State from, Eigen::VectorXd step, double first) const {
    const double limit = from.objective + 1e-12 * first;
    for (int i = 0; i < kHalvingsMax; ++i) {
      State to = evaluate(from.at + step);
      if (to.objective <= limit) return to;
      step /= 2;
    }
    return from;
  }

  void report(std::int64_t iteration, double loss) const {
    if (!context_.on_progress) return;
    char text[80];
    const int length =
        std::snprintf(text, sizeof(text), "iteration %lld: mean loss %.6g",
                      static_cast<long long>(iteration), loss / static_cast<double>(rows_.rows()));
    context_.progress(static_cast<double>(iteration) / static_cast<double>(options_.max_iterations),
                      {text, static_cast<std::size_t>(length)});
  }

  // Takes the scales out again.
  void give_coefficients(const Eigen::VectorXd& at, Fit& fit) const {
    fit.intercept = at[at.size() - 1];
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      fit.coefficients.push_back(at[static_cast<Eigen::Index>(i)] / scales_[i].deviation);
      fit.intercept -= fit.coefficients.back() * scales_[i].mean;
    }
  }

  Eigen::Map<Rows> rows_;
  const std::vector<double>& targets_;
  const Loss loss_;
  const NewtonOptions& options_;
  const Context& context_;
  std::vector<Scale> scales_;
  Eigen::VectorXd penalties_;  // of the scaled coefficients
};

}  // namespace

void check(const NewtonOptions& options) {
  // Written so that NaN fails.
  if (!(options.l2_penalty >= 0 && std::isfinite(options.l2_penalty))) {
    throw Error(ErrorKind::kInvalidArgument,
                "l2_penalty has to be a finite number from 0 on, not " +
                    std::to_string(options.l2_penalty));
  }
  if (options.max_iterations < 1) {
    throw Error(ErrorKind::kInvalidArgument, "max_iterations has to be at least 1, not " +
                                                 std::to_string(options.max_iterations));
  }
  if (!(options.threshold >= 0)) {
    throw Error(ErrorKind::kInvalidArgument,
                "threshold has to be at least 0, not " + std::to_string(options.threshold));
  }
}

Fit fit_newton(Features& features, const std::vector<double>& targets, Loss loss,
               const NewtonOptions& options, const Context& context) {
  return Newton(features, targets, loss, options, context).run();
}

}  // namespace cppipc::toolkits
