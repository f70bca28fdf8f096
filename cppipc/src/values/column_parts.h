// SPDX-License-Identifier: Apache-2.0
#pragma once
// What dataframes and graphs cross as, checked: arrays of a known form, and columns made of tuples.

#include <cppipc/dataframe.h>
#include <cppipc/variant.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {

// Errors: always; kInvalidArgument.
[[noreturn]] void refuse_table(const std::string& problem);

// The array that is to be one-dimensional, without gaps, in native order and `length` long (-1: of
// any length), with elements of one of the `kinds` (as in NumPy's type strings). One that is not
// aligned for them is replaced by a copy. `what` names it in messages.
// Errors: kInvalidArgument; kOutOfMemory.
const AnyArray& checked_array(Variant& part, std::string_view kinds, std::int64_t length,
                              const std::string& what);
// The same; null for None.
const AnyArray* checked_optional_array(Variant& part, std::string_view kinds, std::int64_t length,
                                       const std::string& what);

// The elements as double; NaN for those of which `validity` (may be null) is false. Only of real
// numbers and bools.
void write_doubles(const AnyArray& array, const AnyArray* validity, double* out, std::size_t step);
bool has_real_numbers(const AnyArray& array);

// An element, read once. The array must be aligned, as checked_array() makes it.
template <class T>
T element_of(const AnyArray& array, std::int64_t i) {
  return __atomic_load_n(reinterpret_cast<const T*>(array.data) + i, __ATOMIC_RELAXED);
}

// Makes columns of tuples, which they point to and so must not outlive.
class ColumnParts {
 public:
  // Errors: kInvalidArgument; kOutOfMemory.
  static Column column_of(Variant& part, std::int64_t num_rows);
  // The tuple of a column.
  static const Tuple& tuple_of(const Column& column);

 private:
  static void take_values(Column& column, std::vector<Variant>& items, const std::string& what);
  static void take_text(Column& column, std::vector<Variant>& items, const std::string& what);
  static void take_category(Column& column, std::vector<Variant>& items, const std::string& what);
};

}  // namespace cppipc
