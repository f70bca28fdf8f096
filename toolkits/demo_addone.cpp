// SPDX-License-Identifier: Apache-2.0
#include "toolkits/demo_addone.h"

#include <cppipc/registry.h>

#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>

namespace cppipc::toolkits {
namespace {

Variant add_one(const Variant& x) {
  if (const double* number = x.get_if<double>()) return *number + 1;
  if (const std::int64_t* number = x.get_if<std::int64_t>()) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(*number, std::int64_t{1}, &sum)) {
      throw std::overflow_error("demo_addone: x + 1 does not fit into 64 bits");
    }
    return sum;
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
