// SPDX-License-Identifier: Apache-2.0
#include "values/dtype.h"

#include <cppipc/error.h>

#include <charconv>

namespace cppipc {
namespace detail {

std::optional<DTypeText> parse_dtype(const std::string& text) {
  if (text.size() < 3) return std::nullopt;
  DTypeText parts{text[0], text[1], 0};
  if (std::string_view("<>|=").find(parts.order) == std::string_view::npos) return std::nullopt;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 2, end, parts.number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return parts;
}

std::optional<DTypeText> number_dtype(const DType& dtype) {
  const std::optional<DTypeText> parts = parse_dtype(dtype.text);
  if (!parts || parts->number != dtype.itemsize) return std::nullopt;
  const std::uint32_t size = parts->number;
  bool known = false;
  switch (parts->kind) {
    case 'b':
      known = size == 1;
      break;
    case 'i':
    case 'u':
      known = size == 1 || size == 2 || size == 4 || size == 8;
      break;
    case 'f':
      known = size == 2 || size == 4 || size == 8 || size == sizeof(long double);
      break;
    case 'c':
      known = size == 8 || size == 16 || size == 2 * sizeof(long double);
      break;
    default:
      break;
  }
  if (!known || (parts->order == '|' && size > 1)) return std::nullopt;
  return parts;
}

bool casts_safely(const DTypeText& from, char to_kind, std::uint32_t to_size) {
  const std::uint32_t size = from.number;
  // A complex number takes what its real part takes.
  if (to_kind == 'c' && from.kind != 'c') return casts_safely(from, 'f', to_size / 2);
  switch (from.kind) {
    case 'b':
      return to_kind != 'b' || to_size == 1;
    case 'u':
      if (to_kind == 'i') return to_size > size;
      [[fallthrough]];
    case 'i':
      if (to_kind == 'f') return to_size > size || (size == 8 && to_size == 8);
      return to_kind == from.kind && to_size >= size;
    default:
      return to_kind == from.kind && to_size >= size;
  }
}

DType native_dtype(char kind, char code, std::uint32_t itemsize) {
  const char order = itemsize == 1 ? '|' : kNativeOrder;
  return {std::string{order, kind} + std::to_string(itemsize), code, itemsize};
}

bool is_native_dtype(const DType& dtype, char kind, std::uint32_t itemsize) {
  const std::optional<DTypeText> parts = number_dtype(dtype);
  return parts && parts->kind == kind && parts->number == itemsize && parts->is_native();
}

void refuse_dtype(const DType& wanted, const DType& given) {
  throw Error(ErrorKind::kWrongType,
              "expected an array of " + wanted.name() + ", got an array of " + given.name());
}

}  // namespace detail

std::string DType::name() const {
  const std::optional<detail::DTypeText> parts = detail::number_dtype(*this);
  if (!parts || !parts->is_native()) return text;
  switch (parts->kind) {
    case 'b':
      return "bool";
    case 'i':
      return "int" + std::to_string(8 * itemsize);
    case 'u':
      return "uint" + std::to_string(8 * itemsize);
    case 'f':
      return "float" + std::to_string(8 * itemsize);
    default:
      return "complex" + std::to_string(8 * itemsize);
  }
}

}  // namespace cppipc
