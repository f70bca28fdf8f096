// SPDX-License-Identifier: Apache-2.0
#pragma once
// Value -> message (marshal) and message -> value (unmarshal).
//
// Threads: no state; any thread. Unmarshalling may block on a BlobReader.

#include <cppipc/description.h>
#include <cppipc/error.h>
#include <cppipc/function.h>
#include <cppipc/value_writer.h>
#include <cppipc/variant.h>

#include "caps.h"

#include <cppipc/broker.capnp.h>

#include <cstdint>

namespace cppipc {

inline constexpr int kDepthMax = 1000;                     // of nested values
inline constexpr int kNestingLimit = 2 * kDepthMax + 200;  // of Cap'n Proto pointers for that depth

// Looks at a whole value before anything is built. Returns an upper bound of the message's words
// (in one segment, without the pointer to its root). Containers count as levels of depth, what is
// in the innermost one does not. Errors: kInvalidArgument past kDepthMax, and for what no peer
// would take (text that is not UTF-8, a date that is none, an array of Python objects); kTooLarge
// naming size and limit if its message would pass message_bytes (bulk beside the message does not
// count).
std::uint64_t measure(const Variant& value, const MarshalLimits& limits);
std::uint64_t measure(const Arguments& arguments, const MarshalLimits& limits);

// What measure() and marshal() do, in one pass.
ValueWriter write(const Variant& value, const MarshalLimits& limits);
ValueWriter write(const Arguments& arguments, const MarshalLimits& limits);

// Errors: as measure(), which the caller has called before; those of `caps`.
void marshal(const Variant& value, wire::Variant::Builder builder, OutgoingCaps& caps,
             const MarshalLimits& limits);
void marshal(const Arguments& arguments, wire::Arguments::Builder builder, OutgoingCaps& caps,
             const MarshalLimits& limits);
// Only the first 64 KiB of its text.
void marshal(const Error& error, wire::Fault::Builder builder);
// All of its text.
void marshal(const Error& error, wire::Fault::Builder builder, OutgoingCaps& caps,
             const MarshalLimits& limits);
void marshal(const Description& description, wire::Description::Builder builder);

// Errors: kProtocol for a malformed message (depth, sizes that do not agree, text that is not
// UTF-8, bad shapes, whatever Cap'n Proto refuses); those of `caps`; kOutOfMemory.
Variant unmarshal(wire::Variant::Reader reader, IncomingCaps& caps);
Arguments unmarshal(wire::Arguments::Reader reader, IncomingCaps& caps);
Error unmarshal(wire::Fault::Reader reader, IncomingCaps& caps);
Description unmarshal(wire::Description::Reader reader);

// 16 bytes of XXH3-128 over the canonical form of the marshalled description.
std::string hash_of(const Description& description);

}  // namespace cppipc
