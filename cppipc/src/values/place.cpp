// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/place.h>
#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/utf8.h"

#include <charconv>

namespace cppipc::detail {
namespace {

constexpr std::size_t kTextMax = 60;  // bytes of a value that a message quotes
constexpr std::size_t kItemsMax = 4;  // items of a tuple that a message quotes

std::string array_type(const AnyArray& array) {
  switch (array.flavor) {
    case ArrayFlavor::kArray:
      return "ndarray[" + array.dtype.name() + "]";
    case ArrayFlavor::kScalar:
      return "numpy." + array.dtype.name();
    case ArrayFlavor::kByteArray:
      return "bytearray";
    case ArrayFlavor::kArrayArray:
      return "array[" + array.dtype.name() + "]";
    case ArrayFlavor::kBuffer:
      return "buffer[" + array.dtype.name() + "]";
  }
  return "array";
}

std::string float_text(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, result.ptr);
  const bool is_whole = text.find_first_not_of("-0123456789") == std::string::npos;
  return is_whole ? text + ".0" : text;
}

std::string tuple_text(const Tuple& tuple) {
  std::string text = "(";
  for (std::size_t i = 0; i < tuple.items.size(); ++i) {
    if (i != 0) text += ", ";
    if (i == kItemsMax) return text + "...)";
    text += python_text(tuple.items[i]);
  }
  return text + (tuple.items.size() == 1 ? ",)" : ")");
}

}  // namespace

std::string Place::text() const {
  switch (role) {
    case Role::kParameter:
      return std::string(function) + "() parameter '" + std::string(name) + "'";
    case Role::kProperty:
      return "property '" + std::string(name) + "'";
    case Role::kSetting:
      return "setting '" + std::string(name) + "'";
    case Role::kResult:
      return std::string(function) + "() result";
    case Role::kValue:
      return std::string(name.empty() ? "value" : name);
    case Role::kItem:
      return outer->text() + "[" + std::to_string(index) + "]";
    case Role::kEntry:
      return outer->text() + "[" + python_text(*key) + "]";
    case Role::kMember:
      return outer->text() + " element " + python_text(*key);
  }
  return {};
}

std::string Speller::exposed(std::type_index type) const {
  const TypeInfo* info = registry_ == nullptr ? nullptr : registry_->find_type(type);
  if (info != nullptr) return info->name;
  if (must_know_) throw std::logic_error("C++ type " + type_name(type) + " is not registered");
  return type_name(type);
}

std::string Speller::enumeration(std::type_index type) const {
  const EnumInfo* info = registry_ == nullptr ? nullptr : registry_->find_enumeration(type);
  if (info == nullptr) {
    if (must_know_) throw std::logic_error("enumeration " + type_name(type) + " is not registered");
    return type_name(type);
  }
  return info->name;
}

void refuse_given(const Place& place, std::string_view expected, std::string_view given) {
  fail(ErrorKind::kWrongType, place,
       "expected " + std::string(expected) + ", got " + std::string(given));
}

void refuse(const Place& place, std::string_view expected, const Variant& given) {
  refuse_given(place, expected, python_type(given));
}

void refuse(const Place& place, Spell expected, const Variant& given) {
  refuse_given(place, expected(Speller(place.registry)), python_type(given));
}

void fail(ErrorKind kind, const Place& place, std::string_view text) {
  throw Error(kind, place.text() + ": " + std::string(text));
}

bool is_refusal(const Error& error) {
  return error.kind() == ErrorKind::kWrongType || error.kind() == ErrorKind::kOverflow ||
         error.kind() == ErrorKind::kInvalidArgument;
}

std::string python_type(const Variant& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "None";
    case Kind::kDecimal:
      return "Decimal";
    case Kind::kUuid:
      return "UUID";
    case Kind::kArray:
      return array_type(value.as_array());
    case Kind::kObject:
      return std::string(value.as<ObjectPtr>()->type_name());
    case Kind::kEnum:
      return value.as<EnumMember>().type;
    case Kind::kCallable:
      return "function";
    case Kind::kMessage:
      return "Message";
    case Kind::kDataFrame:
      return "unity.DataFrame";
    case Kind::kGraph:
      return "unity.Graph";
    default:
      return std::string(name_of(value.kind()));
  }
}

std::string python_text(const Variant& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "None";
    case Kind::kBool:
      return value.as<bool>() ? "True" : "False";
    case Kind::kInt:
      return std::to_string(value.as<std::int64_t>());
    case Kind::kFloat:
      return float_text(value.as<double>());
    case Kind::kStr:
      return quote(value.as<std::string>());
    case Kind::kTuple:
      return tuple_text(value.as<Tuple>());
    case Kind::kEnum:
      return value.as<EnumMember>().type + "." + value.as<EnumMember>().name;
    default:
      return "<" + python_type(value) + ">";
  }
}

std::string quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool is_long = text.size() > kTextMax;
  if (is_long) {
    std::size_t end = kTextMax;  // not inside a sequence of UTF-8
    while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string quoted = "'";
  for (const char c : to_valid_utf8(text)) {
    if (c == '\\' || c == '\'') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += {'\\', 'x', kHex[(c >> 4) & 0xf], kHex[c & 0xf]};
    } else {
      quoted += c;
    }
  }
  return quoted + (is_long ? "...'" : "'");
}

}  // namespace cppipc::detail
