// SPDX-License-Identifier: Apache-2.0
// A frame holds what it crosses as, its parts; its columns point into them. So a frame that comes
// and goes is neither built nor taken apart.
#include <cppipc/dataframe.h>
#include <cppipc/detail/place.h>

#include "values/column_parts.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace cppipc {
namespace {

constexpr std::size_t kNamesShown = 20;

// "'a', 'b', 'c'".
std::string names_text(std::span<const Column> columns) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i == kNamesShown) return text + ", and " + std::to_string(columns.size() - i) + " more";
    if (i != 0) text += ", ";
    text += detail::quote(columns[i].name());
  }
  return columns.empty() ? "no column" : text;
}

// New arrays for some of the rows of a column.
class Taking {
 public:
  explicit Taking(std::span<const std::int64_t> rows) : rows_(rows) {}

  Tuple column(const Column& from) const {
    Tuple part = ColumnParts::tuple_of(from);
    std::vector<Variant>& items = part.items;
    if (from.layout() == Layout::kText) {
      take_text(from, items);
    } else {
      items[2] = elements(from.cells());
    }
    const std::size_t validity = from.layout() == Layout::kText ? 4 : 3;
    if (from.validity() != nullptr) items[validity] = elements(*from.validity());
    return part;
  }

 private:
  AnyArray elements(const AnyArray& from) const {
    AnyArray to = make_array(from.dtype, {static_cast<std::int64_t>(rows_.size())});
    const std::size_t size = from.dtype.itemsize;
    std::byte* out = to.data;
    for (const std::int64_t row : rows_) {
      std::memcpy(out, from.data + static_cast<std::size_t>(row) * size, size);
      out += size;
    }
    return to;
  }

  // In two walks; in between a client may have written other places.
  void take_text(const Column& from, std::vector<Variant>& items) const {
    std::vector<std::string_view> texts;
    texts.reserve(rows_.size());
    for (const std::int64_t row : rows_) texts.push_back(from.text(row));
    std::size_t size = 0;
    for (const std::string_view text : texts) size += text.size();
    Array<std::int64_t> offsets(static_cast<std::int64_t>(rows_.size()) + 1);
    Array<std::uint8_t> characters(static_cast<std::int64_t>(size));
    std::size_t end = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!texts[i].empty()) std::memcpy(characters.data() + end, texts[i].data(), texts[i].size());
      end += texts[i].size();
      offsets[static_cast<std::int64_t>(i) + 1] = static_cast<std::int64_t>(end);
    }
    items[2] = offsets.any();
    items[3] = characters.any();
  }

  std::span<const std::int64_t> rows_;
};

}  // namespace

struct DataFrame::Content {
  std::vector<Variant> parts;
  std::int64_t num_rows = 0;
  std::vector<Column> columns;
  std::map<std::string_view, const Column*> by_name;
};

DataFrame DataFrame::from_parts(std::vector<Variant> parts) {
  const auto content = std::make_shared<Content>();
  content->parts = std::move(parts);
  const auto* rows = content->parts.empty() ? nullptr : content->parts[0].get_if<std::int64_t>();
  if (rows == nullptr || *rows < 0) refuse_table("a dataframe's number of rows is none");
  content->num_rows = *rows;
  content->columns.reserve(content->parts.size() - 1);
  for (std::size_t i = 1; i < content->parts.size(); ++i) {
    content->columns.push_back(ColumnParts::column_of(content->parts[i], content->num_rows));
  }
  for (const Column& column : content->columns) {
    if (!content->by_name.emplace(column.name(), &column).second) {
      refuse_table("a dataframe has two columns " + detail::quote(column.name()));
    }
  }
  DataFrame frame;
  frame.content_ = content;
  return frame;
}

std::span<const Variant> DataFrame::parts() const {
  // Never destroyed: frames may be used until the process has ended.
  static const auto* const kEmpty = std::make_unique<std::vector<Variant>>(1, Variant(0)).release();
  return content_ ? content_->parts : *kEmpty;
}

std::int64_t DataFrame::num_rows() const { return content_ ? content_->num_rows : 0; }

std::span<const Column> DataFrame::columns() const {
  return content_ ? std::span<const Column>(content_->columns) : std::span<const Column>();
}

std::vector<std::string> DataFrame::names() const {
  std::vector<std::string> names;
  for (const Column& column : columns()) names.emplace_back(column.name());
  return names;
}

const Column* DataFrame::find(std::string_view name) const {
  if (!content_) return nullptr;
  const auto found = content_->by_name.find(name);
  return found == content_->by_name.end() ? nullptr : found->second;
}

const Column& DataFrame::column(std::string_view name) const {
  if (const Column* found = find(name)) return *found;
  throw Error(ErrorKind::kUnknownKey, "the dataframe has no column " + detail::quote(name) +
                                          "; it has " + names_text(columns()));
}

DataFrame DataFrame::select(std::span<const std::string> names) const {
  std::vector<Variant> selected{Variant(num_rows())};
  for (const std::string& name : names) selected.emplace_back(ColumnParts::tuple_of(column(name)));
  return from_parts(std::move(selected));
}

DataFrame DataFrame::take(std::span<const std::int64_t> rows) const {
  for (const std::int64_t row : rows) {
    if (row >= 0 && row < num_rows()) continue;
    throw Error(ErrorKind::kOutOfRange, "the dataframe has " + std::to_string(num_rows()) +
                                            " rows; there is no row " + std::to_string(row));
  }
  const Taking taking(rows);
  std::vector<Variant> taken{Variant(static_cast<std::int64_t>(rows.size()))};
  for (const Column& from : columns()) taken.emplace_back(taking.column(from));
  return from_parts(std::move(taken));
}

DataFrame DataFrame::filter(std::span<const bool> keep) const {
  if (keep.size() != static_cast<std::uint64_t>(num_rows())) {
    throw Error(ErrorKind::kInvalidArgument, "filter() needs a bool for each of " +
                                                 std::to_string(num_rows()) + " rows, got " +
                                                 std::to_string(keep.size()));
  }
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < keep.size(); ++row) {
    if (keep[row]) rows.push_back(static_cast<std::int64_t>(row));
  }
  return take(rows);
}

DataFrame DataFrame::head(std::int64_t count) const {
  const std::int64_t most = std::clamp<std::int64_t>(count, 0, num_rows());
  std::vector<std::int64_t> rows(static_cast<std::size_t>(most));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return take(rows);
}

Array<double> DataFrame::to_matrix(std::span<const std::string> names) const {
  Array<double> matrix(
      std::vector<std::int64_t>{num_rows(), static_cast<std::int64_t>(names.size())});
  for (std::size_t i = 0; i < names.size(); ++i) {
    column(names[i]).write_doubles(matrix.data() + i, names.size());
  }
  return matrix;
}

bool DataFrame::operator==(const DataFrame& other) const {
  if (content_ == other.content_) return true;
  return num_rows() == other.num_rows() && std::ranges::equal(columns(), other.columns());
}

}  // namespace cppipc
