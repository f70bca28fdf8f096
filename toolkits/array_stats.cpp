// SPDX-License-Identifier: Apache-2.0
#include "toolkits/array_stats.h"

#include <cppipc/registry.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <variant>

namespace cppipc::toolkits {

VariantMap array_stats(const ArrayView<double>& x) {
  if (x.size() == 0) throw std::invalid_argument("array_stats: x has no elements");
  double count = 0;
  double sum = 0;
  double mean = 0;
  double squares = 0;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  bool has_nan = false;
  for (const double value : x) {
    ++count;
    sum += value;
    const double distance = value - mean;
    mean += distance / count;
    squares += distance * (value - mean);
    least = std::min(least, value);
    most = std::max(most, value);
    has_nan = has_nan || std::isnan(value);
  }
  if (has_nan) least = most = std::numeric_limits<double>::quiet_NaN();
  return {{"count", Variant(x.size())}, {"sum", Variant(sum)},
          {"mean", Variant(mean)},      {"std", Variant(std::sqrt(squares / count))},
          {"min", Variant(least)},      {"max", Variant(most)}};
}

void register_array_stats(Registry& registry) {
  // An array of doubles is read where it lies; another is converted first, if that is safe.
  using Numbers = std::variant<ArrayView<double>, Array<double>>;
  registry.function(
      "array_stats",
      [](const Numbers& x) {
        if (const auto* view = std::get_if<ArrayView<double>>(&x)) return array_stats(*view);
        return array_stats(ArrayView<double>(std::get<Array<double>>(x).any()));
      },
      arg("x"),
      "Statistics over all elements of an array of real numbers: a dict of count, sum, mean, std, "
      "min and max.");
}

}  // namespace cppipc::toolkits
