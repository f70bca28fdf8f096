// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all unmarshalling shares: one error for every malformed message.

#include "wire/bulk.h"

#include <capnp/any.h>
#include <capnp/schema.h>
#include <kj/exception.h>

#include <new>
#include <string>

namespace cppipc {

// Runs `read` and turns what Cap'n Proto and the allocator throw into errors of this library:
// kProtocol and kOutOfMemory. Errors of this library pass as they are.
template <class Read>
auto guarded(Read&& read) {
  try {
    return read();
  } catch (const kj::Exception& exception) {
    throw Error(ErrorKind::kProtocol,
                "malformed message: " + std::string(exception.getDescription().cStr()));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory, "not enough memory for the values of a message");
  }
}

// A newer peer may know more kinds; what they mean here is only that the call failed.
inline ErrorKind kind_of(std::uint16_t number) {
  constexpr auto kLast = static_cast<std::uint16_t>(ErrorKind::kNotPermitted);
  return number <= kLast ? static_cast<ErrorKind>(number) : ErrorKind::kRemote;
}

// Refuses the elements of a struct list that are smaller than T, which the first one shows: they
// would be read as many times more values than the message has room for.
template <class T>
void check_struct_size(typename T::Reader first) {
  static const auto kSize = [] {
    const auto node = capnp::Schema::from<T>().getProto().getStruct();
    return std::pair<std::size_t, std::size_t>(node.getDataWordCount() * sizeof(capnp::word),
                                               node.getPointerCount());
  }();
  const capnp::AnyStruct::Reader any = first;
  if (any.getDataSection().size() < kSize.first || any.getPointerSection().size() < kSize.second) {
    refuse_message("a list's elements are too small");
  }
}

}  // namespace cppipc
