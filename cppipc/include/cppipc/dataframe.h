// SPDX-License-Identifier: Apache-2.0
#pragma once
// DataFrame: named columns of one length, as a value.
//
// Columns lie in arrays, which cross as arrays do. A client may go on writing to what it lent. So
// a frame's form is checked when it arrives, and the places of texts and categories whenever they
// are read: what is written there may change what is read, but never leads out of the arrays.

#include <cppipc/array.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cppipc {

class Variant;

// How a column keeps its cells.
enum class Layout : std::uint8_t {
  kValues,    // an array of numbers, bools, times or durations
  kText,      // the characters of all rows, one after the other, and where each row begins
  kCategory,  // codes: places in a column of distinct values
};

// One column of a DataFrame, as long as that or a copy of it lives. Rows count from 0.
// Threads: as safe as the memory of its arrays.
// Errors, all that takes a row: kOutOfRange. Those of a layout: kWrongType naming column and both.
class Column {
 public:
  std::string_view name() const { return name_; }
  Layout layout() const { return layout_; }
  std::int64_t size() const { return size_; }
  // The values, the codes, or size() + 1 places in characters().
  const AnyArray& cells() const { return *cells_; }
  const DType& dtype() const { return cells_->dtype; }
  // What messages call it: "float64", "text", "category of text".
  std::string type_name() const;

  // Whether it has a value. A NaN is one, a NaT is none.
  bool is_valid(std::int64_t row) const;
  // Counts each time.
  std::int64_t null_count() const;
  // One bool for each row, true for a value; null if all have one but NaT, and for kCategory.
  const AnyArray* validity() const { return validity_; }

  // Of kValues, of exactly that type. What lies in a row without a value means nothing.
  template <class T>
  ArrayView<T> values() const {
    return ArrayView<T>(values_of(DType::of<T>()));
  }
  // Of kValues; of times only: where the clock is read, an IANA name or an offset, with values in
  // UTC. Null: the times are of no known place.
  const std::string* zone() const { return zone_; }

  // Of kText, and of a category of text. Empty for a row without a value.
  // Errors: kInvalidArgument if it is not UTF-8, or its place is not within the characters.
  std::string_view text(std::int64_t row) const;
  // Of kText: UTF-8, one byte each.
  const AnyArray& characters() const;

  // Of kCategory: the place among the categories; -1 for a row without a value.
  // Errors: kInvalidArgument if there is none at that place.
  std::int64_t code(std::int64_t row) const;
  // Of kCategory: without a name and without nulls.
  const Column& categories() const;
  // Whether the categories are meant in their order.
  bool is_ordered() const { return is_ordered_; }

  // Real numbers and bools as double, one for each row; NaN where there is none.
  std::vector<double> to_doubles() const;
  // The same, written to out[0], out[step], …
  void write_doubles(double* out, std::size_t step) const;

  // Equal names, layouts and dtypes; equal values where there are some, bitwise. The dtype of
  // codes does not matter.
  bool operator==(const Column& other) const;

 private:
  friend class ColumnParts;
  const AnyArray& values_of(const DType& dtype) const;
  void check_row(std::int64_t row) const;
  void require(Layout layout) const;

  std::string_view name_;
  Layout layout_ = Layout::kValues;
  std::int64_t size_ = 0;
  const AnyArray* cells_ = nullptr;
  const AnyArray* characters_ = nullptr;
  const AnyArray* validity_ = nullptr;
  const std::string* zone_ = nullptr;
  const Variant* part_ = nullptr;
  std::shared_ptr<const Column> categories_;
  bool is_ordered_ = false;
};

// Owns: a share of the columns, which never change; so copies are cheap.
// Threads: like a std::vector, and as safe as the memory of its arrays.
class DataFrame {
 public:
  class Builder;

  DataFrame() = default;  // no rows, no columns

  std::int64_t num_rows() const;
  std::size_t num_columns() const { return columns().size(); }
  std::span<const Column> columns() const;
  std::vector<std::string> names() const;
  // Null if there is none of that name.
  const Column* find(std::string_view name) const;
  // Errors: kUnknownKey, naming what there is.
  const Column& column(std::string_view name) const;

  // Some of the columns, in that order; they share the memory. Errors: kUnknownKey.
  DataFrame select(std::span<const std::string> names) const;
  // Some of the rows, in that order, in memory of their own. Errors: kOutOfRange.
  DataFrame take(std::span<const std::int64_t> rows) const;
  // The rows for which `keep`, one for each row, is true. Errors: kInvalidArgument.
  DataFrame filter(std::span<const bool> keep) const;
  // As many rows as there are, but at most `count`.
  DataFrame head(std::int64_t count) const;
  // The columns of real numbers and bools side by side, one row for each row, as
  // Column::to_doubles() gives them. Errors: kUnknownKey, kWrongType.
  Array<double> to_matrix(std::span<const std::string> names) const;

  // Equal columns in the same order.
  bool operator==(const DataFrame& other) const;

  // As it crosses: the number of rows, and a tuple for each column (broker.capnp).
  std::span<const Variant> parts() const;
  // Errors: kInvalidArgument saying what is wrong with the form.
  static DataFrame from_parts(std::vector<Variant> parts);
  // Whether this is the only share.
  bool is_sole() const { return content_.use_count() == 1; }

 private:
  struct Content;
  std::shared_ptr<const Content> content_;  // null: empty
};

// Makes a DataFrame, a column at a time. Arrays of Array<T> are shared, not copied: what is made
// in a method is born where it can cross without a copy.
// Errors, all: kInvalidArgument for names that were there, lengths that differ, text that is not
// UTF-8, and dtypes that a column cannot have.
class DataFrame::Builder {
 public:
  Builder();
  ~Builder();
  Builder(Builder&&) noexcept;

  // One-dimensional. `validity`: whether each row has a value; without it all have one. `zone`: of
  // times, see Column::zone().
  Builder& add(std::string name, AnyArray values, std::optional<Array<bool>> validity = {},
               std::optional<std::string> zone = {});
  template <class T>
  Builder& add(std::string name, const Array<T>& values, std::optional<Array<bool>> validity = {}) {
    return add(std::move(name), values.any(), std::move(validity));
  }
  // Numbers, and std::nullopt for rows without a value.
  template <class T>
  requires std::is_arithmetic_v<T> Builder& add(std::string name,
                                                const std::vector<std::optional<T>>& values);
  Builder& add(std::string name, std::span<const std::string> texts);
  Builder& add(std::string name, std::span<const std::optional<std::string>> texts);
  // The codes are ints with sign, -1 for rows without a value; the categories distinct.
  Builder& add_category(std::string name, AnyArray codes, std::span<const std::string> categories,
                        bool is_ordered = false);
  // A column of another frame, under that name. It shares the memory.
  Builder& add(std::string name, const Column& column);

  // Leaves the builder empty. `num_rows`, for a frame without columns, which has as many.
  DataFrame build(std::int64_t num_rows = 0);

 private:
  std::vector<Variant>& parts();
  std::unique_ptr<std::vector<Variant>> parts_;
};

template <class T>
requires std::is_arithmetic_v<T> DataFrame::Builder& DataFrame::Builder::add(
    std::string name, const std::vector<std::optional<T>>& values) {
  Array<T> cells(static_cast<std::int64_t>(values.size()));
  Array<bool> validity(cells.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    cells[row] = values[i].value_or(T{});
    validity[row] = values[i].has_value();
  }
  return add(std::move(name), cells.any(), std::move(validity));
}

}  // namespace cppipc
