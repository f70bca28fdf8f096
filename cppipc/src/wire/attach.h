// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a ValueWriter has written becomes a part of a message.

#include <cppipc/value_writer.h>

#include "wire/caps.h"

#include <capnp/any.h>

#include <cstdint>

namespace cppipc {

// Which pointer of the params of create, run and Object.call the arguments are at.
inline constexpr unsigned kArgumentsPointer = 2;
// Words of a message that calls, beside its arguments.
inline constexpr std::uint64_t kCallWords = 32;

// Puts the arguments, or the value, at a pointer of `parent`. `caps` stands for the objects
// and the bulk. Errors: those of `caps`; kj::Exception.
void attach(const ValueWriter& written, capnp::AnyStruct::Builder parent, unsigned pointer,
            OutgoingCaps& caps);

}  // namespace cppipc
