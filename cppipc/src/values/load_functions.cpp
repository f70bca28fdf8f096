// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/convert_functions.h>

namespace cppipc::detail {

CallablePtr load_callable(const Variant& value, const Place& place) {
  if (const auto* function = value.get_if<CallablePtr>()) return *function;
  refuse(place, "function", value);
}

void check_argument_count(const Arguments& arguments, std::size_t count) {
  if (!arguments.names.empty()) {
    throw Error(ErrorKind::kWrongType, "the function takes no keyword arguments");
  }
  if (arguments.values.size() != count) {
    throw Error(ErrorKind::kWrongType, "the function takes " + std::to_string(count) +
                                           " arguments, got " +
                                           std::to_string(arguments.values.size()));
  }
}

}  // namespace cppipc::detail
