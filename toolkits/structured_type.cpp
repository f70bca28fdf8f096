// SPDX-License-Identifier: Apache-2.0
// In two steps: the text becomes a value, as Python's ast.literal_eval() would make it, and the
// value tells the size. Everything that is not expected is one and the same refusal.
#include "toolkits/structured_type.h"

#include <cppipc/variant.h>

#include <charconv>
#include <string>

#include "toolkits/element_type.h"

namespace cppipc::toolkits {
namespace {

constexpr int kDepthMax = 32;
constexpr std::int64_t kStructureBytesMax = 1 << 20;

// Reads one literal: text, an int, True, False, None, a list, a tuple or a dict.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text), rest_(text) {}

  Variant whole() {
    Variant value = next(0);
    skip_spaces();
    if (!rest_.empty()) refuse();
    return value;
  }

  [[noreturn]] void refuse() const {
    throw Error(ErrorKind::kWrongType, "'" + std::string(text_) + "' is no dtype known here");
  }

 private:
  void skip_spaces() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }

  bool take(std::string_view prefix) {
    skip_spaces();
    if (!rest_.starts_with(prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  Variant next(int depth) {
    if (depth > kDepthMax) refuse();
    if (take("[")) return List{items("]", depth)};
    if (take("(")) return Tuple{items(")", depth)};
    if (take("{")) return entries(depth);
    if (take("True")) return true;
    if (take("False")) return false;
    if (take("None")) return {};
    if (take("'")) return quoted('\'');
    if (take("\"")) return quoted('"');
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) refuse();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return number;
  }

  std::string quoted(char quote) {
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) refuse();
    std::string text(rest_.substr(0, end));
    if (text.find('\\') != std::string::npos) refuse();  // no escapes, which names do not need
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::vector<Variant> items(std::string_view close, int depth) {
    std::vector<Variant> items;
    while (!take(close)) {
      items.push_back(next(depth + 1));
      if (!take(",")) {
        if (!take(close)) refuse();
        break;
      }
    }
    return items;
  }

  Dict entries(int depth) {
    Dict dict;
    while (!take("}")) {
      Variant key = next(depth + 1);
      if (!take(":")) refuse();
      dict.entries.emplace_back(std::move(key), next(depth + 1));
      if (!take(",")) {
        if (!take("}")) refuse();
        break;
      }
    }
    return dict;
  }

  std::string_view text_;
  std::string_view rest_;
};

// The size of what a literal describes.
class Sizes {
 public:
  explicit Sizes(const Literal& literal) : literal_(literal) {}

  std::int64_t of_format(const Variant& format) const {
    if (const auto* name = format.get_if<std::string>()) return dtype_of(*name).itemsize;
    if (const auto* tuple = format.get_if<Tuple>()) {
      if (tuple->items.size() != 2) literal_.refuse();
      return checked(of_format(tuple->items[0]), count_of(tuple->items[1]));
    }
    if (const auto* list = format.get_if<List>()) return of_fields(*list);
    if (const auto* dict = format.get_if<Dict>()) return of_dict(*dict);
    literal_.refuse();
  }

 private:
  std::int64_t checked(std::int64_t size, std::int64_t count) const {
    if (count < 0 || size < 0 || (size > 0 && count > kStructureBytesMax / size)) {
      literal_.refuse();
    }
    return size * count;
  }

  std::int64_t count_of(const Variant& shape) const {
    if (const auto* length = shape.get_if<std::int64_t>()) return *length;
    const auto* lengths = shape.get_if<Tuple>();
    if (lengths == nullptr) literal_.refuse();
    std::int64_t count = 1;
    for (const Variant& length : lengths->items) count = checked(count, count_of(length));
    return count;
  }

  // [(name, format), (name, format, shape), ...], without gaps.
  std::int64_t of_fields(const List& fields) const {
    std::int64_t total = 0;
    for (const Variant& field : fields.items) {
      const auto* parts = field.get_if<Tuple>();
      if (parts == nullptr || parts->items.size() < 2 || parts->items.size() > 3) literal_.refuse();
      const std::int64_t count = parts->items.size() == 3 ? count_of(parts->items[2]) : 1;
      total = checked(total + checked(of_format(parts->items[1]), count), 1);
    }
    return total;
  }

  std::int64_t of_dict(const Dict& dict) const {
    const Variant* itemsize = dict.find("itemsize");
    const Variant* formats = dict.find("formats");
    const Variant* offsets = dict.find("offsets");
    if (!itemsize || !formats || !offsets) literal_.refuse();
    const auto* size = itemsize->get_if<std::int64_t>();
    const auto* each = formats->get_if<List>();
    const auto* starts = offsets->get_if<List>();
    if (!size || !each || !starts || each->items.size() != starts->items.size()) literal_.refuse();
    for (std::size_t i = 0; i < each->items.size(); ++i) {
      const auto* start = starts->items[i].get_if<std::int64_t>();
      if (!start || *start < 0 || *start > *size - of_format(each->items[i])) literal_.refuse();
    }
    return checked(*size, 1);
  }

  const Literal& literal_;
};

}  // namespace

std::uint32_t structure_bytes(std::string_view text) {
  Literal literal(text);
  const Variant structure = literal.whole();
  return static_cast<std::uint32_t>(Sizes(literal).of_format(structure));
}

}  // namespace cppipc::toolkits
