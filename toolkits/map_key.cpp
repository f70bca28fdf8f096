// SPDX-License-Identifier: Apache-2.0
#include "toolkits/map_key.h"

#include <cppipc/convert.h>
#include <cppipc/error.h>
#include <cppipc/function.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>
#include <unordered_set>

#include "toolkits/element_type.h"

namespace cppipc::toolkits {
namespace {

bool is_scalar(const Variant& value) {
  return value.kind() == Kind::kArray && value.as_array().shape.empty() &&
         value.as_array().flavor == ArrayFlavor::kScalar;
}

// The value of Python's own that a NumPy scalar equals, with which it shares its hash. Null for
// what is no such scalar, or equals nothing but itself.
Variant plain_of(const Variant& value) {
  if (!is_scalar(value)) return {};
  const std::optional<ElementType> type = element_type_of(value.as_array().dtype);
  switch (type ? type->kind : '\0') {
    case 'b':
      return from_variant<bool>(value);
    case 'i':
      return from_variant<std::int64_t>(value);
    case 'u': {
      const auto number = from_variant<std::uint64_t>(value);
      const bool is_int = number <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
      return is_int ? Variant(number) : Variant(static_cast<double>(number));
    }
    case 'f':
      return type->itemsize > 8 ? Variant() : Variant(from_variant<double>(value));
    case 'c':
      return type->itemsize > 16 ? Variant() : Variant(from_variant<std::complex<double>>(value));
    case 'U':
      return from_variant<std::string>(value);
    case 'S':
      return from_variant<Bytes>(value);
    default:
      return {};
  }
}

// All NaNs are one key, as a dict finds math.nan again.
double one_nan(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}
bool equal_reals(double left, double right) {
  return left == right || (std::isnan(left) && std::isnan(right));
}
bool equal_numbers(const Variant& left, const Variant& right) {
  if (left.kind() != right.kind()) return false;
  if (const double* real = left.get_if<double>()) return equal_reals(*real, right.as<double>());
  if (const auto* complex = left.get_if<std::complex<double>>()) {
    const auto& other = right.as<std::complex<double>>();
    return equal_reals(complex->real(), other.real()) && equal_reals(complex->imag(), other.imag());
  }
  return left == right;
}

// One form for numbers that are equal in Python: an int where the value is one, else the number.
// Null for what is no number.
Variant number_of(const Variant& value) {
  constexpr double kIntMax = 9223372036854775808.0;  // 2^63, the first that does not fit
  if (const bool* truth = value.get_if<bool>()) return static_cast<std::int64_t>(*truth);
  if (const auto* complex = value.get_if<std::complex<double>>(); complex && complex->imag() == 0) {
    return number_of(complex->real());
  }
  if (const double* real = value.get_if<double>()) {
    if (*real >= -kIntMax && *real < kIntMax) {
      const auto whole = static_cast<std::int64_t>(*real);
      if (static_cast<double>(whole) == *real) return whole;
    }
    return value;
  }
  const Kind kind = value.kind();
  return kind == Kind::kInt || kind == Kind::kComplex ? value : Variant();
}

// What makes two references denote one object.
const void* identity_of(const ObjectPtr& object) {
  if (const auto* local = dynamic_cast<const LocalObject*>(object.get())) {
    return local->instance().get();
  }
  return object.get();
}

template <class... Values>
std::size_t combined(const Values&... values) {
  std::size_t hash = sizeof...(Values);
  ((hash ^= std::hash<Values>()(values) + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2)), ...);
  return hash;
}

struct HashOfValue {
  std::size_t operator()(std::monostate) const { return 0; }
  std::size_t operator()(bool value) const { return combined(std::int64_t{value}); }
  std::size_t operator()(std::int64_t value) const { return combined(value); }
  std::size_t operator()(double value) const { return combined(one_nan(value)); }
  std::size_t operator()(const std::complex<double>& value) const {
    return combined(one_nan(value.real()), one_nan(value.imag()));
  }
  std::size_t operator()(const std::string& value) const { return combined(value); }
  std::size_t operator()(const Bytes& value) const { return combined(value.view(), 1); }
  std::size_t operator()(const Tuple& value) const {
    std::size_t hash = 0;
    for (const Variant& item : value.items) hash = combined(hash, KeyHash()(item));
    return hash;
  }
  std::size_t operator()(const FrozenSet& value) const {
    std::size_t hash = 2;  // a sum, since equal sets may have other orders
    for (const Variant& item : value.items) hash += KeyHash()(item);
    return hash;
  }
  std::size_t operator()(const Date& value) const {
    return combined(value.year, value.month, value.day);
  }
  std::size_t operator()(const TimeOfDay& value) const {
    return combined(value.hour, value.minute, value.second, value.microsecond);
  }
  std::size_t operator()(const DateTime& value) const {
    return combined((*this)(value.date), (*this)(value.time));
  }
  std::size_t operator()(const TimeDelta& value) const {
    return combined(value.days, value.seconds, value.microseconds);
  }
  std::size_t operator()(const Decimal& value) const { return combined(value.text, 3); }
  std::size_t operator()(const Uuid& value) const {
    return combined(
        std::string_view(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()), 4);
  }
  std::size_t operator()(const ObjectPtr& value) const { return combined(identity_of(value)); }
  std::size_t operator()(const EnumMember& value) const { return combined(value.type, value.name); }
  std::size_t operator()(const std::shared_ptr<const AnyArray>& value) const {
    std::string element(value->dtype.itemsize, '\0');
    value->copy_to(reinterpret_cast<std::byte*>(element.data()));
    return combined(element, 5);
  }
  // The rest is not hashable; check_key() has refused it.
  template <class T>
  std::size_t operator()(const T&) const {
    return 0;
  }
};

bool equal_sets(const FrozenSet& left, const FrozenSet& right) {
  if (left.items.size() != right.items.size()) return false;
  const std::unordered_set<Variant, KeyHash, KeyEqual> items(right.items.begin(),
                                                             right.items.end());
  return std::all_of(left.items.begin(), left.items.end(),
                     [&](const Variant& item) { return items.contains(item); });
}

}  // namespace

bool is_hashable(const Variant& value) {
  switch (value.kind()) {
    case Kind::kList:
    case Kind::kSet:
    case Kind::kDict:
    case Kind::kMessage:
    case Kind::kDataFrame:
    case Kind::kGraph:
      return false;
    case Kind::kArray:
      return is_scalar(value);
    case Kind::kTuple: {
      const auto& items = value.as<Tuple>().items;
      return std::all_of(items.begin(), items.end(), is_hashable);
    }
    default:
      return true;
  }
}

std::size_t KeyHash::operator()(const Variant& key) const {
  if (const Variant plain = plain_of(key); !plain.is_null()) return (*this)(plain);
  const Variant number = number_of(key);
  return std::visit(HashOfValue(), number.is_null() ? key.storage() : number.storage());
}

bool KeyEqual::operator()(const Variant& left, const Variant& right) const {
  if (const Variant plain = plain_of(left); !plain.is_null()) return (*this)(plain, right);
  if (const Variant plain = plain_of(right); !plain.is_null()) return (*this)(left, plain);
  const Variant left_number = number_of(left);
  if (!left_number.is_null()) return equal_numbers(left_number, number_of(right));
  if (left.kind() != right.kind()) return false;
  if (const Tuple* tuple = left.get_if<Tuple>()) {
    const auto& others = right.as<Tuple>().items;
    return std::equal(tuple->items.begin(), tuple->items.end(), others.begin(), others.end(),
                      KeyEqual());
  }
  if (const FrozenSet* set = left.get_if<FrozenSet>()) {
    return equal_sets(*set, right.as<FrozenSet>());
  }
  if (const ObjectPtr* object = left.get_if<ObjectPtr>()) {
    return identity_of(*object) == identity_of(right.as<ObjectPtr>());
  }
  return left == right;
}

void check_key(const Variant& key) {
  if (is_hashable(key)) return;
  throw Error(ErrorKind::kWrongType, "unhashable key: " + std::string(name_of(key.kind())));
}

std::string shown(const Variant& key) {
  if (const std::string* text = key.get_if<std::string>()) return "'" + *text + "'";
  if (const std::int64_t* number = key.get_if<std::int64_t>()) return std::to_string(*number);
  return "of kind " + std::string(name_of(key.kind()));
}

}  // namespace cppipc::toolkits
