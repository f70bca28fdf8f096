// SPDX-License-Identifier: Apache-2.0
#include <cppipc/dataframe.h>
#include <cppipc/detail/place.h>

#include "values/column_parts.h"
#include "values/utf8.h"

#include <cstring>
#include <memory>

namespace cppipc {
namespace {

Variant optional_array(std::optional<Array<bool>> validity) {
  return validity ? Variant(validity->any()) : Variant();
}

// The layout of texts; `text_at(i)` is null for a row without a value.
template <class TextAt>
Variant text_part(std::string name, std::size_t count, TextAt text_at) {
  std::size_t size = 0;
  bool has_nulls = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string* text = text_at(i);
    has_nulls = has_nulls || text == nullptr;
    if (text == nullptr) continue;
    if (!is_utf8(*text)) {
      refuse_table("column " + detail::quote(name) + ": the text of row " + std::to_string(i) +
                   " is not valid UTF-8");
    }
    size += text->size();
  }
  const auto rows = static_cast<std::int64_t>(count);
  Array<std::int64_t> offsets(rows + 1);
  Array<std::uint8_t> characters(static_cast<std::int64_t>(size));
  std::optional<Array<bool>> validity;
  if (has_nulls) validity.emplace(rows);
  std::size_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string* text = text_at(i);
    const auto row = static_cast<std::int64_t>(i);
    if (validity) (*validity)[row] = text != nullptr;
    if (text != nullptr && !text->empty()) {
      std::memcpy(characters.data() + end, text->data(), text->size());
      end += text->size();
    }
    offsets[row + 1] = static_cast<std::int64_t>(end);
  }
  return Tuple{{std::move(name), "text", offsets.any(), characters.any(),
                optional_array(std::move(validity))}};
}

}  // namespace

DataFrame::Builder::Builder() : parts_(std::make_unique<std::vector<Variant>>()) {}
DataFrame::Builder::~Builder() = default;
DataFrame::Builder::Builder(Builder&&) noexcept = default;

std::vector<Variant>& DataFrame::Builder::parts() { return *parts_; }

DataFrame::Builder& DataFrame::Builder::add(std::string name, AnyArray values,
                                            std::optional<Array<bool>> validity,
                                            std::optional<std::string> zone) {
  parts().emplace_back(
      Tuple{{std::move(name), "values", std::move(values), optional_array(std::move(validity)),
             zone ? Variant(std::move(*zone)) : Variant()}});
  return *this;
}

DataFrame::Builder& DataFrame::Builder::add(std::string name, std::span<const std::string> texts) {
  parts().push_back(
      text_part(std::move(name), texts.size(), [&](std::size_t i) { return &texts[i]; }));
  return *this;
}

DataFrame::Builder& DataFrame::Builder::add(std::string name,
                                            std::span<const std::optional<std::string>> texts) {
  parts().push_back(text_part(std::move(name), texts.size(),
                              [&](std::size_t i) { return texts[i] ? &*texts[i] : nullptr; }));
  return *this;
}

DataFrame::Builder& DataFrame::Builder::add_category(std::string name, AnyArray codes,
                                                     std::span<const std::string> categories,
                                                     bool is_ordered) {
  Variant column = text_part("", categories.size(), [&](std::size_t i) { return &categories[i]; });
  parts().emplace_back(
      Tuple{{std::move(name), "category", std::move(codes), std::move(column), is_ordered}});
  return *this;
}

DataFrame::Builder& DataFrame::Builder::add(std::string name, const Column& column) {
  Tuple part = ColumnParts::tuple_of(column);
  part.items[0] = std::move(name);
  parts().emplace_back(std::move(part));
  return *this;
}

DataFrame DataFrame::Builder::build(std::int64_t num_rows) {
  std::vector<Variant> whole;
  whole.reserve(parts().size() + 1);
  if (!parts().empty()) {
    const auto& items = parts().front().as<Tuple>().items;
    const AnyArray& cells = items[2].as_array();
    const bool is_text = items[1] == Variant("text");
    num_rows = cells.shape.empty() ? 0 : cells.shape[0] - (is_text ? 1 : 0);
  }
  whole.emplace_back(num_rows);
  for (Variant& part : parts()) whole.push_back(std::move(part));
  parts().clear();
  return from_parts(std::move(whole));
}

}  // namespace cppipc
