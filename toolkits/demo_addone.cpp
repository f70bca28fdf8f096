// SPDX-License-Identifier: Apache-2.0
#include "toolkits/demo_addone.h"

#include <cppipc/convert.h>
#include <cppipc/registry.h>

#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "toolkits/array_fill.h"
#include "toolkits/element_type.h"

namespace cppipc::toolkits {
namespace {

std::int64_t integer_plus_one(std::int64_t number) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(number, std::int64_t{1}, &sum)) {
    throw std::overflow_error("demo_addone: x + 1 does not fit into 64 bits");
  }
  return sum;
}

// The sum as a NumPy scalar of the same dtype, if `x` is one that is a number.
std::optional<AnyArray> scalar_plus_one(const Variant& x) {
  const AnyArray& array = x.as_array();
  const std::optional<ElementType> type = element_type_of(array.dtype);
  const bool is_scalar = array.shape.empty() && array.flavor == ArrayFlavor::kScalar;
  if (!type || !is_scalar || std::string_view("iuf").find(type->kind) == std::string_view::npos) {
    return std::nullopt;
  }
  AnyArray sum = array.copy();
  sum.flavor = ArrayFlavor::kScalar;
  if (type->kind == 'f') {
    fill(sum, from_variant<double>(x) + 1);
  } else {
    fill(sum, integer_plus_one(from_variant<std::int64_t>(x)));
  }
  return sum;
}

Variant add_one(const Variant& x) {
  if (const double* number = x.get_if<double>()) return *number + 1;
  if (const std::int64_t* number = x.get_if<std::int64_t>()) return integer_plus_one(*number);
  if (x.kind() == Kind::kArray) {
    if (const std::optional<AnyArray> sum = scalar_plus_one(x)) return *sum;
  }
  throw Error(ErrorKind::kWrongType,
              "demo_addone: x must be int or float, not " + std::string(name_of(x.kind())));
}

}  // namespace

VariantMap demo_addone(const VariantMap& params) {
  const auto x = params.find("x");
  if (x == params.end()) throw Error(ErrorKind::kWrongType, "demo_addone: x is missing");
  if (params.size() != 1) {
    const auto& other = params.begin() == x ? *std::next(x) : *params.begin();
    throw Error(ErrorKind::kWrongType, "demo_addone: there is no parameter '" + other.first + "'");
  }
  return {{"x", add_one(x->second)}};
}

void register_demo_addone(Registry& registry) {
  registry.toolkit("demo_addone", &demo_addone, arg("x"), "Returns x + 1, of the type of x.");
}

}  // namespace cppipc::toolkits
