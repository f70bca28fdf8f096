// SPDX-License-Identifier: Apache-2.0
#pragma once
// The values that may be too big for their message: str, bytes and arrays. Small ones lie in the
// message; larger ones beside it, as a LargeBytes.
//
// Threads: no state; any thread. Unmarshalling may block on a BlobReader.

#include "wire/marshal.h"

namespace cppipc {

// Beside the message: bytes share their owner, texts are copied once into memory of their own.
void marshal_text(const std::string& text, wire::Variant::Builder& builder, OutgoingCaps& caps,
                  const MarshalLimits& limits);
void marshal_bytes(const Bytes& bytes, wire::Variant::Builder& builder, OutgoingCaps& caps,
                   const MarshalLimits& limits);
// Text of an error, beside the message whatever its size; it need not be UTF-8.
void marshal_large_text(std::string_view text, wire::LargeBytes::Builder builder,
                        OutgoingCaps& caps);
// Beside the message a contiguous array shares its owner; others are copied once.
void marshal_array(const AnyArray& array, wire::Array::Builder builder, OutgoingCaps& caps,
                   const MarshalLimits& limits);

// In C order or in Fortran order without gaps: its elements can be copied, or shared, as they lie.
inline bool is_contiguous(const AnyArray& array) {
  return array.is_c_contiguous() || array.is_f_contiguous();
}

// Errors, all five: kProtocol; kOutOfMemory; those of `caps` and of its BlobReader.
std::string unmarshal_large_text(wire::LargeBytes::Reader reader, IncomingCaps& caps);
// The same, but it need not be UTF-8.
std::string unmarshal_large_chars(wire::LargeBytes::Reader reader, IncomingCaps& caps);
Bytes unmarshal_large_bytes(wire::LargeBytes::Reader reader, IncomingCaps& caps);
// A message whose segments are in memory of their own: nobody else can write to what is read.
Message unmarshal_message(capnp::List<wire::Variant>::Reader reader, IncomingCaps& caps);
// An array in memory of its own, which is writable, or in shared memory.
AnyArray unmarshal_array(wire::Array::Reader reader, IncomingCaps& caps);

// The text as it stands in the message. Errors: kProtocol if it is not UTF-8.
std::string_view checked_text(capnp::Text::Reader reader);

[[noreturn]] void refuse_message(const char* problem);

// Bytes that lie in the message, in memory of their own. Errors: as charged_memory().
Bytes unmarshal_bytes(capnp::Data::Reader reader, IncomingCaps& caps);

// Memory whose pages are not touched yet, aligned for any element type. Errors: std::bad_alloc.
std::shared_ptr<std::byte> uninitialised_memory(std::size_t size_bytes);
// The same, charged to `account` while it lives. Errors: kQuotaExceeded; std::bad_alloc.
std::shared_ptr<std::byte> charged_memory(std::size_t size_bytes,
                                          std::shared_ptr<MemoryAccount> account);

}  // namespace cppipc
