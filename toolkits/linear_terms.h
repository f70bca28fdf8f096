// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a regression learned: a number for each feature, and one to add.

#include <cppipc/array.h>
#include <cppipc/context.h>
#include <cppipc/dataframe.h>
#include <cppipc/registry.h>
#include <cppipc/variant.h>

#include <string>
#include <vector>

namespace cppipc {
class SaveReader;
class SaveWriter;
}  // namespace cppipc

namespace cppipc::toolkits {

struct LinearTerms {
  // The coefficients by their features, in the order of these.
  Dict by_name() const;
  // For each row, the sum of the features times their coefficients, and the intercept.
  // Errors: those of read_features(), and of clean(), which refuses missing values; kCancelled.
  Array<double> at_rows(const DataFrame& data, const Context& context) const;

  void save(SaveWriter& out) const;
  // Errors: those of SaveReader; kInvalidArgument if names and coefficients differ in number.
  static LinearTerms load(SaveReader& in);

  std::vector<std::string> names;
  std::vector<double> coefficients;
  double intercept = 0;
};

// Adds the properties that every model has which learned such terms from a dataframe.
template <class M>
void add_learning(TypeBuilder<M>& type) {
  type.property("target", &M::target, "The name of the column that is predicted.")
      .property(
          "features", [](const M& self) { return self.terms.names; },
          "The names of the columns that it learned from.")
      .property("num_examples", &M::num_examples, "How many rows it learned from.")
      .property("num_dropped", &M::num_dropped, "How many rows lacked a value and were left out.")
      .property("training_time", &M::training_time, "Seconds that it took.");
}

}  // namespace cppipc::toolkits
