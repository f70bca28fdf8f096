// SPDX-License-Identifier: Apache-2.0
#include <cppipc/dataframe.h>
#include <cppipc/detail/place.h>

#include "values/column_parts.h"
#include "values/dtype.h"
#include "values/utf8.h"

#include <cstring>
#include <limits>

namespace cppipc {
namespace {

std::string shown(const Column& column) { return "column " + detail::quote(column.name()); }

// A code of any of the sizes that codes have.
std::int64_t code_at(const AnyArray& codes, std::int64_t row) {
  switch (codes.dtype.itemsize) {
    case 1:
      return element_of<std::int8_t>(codes, row);
    case 2:
      return element_of<std::int16_t>(codes, row);
    case 4:
      return element_of<std::int32_t>(codes, row);
    default:
      return element_of<std::int64_t>(codes, row);
  }
}

// What NumPy has for a time or duration that is none.
constexpr std::int64_t kNat = std::numeric_limits<std::int64_t>::min();

bool has_times(const DType& dtype) { return dtype.text[1] == 'M' || dtype.text[1] == 'm'; }

bool same_cells(const Column& a, const Column& b, std::int64_t row) {
  if (a.layout() == Layout::kText) return a.text(row) == b.text(row);
  if (a.layout() == Layout::kCategory) return a.code(row) == b.code(row);
  const std::size_t size = a.dtype().itemsize;
  const std::size_t at = static_cast<std::size_t>(row) * size;
  return std::memcmp(a.cells().data + at, b.cells().data + at, size) == 0;
}

}  // namespace

std::string Column::type_name() const {
  if (layout_ == Layout::kText) return "text";
  if (layout_ == Layout::kCategory) return "category of " + categories_->type_name();
  return cells_->dtype.name();
}

void Column::check_row(std::int64_t row) const {
  if (row >= 0 && row < size_) return;
  throw Error(ErrorKind::kOutOfRange, shown(*this) + " has " + std::to_string(size_) +
                                          " rows; there is no row " + std::to_string(row));
}

void Column::require(Layout layout) const {
  if (layout_ == layout) return;
  const char* wanted = layout == Layout::kText       ? "text"
                       : layout == Layout::kCategory ? "a category"
                                                     : "values";
  throw Error(ErrorKind::kWrongType,
              shown(*this) + ": expected " + wanted + ", got " + type_name());
}

const AnyArray& Column::values_of(const DType& dtype) const {
  const auto wanted = detail::number_dtype(dtype).value();
  if (layout_ != Layout::kValues ||
      !detail::is_native_dtype(cells_->dtype, wanted.kind, wanted.number)) {
    throw Error(ErrorKind::kWrongType,
                shown(*this) + ": expected " + dtype.name() + ", got " + type_name());
  }
  return *cells_;
}

bool Column::is_valid(std::int64_t row) const {
  check_row(row);
  if (layout_ == Layout::kCategory) return code_at(*cells_, row) != -1;
  if (validity_ != nullptr && validity_->data[row] == std::byte{0}) return false;
  if (layout_ != Layout::kValues || !has_times(cells_->dtype)) return true;
  return element_of<std::int64_t>(*cells_, row) != kNat;
}

std::int64_t Column::null_count() const {
  const bool is_full = layout_ == Layout::kText || !has_times(cells_->dtype);
  if (layout_ != Layout::kCategory && validity_ == nullptr && is_full) return 0;
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < size_; ++row) count += is_valid(row) ? 0 : 1;
  return count;
}

const AnyArray& Column::characters() const {
  require(Layout::kText);
  return *characters_;
}

std::string_view Column::text(std::int64_t row) const {
  if (layout_ == Layout::kCategory && categories_->layout() == Layout::kText) {
    const std::int64_t place = code(row);
    return place < 0 ? std::string_view() : categories_->text(place);
  }
  require(Layout::kText);
  if (!is_valid(row)) return {};
  const auto begin = element_of<std::int64_t>(*cells_, row);
  const auto end = element_of<std::int64_t>(*cells_, row + 1);
  if (begin < 0 || end < begin || end > characters_->shape[0]) {
    throw Error(ErrorKind::kInvalidArgument,
                shown(*this) + ": the text of row " + std::to_string(row) +
                    " is said to lie from " + std::to_string(begin) + " to " + std::to_string(end) +
                    " of " + std::to_string(characters_->shape[0]) + " characters");
  }
  const std::string_view text(reinterpret_cast<const char*>(characters_->data) + begin,
                              static_cast<std::size_t>(end - begin));
  if (is_utf8(text)) return text;
  throw Error(ErrorKind::kInvalidArgument,
              shown(*this) + ": the text of row " + std::to_string(row) + " is not valid UTF-8");
}

std::int64_t Column::code(std::int64_t row) const {
  require(Layout::kCategory);
  check_row(row);
  const std::int64_t code = code_at(*cells_, row);
  if (code >= -1 && code < categories_->size()) return code;
  throw Error(ErrorKind::kInvalidArgument, shown(*this) + ": the code of row " +
                                               std::to_string(row) + " is " + std::to_string(code) +
                                               ", but there are " +
                                               std::to_string(categories_->size()) + " categories");
}

const Column& Column::categories() const {
  require(Layout::kCategory);
  return *categories_;
}

void Column::write_doubles(double* out, std::size_t step) const {
  if (layout_ != Layout::kValues || !has_real_numbers(*cells_)) {
    throw Error(ErrorKind::kWrongType,
                shown(*this) + ": expected real numbers or bools, got " + type_name());
  }
  cppipc::write_doubles(*cells_, validity_, out, step);
}

std::vector<double> Column::to_doubles() const {
  std::vector<double> doubles(static_cast<std::size_t>(size_));
  write_doubles(doubles.data(), 1);
  return doubles;
}

bool Column::operator==(const Column& other) const {
  if (part_ == other.part_) return true;
  if (name_ != other.name_ || layout_ != other.layout_ || size_ != other.size_) return false;
  if (is_ordered_ != other.is_ordered_) return false;
  if (layout_ == Layout::kValues) {
    if (dtype().text != other.dtype().text) return false;  // C's names for a type do not matter
    if ((zone_ == nullptr) != (other.zone_ == nullptr)) return false;
    if (zone_ != nullptr && *zone_ != *other.zone_) return false;
    if (validity_ == nullptr && other.validity_ == nullptr) {
      const auto size_bytes = static_cast<std::size_t>(cells_->nbytes());
      return size_bytes == 0 || std::memcmp(cells_->data, other.cells_->data, size_bytes) == 0;
    }
  }
  if (layout_ == Layout::kCategory && !(*categories_ == *other.categories_)) return false;
  for (std::int64_t row = 0; row < size_; ++row) {
    const bool has_value = is_valid(row);
    if (has_value != other.is_valid(row)) return false;
    if (has_value && !same_cells(*this, other, row)) return false;
  }
  return true;
}

}  // namespace cppipc
