// SPDX-License-Identifier: Apache-2.0
#pragma once
// Message: a Cap'n Proto message as a value, of whatever schema.
//
// It is the segments and nothing else, so no library's objects cross a boundary of modules or
// processes. <cppipc/interop/capnp.h> reads and makes messages with Cap'n Proto.

#include <cppipc/scalars.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace cppipc {

// One or more segments of whole words; or none, for a message that is not there.
// Owns: a share of the segments, which are never written. Threads: like a std::vector.
class Message {
 public:
  // As many segments as one may have that crosses.
  static constexpr std::size_t kSegmentsMax = 512;

  Message() = default;
  // Shares what has an owner and lies at the address of a word, and copies the rest.
  // Errors: kInvalidArgument for no segment, more than kSegmentsMax, and for one that is not of
  // whole words; kOutOfMemory.
  explicit Message(std::vector<Bytes> segments);

  // Of the standard framing of streams: a table of lengths, then the segments, which are shared.
  // Errors: as above; kInvalidArgument for a table that says something else than there is.
  static Message from_framed(const Bytes& bytes);
  std::vector<std::byte> framed() const;

  std::size_t size() const { return segments_ ? segments_->size() : 0; }
  bool is_empty() const { return size() == 0; }
  // Where the segment begins is the address of a word.
  std::span<const std::uint64_t> segment(std::size_t i) const;
  // The same as bytes, each with what keeps it.
  std::span<const Bytes> segments() const;
  // Of all segments.
  std::uint64_t nbytes() const;

  // Equal segments; what two messages mean may be equal even so.
  bool operator==(const Message& other) const;

 private:
  std::shared_ptr<const std::vector<Bytes>> segments_;
};

}  // namespace cppipc
