// SPDX-License-Identifier: Apache-2.0
#include "toolkits/linear_terms.h"

#include <cppipc/save.h>

#include <numeric>

#include "toolkits/regression_data.h"

namespace cppipc::toolkits {

namespace {
constexpr std::size_t kRowsBetweenLooks = 1 << 16;
}

Dict LinearTerms::by_name() const {
  Dict dict;
  for (std::size_t i = 0; i < names.size(); ++i) {
    dict.entries.emplace_back(names[i], coefficients[i]);
  }
  return dict;
}

Array<double> LinearTerms::at_rows(const DataFrame& data, const Context& context) const {
  context.throw_if_cancelled();
  Features features = read_features(data, names);
  clean(features, nullptr, {}, Missing::kRefuse);
  Array<double> result(static_cast<std::int64_t>(features.num_rows()));
  for (std::size_t row = 0; row < features.num_rows(); ++row) {
    if (row % kRowsBetweenLooks == 0) context.throw_if_cancelled();
    const double* values = features.values.data() + row * features.width();
    result[static_cast<std::int64_t>(row)] =
        std::inner_product(coefficients.begin(), coefficients.end(), values, intercept);
  }
  return result;
}

void LinearTerms::save(SaveWriter& out) const {
  out.write(names);
  out.write(coefficients);
  out.write(intercept);
}

LinearTerms LinearTerms::load(SaveReader& in) {
  LinearTerms terms;
  terms.names = in.read<std::vector<std::string>>();
  terms.coefficients = in.read<std::vector<double>>();
  terms.intercept = in.read<double>();
  if (terms.names.size() != terms.coefficients.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                "the saved model has " + std::to_string(terms.coefficients.size()) +
                    " coefficients for " + std::to_string(terms.names.size()) + " features");
  }
  return terms;
}

}  // namespace cppipc::toolkits
