// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values as keys of a mapping, by Python's rules.

#include <cppipc/variant.h>

#include <cstddef>
#include <string>

namespace cppipc::toolkits {

// Whether a value may be a key of a dict. A tuple may if its items may.
bool is_hashable(const Variant& value);

// Python's idea of one key: as ==, but 1, 1.0 and True are equal, and so are two references to
// one object. Only for hashable values.
struct KeyHash {
  std::size_t operator()(const Variant& key) const;
};
struct KeyEqual {
  bool operator()(const Variant& left, const Variant& right) const;
};

// Errors: kWrongType if `key` is not hashable.
void check_key(const Variant& key);

// A key in an error's text.
std::string shown(const Variant& key);

}  // namespace cppipc::toolkits
