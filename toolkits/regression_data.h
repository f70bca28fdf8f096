// SPDX-License-Identifier: Apache-2.0
#pragma once
// What regressions read of a dataframe: numbers side by side, and what they are to predict.

#include <cppipc/dataframe.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cppipc::toolkits {

// Numbers of a dataframe, copied, so that nobody else changes them.
struct Features {
  std::size_t width() const { return names.size() + 1; }
  std::size_t num_rows() const { return values.size() / width(); }

  std::vector<std::string> names;
  // Row after row, width() numbers each: those of the columns, NaN for none, and a 1.
  std::vector<double> values;
};

// The names of the columns to learn from: those given, else all but the target.
// Errors: kUnknownKey for a name that is no column's; kInvalidArgument if there is no name, or one
// twice, or the target among them.
std::vector<std::string> feature_names(const DataFrame& data, const std::string& target,
                                       const std::optional<std::vector<std::string>>& given);

// The column that is to be predicted. Errors: kUnknownKey, naming what there is.
const Column& target_column(const DataFrame& data, const std::string& target);

// Errors: kUnknownKey; kWrongType naming a column that has neither numbers nor bools.
Features read_features(const DataFrame& data, const std::vector<std::string>& names);

// What becomes of rows that lack a value somewhere.
enum class Missing : std::uint8_t { kRefuse, kDrop };
// "error" or "drop". Errors: kInvalidArgument.
Missing missing_of(const std::string& text);

// Refuses values that are missing or infinite: NaN counts as missing, infinity never is. With
// kDrop takes rows with missing ones out of both instead. `targets` has one number for each row,
// or is null. Returns how many rows were dropped.
// Errors: kInvalidArgument naming the column and how many rows; if no row is left.
std::int64_t clean(Features& features, std::vector<double>* targets, const std::string& target,
                   Missing missing);

// Two classes, and of which one each row is.
struct Classes {
  Variant negative;
  Variant positive;
  std::vector<double> codes;  // 1 for the positive one, 0 for the other, NaN for no value
};
// Of bools: False and True; of numbers: 0 and 1; of text: both values, in their order.
// Errors: kInvalidArgument naming another value; kWrongType for columns of other types.
Classes read_classes(const Column& column);

}  // namespace cppipc::toolkits
