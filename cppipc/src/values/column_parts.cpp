// SPDX-License-Identifier: Apache-2.0
// The form of what dataframes and graphs cross as. Only what takes the same time for any number of
// rows is looked at here; what lies in the arrays is checked by those who read it.
#include "values/column_parts.h"

#include <cppipc/detail/place.h>

#include "values/cast.h"
#include "values/dtype.h"
#include "values/utf8.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

namespace cppipc {
namespace {

using Held = std::shared_ptr<const AnyArray>;

constexpr std::string_view kValueKinds = "biufcmM";

// The kind of the elements, as NumPy writes it; 0 for what no column has.
char element_kind(const DType& dtype) {
  if (const auto parts = detail::number_dtype(dtype)) return parts->is_native() ? parts->kind : 0;
  const std::string_view text = dtype.text;
  const bool is_time = text.size() >= 3 && (text[1] == 'M' || text[1] == 'm') && text[2] == '8' &&
                       dtype.itemsize == 8;
  const bool is_native = is_time && (text[0] == detail::kNativeOrder || text[0] == '=');
  return is_native ? text[1] : '\0';
}

std::size_t alignment_of(const DType& dtype, char kind) {
  return kind == 'c' ? dtype.itemsize / 2 : dtype.itemsize;
}

const std::string& checked_text(const Variant& part, const std::string& what) {
  const auto* text = part.get_if<std::string>();
  if (text == nullptr) refuse_table(what + " is not a str but a " + detail::python_type(part));
  if (!is_utf8(*text)) refuse_table(what + " is not valid UTF-8");
  return *text;
}

}  // namespace

void refuse_table(const std::string& problem) { throw Error(ErrorKind::kInvalidArgument, problem); }

const AnyArray& checked_array(Variant& part, std::string_view kinds, std::int64_t length,
                              const std::string& what) {
  auto* held = part.get_if<Held>();
  if (held == nullptr) {
    refuse_table(what + " is not an array but a " + detail::python_type(part));
  }
  const AnyArray& array = **held;
  const char kind = element_kind(array.dtype);
  if (kind == 0 || kinds.find(kind) == std::string_view::npos) {
    refuse_table(what + " is an array of " + array.dtype.name() + ", which cannot be there");
  }
  if (array.shape.size() != 1 || array.strides.size() != 1 || array.shape[0] < 0 ||
      !array.is_c_contiguous()) {
    refuse_table(what + " is not of one dimension without gaps");
  }
  if (length >= 0 && array.shape[0] != length) {
    refuse_table(what + " has " + std::to_string(array.shape[0]) + " elements instead of " +
                 std::to_string(length));
  }
  if (array.nbytes() > 0 && array.data == nullptr) refuse_table(what + " has no memory");
  if (!detail::is_aligned(array, alignment_of(array.dtype, kind))) {
    *held = std::make_shared<const AnyArray>(array.copy());
  }
  return **held;
}

const AnyArray* checked_optional_array(Variant& part, std::string_view kinds, std::int64_t length,
                                       const std::string& what) {
  return part.is_null() ? nullptr : &checked_array(part, kinds, length, what);
}

bool has_real_numbers(const AnyArray& array) {
  const char kind = element_kind(array.dtype);
  return kind != 0 && std::string_view("biuf").find(kind) != std::string_view::npos;
}

void write_doubles(const AnyArray& array, const AnyArray* validity, double* out, std::size_t step) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const std::int64_t count = array.size();
  const auto put = [&](auto value_at) {
    for (std::int64_t i = 0; i < count; ++i) {
      const bool is_valid = validity == nullptr || validity->data[i] != std::byte{0};
      out[static_cast<std::size_t>(i) * step] = is_valid ? value_at(i) : kNone;
    }
  };
  if (array.dtype.is<double>()) {
    const auto* values = reinterpret_cast<const double*>(array.data);
    return put([&](std::int64_t i) { return values[i]; });
  }
  if (array.dtype.is<long double>()) {  // no cast that is safe, but what is wanted
    const ArrayView<long double> values(array);
    return put([&](std::int64_t i) { return static_cast<double>(values[i]); });
  }
  std::vector<double> cast(static_cast<std::size_t>(count));
  detail::cast_elements(array, 'f', sizeof(double), cast.data());
  put([&](std::int64_t i) { return cast[static_cast<std::size_t>(i)]; });
}

Column ColumnParts::column_of(Variant& part, std::int64_t num_rows) {
  auto* tuple = part.get_if<Tuple>();
  if (tuple == nullptr || tuple->items.size() != 5) {
    refuse_table("a column is not a tuple of name, layout, and the three that belong to that");
  }
  std::vector<Variant>& items = tuple->items;
  Column column;
  column.name_ = checked_text(items[0], "a column's name");
  column.size_ = num_rows;
  column.part_ = &part;
  const std::string what = "column " + detail::quote(column.name_);
  const std::string& layout = checked_text(items[1], "the layout of " + what);
  if (layout == "values") {
    take_values(column, items, what);
  } else if (layout == "text") {
    take_text(column, items, what);
  } else if (layout == "category") {
    take_category(column, items, what);
  } else {
    refuse_table(what + " is of no known layout: " + detail::quote(layout));
  }
  return column;
}

void ColumnParts::take_values(Column& column, std::vector<Variant>& items,
                              const std::string& what) {
  column.layout_ = Layout::kValues;
  column.cells_ = &checked_array(items[2], kValueKinds, column.size_, what);
  column.validity_ = checked_optional_array(items[3], "b", column.size_, "the validity of " + what);
  if (items[4].is_null()) return;
  column.zone_ = &checked_text(items[4], "the zone of " + what);
  if (element_kind(column.cells_->dtype) == 'M') return;
  refuse_table(what + " has a zone, but is of " + column.cells_->dtype.name() + " and no times");
}

void ColumnParts::take_text(Column& column, std::vector<Variant>& items, const std::string& what) {
  column.layout_ = Layout::kText;
  if (column.size_ == std::numeric_limits<std::int64_t>::max()) refuse_table("too many rows");
  const AnyArray& offsets =
      checked_array(items[2], "i", column.size_ + 1, "the offsets of " + what);
  if (offsets.dtype.itemsize != sizeof(std::int64_t)) {
    refuse_table("the offsets of " + what + " are of " + offsets.dtype.name() + ", not int64");
  }
  const AnyArray& characters = checked_array(items[3], "u", -1, "the characters of " + what);
  if (characters.dtype.itemsize != 1) {
    refuse_table("the characters of " + what + " are of " + characters.dtype.name() +
                 ", not uint8");
  }
  column.cells_ = &offsets;
  column.characters_ = &characters;
  column.validity_ = checked_optional_array(items[4], "b", column.size_, "the validity of " + what);
}

void ColumnParts::take_category(Column& column, std::vector<Variant>& items,
                                const std::string& what) {
  column.layout_ = Layout::kCategory;
  column.cells_ = &checked_array(items[2], "i", column.size_, "the codes of " + what);
  const auto* ordered = items[4].get_if<bool>();
  if (ordered == nullptr) refuse_table("whether " + what + " is ordered is not a bool");
  column.is_ordered_ = *ordered;
  auto* categories = items[3].get_if<Tuple>();
  if (categories == nullptr || categories->items.size() < 3) {
    refuse_table("the categories of " + what + " are no column");
  }
  // As many as there are: the array that says so is the third of every layout.
  std::int64_t count = checked_array(categories->items[2], kValueKinds, -1,
                                     "the first array of the categories of " + what)
                           .shape[0];
  const auto* layout = categories->items[1].get_if<std::string>();
  const bool is_text = layout != nullptr && *layout == "text";
  if (layout == nullptr || *layout == "category") {
    refuse_table("the categories of " + what + " are of no layout that categories have");
  }
  if (is_text && count-- == 0) refuse_table("the categories of " + what + " have no offsets");
  column.categories_ = std::make_shared<const Column>(column_of(items[3], count));
  if (!column.categories_->name().empty()) {
    refuse_table("the categories of " + what + " have a name");
  }
  if (column.categories_->validity() != nullptr) {
    refuse_table("the categories of " + what + " have nulls");
  }
}

const Tuple& ColumnParts::tuple_of(const Column& column) { return column.part_->as<Tuple>(); }

}  // namespace cppipc
