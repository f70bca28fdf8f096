// SPDX-License-Identifier: Apache-2.0
#include "toolkits/element_type.h"

#include <cppipc/error.h>

#include <array>
#include <bit>
#include <charconv>

#include "toolkits/structured_type.h"

namespace cppipc::toolkits {
namespace {

constexpr char kNativeOrder = std::endian::native == std::endian::little ? '<' : '>';
constexpr std::uint32_t kUtf32Bytes = 4;  // one character of kind 'U'
constexpr std::uint32_t kItemBytesMax = 1 << 20;

// The numbers that NumPy has. `code` is its type character on 64-bit Linux, `format` the one of
// the buffer protocol.
struct NumberType {
  std::string_view name;
  char kind;
  std::uint32_t itemsize;
  char code;
  std::string_view format;
};
constexpr std::array<NumberType, 18> kNumbers{{{"bool", 'b', 1, '?', "?"},
                                               {"int8", 'i', 1, 'b', "b"},
                                               {"int16", 'i', 2, 'h', "h"},
                                               {"int32", 'i', 4, 'i', "i"},
                                               {"int64", 'i', 8, 'l', "l"},
                                               {"uint8", 'u', 1, 'B', "B"},
                                               {"uint16", 'u', 2, 'H', "H"},
                                               {"uint32", 'u', 4, 'I', "I"},
                                               {"uint64", 'u', 8, 'L', "L"},
                                               {"float16", 'f', 2, 'e', "e"},
                                               {"float32", 'f', 4, 'f', "f"},
                                               {"float64", 'f', 8, 'd', "d"},
                                               {"complex64", 'c', 8, 'F', "Zf"},
                                               {"complex128", 'c', 16, 'D', "Zd"},
                                               {"longdouble", 'f', 16, 'g', "g"},
                                               {"float128", 'f', 16, 'g', "g"},
                                               {"clongdouble", 'c', 32, 'G', "Zg"},
                                               {"complex256", 'c', 32, 'G', "Zg"}}};

const NumberType* find_number(char kind, std::uint32_t itemsize) {
  for (const NumberType& number : kNumbers) {
    if (number.kind == kind && number.itemsize == itemsize) return &number;
  }
  return nullptr;
}

[[noreturn]] void refuse(std::string_view name) {
  throw Error(ErrorKind::kWrongType, "'" + std::string(name) + "' is no dtype known here");
}

DType number_dtype(const NumberType& number, char order) {
  const char shown = number.itemsize == 1 ? '|' : order;
  return {std::string{shown, number.kind} + std::to_string(number.itemsize), number.code,
          number.itemsize};
}

// A type string without its byte order: kind, number, and for dates a unit.
DType parse(std::string_view name, char order, std::string_view rest) {
  const char kind = rest.front();
  std::uint32_t count = 0;
  const char* end = rest.data() + rest.size();
  const auto [after, error] = std::from_chars(rest.data() + 1, end, count);
  if (error != std::errc() || count > kItemBytesMax) refuse(name);
  const std::string_view unit(after, static_cast<std::size_t>(end - after));
  if (kind == 'M' || kind == 'm') {
    const bool is_unit = unit.empty() || (unit.front() == '[' && unit.back() == ']');
    if (count != 8 || !is_unit) refuse(name);
    return {std::string{order} + std::string(rest), kind, count};
  }
  if (!unit.empty()) refuse(name);
  if (const NumberType* number = find_number(kind, count)) return number_dtype(*number, order);
  if (kind == 'S' || kind == 'V') return {"|" + std::string(rest), kind, count};
  if (kind == 'U') return {std::string{order} + std::string(rest), kind, count * kUtf32Bytes};
  refuse(name);
}

}  // namespace

bool ElementType::is_swapped() const {
  return order != '|' && order != '=' && order != kNativeOrder;
}

std::optional<ElementType> element_type_of(const DType& dtype) {
  const bool is_plain = dtype.text.size() >= 3 && dtype.text[0] != '[' && dtype.text[0] != '{';
  if (!is_plain) return std::nullopt;
  return ElementType{dtype.text[0], dtype.text[1], dtype.itemsize};
}

DType dtype_of(std::string_view name) {
  for (const NumberType& number : kNumbers) {
    if (number.name == name) return number_dtype(number, kNativeOrder);
  }
  if (name.starts_with('[') || name.starts_with('{')) {
    return {std::string(name), 'V', structure_bytes(name)};
  }
  std::string_view rest = name;
  char order = kNativeOrder;
  if (!rest.empty() && std::string_view("<>|=").find(rest.front()) != std::string_view::npos) {
    if (rest.front() == '<' || rest.front() == '>') order = rest.front();
    rest.remove_prefix(1);
  }
  if (rest.size() < 2) refuse(name);
  return parse(name, order, rest);
}

std::string buffer_format_of(const DType& dtype) {
  const std::optional<ElementType> type = element_type_of(dtype);
  if (!type) return {};
  const std::string order = type->is_swapped() ? std::string{type->order} : std::string();
  if (const NumberType* number = find_number(type->kind, type->itemsize)) {
    const bool is_long_long = dtype.code == 'q' || dtype.code == 'Q';
    return order + (is_long_long ? std::string{dtype.code} : std::string(number->format));
  }
  if (type->kind == 'S') return std::to_string(type->itemsize) + "s";
  if (type->kind == 'U') return order + std::to_string(type->itemsize / kUtf32Bytes) + "w";
  if (type->kind == 'V') return std::to_string(type->itemsize) + "x";
  return {};
}

}  // namespace cppipc::toolkits
