// SPDX-License-Identifier: Apache-2.0
#include <cppipc/callable.h>

namespace cppipc {

bool same_function(const Callable& a, const Callable& b) {
  const std::string_view name = a.registered_name();
  return name == b.registered_name() && (!name.empty() || a.identity() == b.identity());
}

Variant NamedFunction::call(Arguments) {
  throw Error(ErrorKind::kNotSupported,
              "'" + name_ + "' is a function of the server and is called through a client");
}

}  // namespace cppipc
