// SPDX-License-Identifier: Apache-2.0
#include "values/scalar.h"

#include "values/cast.h"
#include "values/dtype.h"
#include "values/utf8.h"

#include <algorithm>
#include <cstring>

namespace cppipc::detail {
namespace {

template <class T>
T cast_one(const AnyArray& array) {
  T value{};
  cast_elements(array, dtype_kind<T>(), sizeof(T), &value);
  return value;
}

const AnyArray* scalar_of(const Variant& value) {
  const auto* array = value.get_if<std::shared_ptr<const AnyArray>>();
  return array != nullptr && (*array)->shape.empty() ? array->get() : nullptr;
}

}  // namespace

std::optional<Number> scalar_number(const Variant& value) {
  const AnyArray* array = scalar_of(value);
  if (array == nullptr) return std::nullopt;
  const std::optional<DTypeText> parts = number_dtype(array->dtype);
  if (!parts) return std::nullopt;
  switch (parts->kind) {
    case 'b':
      return cast_one<bool>(*array);
    case 'i':
      return cast_one<std::int64_t>(*array);
    case 'u':
      return cast_one<std::uint64_t>(*array);
    case 'f':
      // Through long double, which every real type casts to.
      return static_cast<double>(cast_one<long double>(*array));
    default: {
      const auto wide = cast_one<std::complex<long double>>(*array);
      return std::complex<double>(static_cast<double>(wide.real()),
                                  static_cast<double>(wide.imag()));
    }
  }
}

std::optional<std::string> scalar_text(const Variant& value) {
  const AnyArray* array = scalar_of(value);
  if (array == nullptr) return std::nullopt;
  const std::optional<DTypeText> parts = parse_dtype(array->dtype.text);
  if (!parts || parts->kind != 'U' || array->dtype.itemsize % 4 != 0) return std::nullopt;
  std::u32string characters(array->dtype.itemsize / 4, U'\0');
  array->copy_to(reinterpret_cast<std::byte*>(characters.data()));
  while (!characters.empty() && characters.back() == U'\0') characters.pop_back();
  std::string text;
  for (char32_t character : characters) {
    if (!parts->is_native()) character = __builtin_bswap32(character);
    if (character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) {
      throw Error(ErrorKind::kInvalidArgument, "numpy.str_ holds a code that is no character");
    }
    append_utf8(text, character);
  }
  return text;
}

}  // namespace cppipc::detail
