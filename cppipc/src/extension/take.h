// SPDX-License-Identifier: Apache-2.0
#pragma once
// What extensions give, as the library has it: values, places, types.

#include <cppipc/detail/place.h>
#include <cppipc/extension_abi.h>
#include <cppipc/function.h>
#include <cppipc/variant.h>

#include <deque>
#include <vector>

namespace cppipc::detail {

// A value of an extension as a Variant. Recursive, so it watches the depth.
// Errors: kRemote for text that is not UTF-8; kInvalidArgument for what is no value, or is nested
// deeper than 1,000; all name the place.
Variant take_value(const cppipc_value& value, const Place& place);

// Which registered type an extension's type is. Both live as long as the process. Threads: any.
void set_registered_type(const cppipc_type& type, const TypeInfo& info);
// Errors: kRemote naming the type if it is not registered.
const TypeInfo& registered_type(const cppipc_type& type);

// A chain of places as the library has it. Owns: its links.
class PlaceChain {
 public:
  explicit PlaceChain(const cppipc_place* place);
  PlaceChain(const PlaceChain&) = delete;
  PlaceChain& operator=(const PlaceChain&) = delete;
  const Place& place() const { return links_.back(); }

 private:
  std::deque<Place> links_;
  std::deque<Variant> keys_;
};

}  // namespace cppipc::detail
