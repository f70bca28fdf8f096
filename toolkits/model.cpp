// SPDX-License-Identifier: Apache-2.0
#include "toolkits/model.h"

#include <cppipc/registry.h>

#include <algorithm>
#include <cstdio>

namespace cppipc::toolkits {
namespace {

constexpr std::size_t kItemsShown = 6;
constexpr std::size_t kCharactersShown = 200;

std::string text_of(const Variant& value);

// "3 x 4" or "5".
std::string shape_text(const AnyArray& array) {
  std::string text;
  for (const std::int64_t length : array.shape) {
    text += (text.empty() ? "" : " x ") + std::to_string(length);
  }
  return text;
}

// The first items with commas between, and how many there are if that is more.
template <class Items, class Text>
std::string joined(const Items& items, Text text_of_item) {
  std::string text;
  const std::size_t shown = std::min(items.size(), kItemsShown);
  for (std::size_t i = 0; i < shown; ++i) text += (i > 0 ? ", " : "") + text_of_item(items[i]);
  if (shown < items.size()) text += ", ... (" + std::to_string(items.size()) + " in all)";
  return text;
}

std::string entry_text(const std::pair<Variant, Variant>& entry) {
  return text_of(entry.first) + ": " + text_of(entry.second);
}

std::string number_text(double number) {
  char text[32];
  const int length = std::snprintf(text, sizeof(text), "%.6g", number);
  return {text, static_cast<std::size_t>(length)};
}

// At most so many bytes, cut between characters.
std::string cut(const std::string& text) {
  if (text.size() <= kCharactersShown) return text;
  std::size_t end = kCharactersShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

// A value as a reader of a summary wants it: numbers to six digits, arrays by type and shape.
std::string text_of(const Variant& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "None";
    case Kind::kBool:
      return value.as<bool>() ? "True" : "False";
    case Kind::kInt:
      return std::to_string(value.as<std::int64_t>());
    case Kind::kFloat:
      return number_text(value.as<double>());
    case Kind::kStr:
      return cut(value.as<std::string>());
    case Kind::kList:
      return joined(value.as<List>().items, text_of);
    case Kind::kTuple:
      return joined(value.as<Tuple>().items, text_of);
    case Kind::kDict:
      return joined(value.as<Dict>().entries, entry_text);
    case Kind::kArray:
      return value.as_array().dtype.name() + " array of " + shape_text(value.as_array());
    default:
      return std::string(name_of(value.kind()));
  }
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

std::string Model::summary() const {
  const Fields all = fields();
  std::size_t width = 0;
  for (const auto& [name, value] : all) width = std::max(width, name.size());
  std::string text = std::string(title()) + "\n" + std::string(title().size(), '-');
  for (const auto& [name, value] : all) {
    text += "\n" + name + std::string(width - name.size(), ' ') + " : " + text_of(value);
  }
  return text;
}

std::string Model::html() const {
  std::string text = "<table><caption>" + escaped(title()) + "</caption>";
  for (const auto& [name, value] : fields()) {
    text += "<tr><th>" + escaped(name) + "</th><td>" + escaped(text_of(value)) + "</td></tr>";
  }
  return text + "</table>";
}

Variant vertices_of(const Graph& graph) {
  if (graph.labels() != nullptr) return List{*graph.labels()};
  return to_array(std::vector<std::int64_t>(graph.ids().begin(), graph.ids().end()));
}

std::int64_t vertex_count(const Variant& vertices) {
  if (const auto* labels = vertices.get_if<List>()) {
    return static_cast<std::int64_t>(labels->items.size());
  }
  return vertices.as_array().size();
}

void register_model(Registry& registry) {
  registry
      .type<Model>("Model",
                   "What a toolkit computed, with what it was given. It does not change; what it "
                   "has is read\nby name, or all of it with fields().")
      .thread_safe()
      .method(
          "fields",
          [](const Model& self) {
            Dict fields;
            for (auto& [name, value] : self.fields()) fields.entries.emplace_back(name, value);
            return fields;
          },
          "All fields: a dict of names and values, in the order of summary().")
      .method("summary", &Model::summary,
              "All fields as text, a line for each; of long values their kind and size.")
      .method("__str__", &Model::summary, "The same.")
      .method("_repr_html_", &Model::html, "The summary as a table, which notebooks show.");
}

}  // namespace cppipc::toolkits
