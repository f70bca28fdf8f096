// SPDX-License-Identifier: Apache-2.0
// A client may write into the columns that it lent. So each cell is read once, and what is checked
// is the copy.
#include "toolkits/regression_data.h"

#include <cppipc/error.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace cppipc::toolkits {
namespace {

constexpr std::size_t kNamesShown = 20;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string quoted_name(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string rows_text(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " row" : " rows");
}

// Errors: kUnknownKey naming the parameter and what columns there are.
const Column& find_column(const DataFrame& data, const std::string& name, const char* parameter) {
  if (const Column* column = data.find(name)) return *column;
  const std::vector<std::string> names = data.names();
  std::string known;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
    known += (i > 0 ? ", " : "") + quoted_name(names[i]);
  }
  if (names.size() > kNamesShown) known += ", and more";
  throw Error(ErrorKind::kUnknownKey, std::string(parameter) + ": the data has no column " +
                                          quoted_name(name) + "; it has " +
                                          (known.empty() ? "none" : known));
}

// How many rows have such a value in that place.
template <class Is>
std::int64_t count_of(const Features& features, std::size_t place, Is is) {
  std::int64_t count = 0;
  for (std::size_t i = place; i < features.values.size(); i += features.width()) {
    if (is(features.values[i])) ++count;
  }
  return count;
}

[[noreturn]] void refuse_missing(const std::string& name, std::int64_t count, bool may_drop) {
  throw Error(ErrorKind::kInvalidArgument,
              "column " + quoted_name(name) + " has no value (null or NaN) in " + rows_text(count) +
                  "; fill them" +
                  (may_drop ? ", or leave such rows out with missing='drop'" : " first"));
}

void refuse_infinite(const std::string& name, std::int64_t count) {
  if (count == 0) return;
  throw Error(ErrorKind::kInvalidArgument, "column " + quoted_name(name) + " is infinite in " +
                                               rows_text(count) + "; give it finite numbers");
}

bool is_nan(double value) { return std::isnan(value); }
bool is_infinite(double value) { return std::isinf(value); }

std::int64_t drop_missing(Features& features, std::vector<double>* targets) {
  const std::size_t width = features.width();
  const std::size_t num_rows = features.num_rows();
  std::size_t kept = 0;
  for (std::size_t row = 0; row < num_rows; ++row) {
    const auto begin = features.values.begin() + static_cast<std::ptrdiff_t>(row * width);
    const auto end = begin + static_cast<std::ptrdiff_t>(width);
    if (std::any_of(begin, end, is_nan)) continue;
    if (targets != nullptr && is_nan((*targets)[row])) continue;
    std::copy(begin, end, features.values.begin() + static_cast<std::ptrdiff_t>(kept * width));
    if (targets != nullptr) (*targets)[kept] = (*targets)[row];
    ++kept;
  }
  features.values.resize(kept * width);
  if (targets != nullptr) targets->resize(kept);
  return static_cast<std::int64_t>(num_rows - kept);
}

Classes read_text_classes(const Column& column) {
  std::vector<std::string> values(static_cast<std::size_t>(column.size()));
  std::set<std::string> distinct;
  Classes classes;
  classes.codes.assign(values.size(), 0);
  for (std::int64_t row = 0; row < column.size(); ++row) {
    const auto i = static_cast<std::size_t>(row);
    if (!column.is_valid(row)) {
      classes.codes[i] = kNone;
      continue;
    }
    values[i] = column.text(row);
    distinct.insert(values[i]);
    if (distinct.size() <= 2) continue;
    std::string known;
    for (const std::string& value : distinct)
      known += (known.empty() ? "" : ", ") + quoted_name(value);
    throw Error(ErrorKind::kInvalidArgument, "target " + quoted_name(column.name()) +
                                                 " has more than two values: " + known +
                                                 ", maybe more; it has to have two");
  }
  if (distinct.size() < 2) return classes;
  classes.negative = *distinct.begin();
  classes.positive = *distinct.rbegin();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == *distinct.rbegin() && !is_nan(classes.codes[i])) classes.codes[i] = 1;
  }
  return classes;
}

Classes read_number_classes(const Column& column) {
  Classes classes{0, 1, column.to_doubles()};
  if (column.dtype().is<bool>()) {
    classes.negative = false;
    classes.positive = true;
  }
  for (std::size_t i = 0; i < classes.codes.size(); ++i) {
    const double code = classes.codes[i];
    if (code == 0 || code == 1 || is_nan(code)) continue;
    throw Error(ErrorKind::kInvalidArgument,
                "target " + quoted_name(column.name()) + " has the number " + std::to_string(code) +
                    " in row " + std::to_string(i) +
                    "; numbers have to be 0 or 1, and text may have any two values");
  }
  return classes;
}

}  // namespace

std::vector<std::string> feature_names(const DataFrame& data, const std::string& target,
                                       const std::optional<std::vector<std::string>>& given) {
  std::vector<std::string> names = given ? *given : data.names();
  if (!given) std::erase(names, target);
  if (names.empty()) {
    throw Error(
        ErrorKind::kInvalidArgument,
        "features: there is no column to learn from beside the target " + quoted_name(target));
  }
  std::set<std::string> seen;
  for (const std::string& name : names) {
    find_column(data, name, "features");
    if (name == target) {
      throw Error(ErrorKind::kInvalidArgument,
                  "features: " + quoted_name(name) + " is the target; leave it out");
    }
    if (!seen.insert(name).second) {
      throw Error(ErrorKind::kInvalidArgument,
                  "features: " + quoted_name(name) + " is there twice");
    }
  }
  return names;
}

const Column& target_column(const DataFrame& data, const std::string& target) {
  return find_column(data, target, "target");
}

Features read_features(const DataFrame& data, const std::vector<std::string>& names) {
  Features features;
  features.names = names;
  const std::size_t width = features.width();
  // The ones stay where no column is written.
  features.values.assign(static_cast<std::size_t>(data.num_rows()) * width, 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Column& column = find_column(data, names[i], "features");
    if (column.layout() != Layout::kValues) {
      throw Error(ErrorKind::kWrongType,
                  "features: column " + quoted_name(names[i]) + " is " + column.type_name() +
                      "; features are numbers or bools. Name those in features=[...]");
    }
    column.write_doubles(features.values.data() + i, width);
  }
  return features;
}

Missing missing_of(const std::string& text) {
  if (text == "error") return Missing::kRefuse;
  if (text == "drop") return Missing::kDrop;
  throw Error(ErrorKind::kInvalidArgument,
              "missing has to be 'error' or 'drop', not " + quoted_name(text));
}

std::int64_t clean(Features& features, std::vector<double>* targets, const std::string& target,
                   Missing missing) {
  const bool is_training = targets != nullptr;
  for (std::size_t i = 0; i < features.names.size(); ++i) {
    refuse_infinite(features.names[i], count_of(features, i, is_infinite));
    const std::int64_t count = count_of(features, i, is_nan);
    if (count > 0 && missing == Missing::kRefuse) {
      refuse_missing(features.names[i], count, is_training);
    }
  }
  if (is_training) {
    refuse_infinite(target, std::ranges::count_if(*targets, is_infinite));
    const std::int64_t count = std::ranges::count_if(*targets, is_nan);
    if (count > 0 && missing == Missing::kRefuse) refuse_missing(target, count, true);
  }
  const std::int64_t dropped =
      missing == Missing::kDrop ? drop_missing(features, targets) : std::int64_t{0};
  if (is_training && features.num_rows() == 0) {
    throw Error(ErrorKind::kInvalidArgument,
                dropped == 0 ? "data: it has no rows to learn from"
                             : "data: each of its " + rows_text(dropped) +
                                   " lacks a value, so that none is left to learn from");
  }
  return dropped;
}

Classes read_classes(const Column& column) {
  if (column.layout() == Layout::kValues) return read_number_classes(column);
  if (column.layout() == Layout::kCategory && column.categories().layout() != Layout::kText) {
    throw Error(ErrorKind::kWrongType, "target " + quoted_name(column.name()) + " is " +
                                           column.type_name() +
                                           "; it has to be bools, numbers 0 and 1, or text");
  }
  return read_text_classes(column);
}

}  // namespace cppipc::toolkits
