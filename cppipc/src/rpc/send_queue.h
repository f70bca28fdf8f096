// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bytes that wait for room in a socket, in order.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "rpc/descriptor.h"

namespace cppipc {

// Small bytes are copied; large ones that somebody keeps are only referred to.
// Owns: copies, descriptors, and a share of what keeps the others. Threads: one at a time.
class SendQueue {
 public:
  using Owner = std::shared_ptr<const void>;
  // What has been sent, to be dropped without any lock: it may run code of whoever made it.
  using Dropped = std::vector<Owner>;

  bool is_empty() const { return parts_.empty(); }
  std::uint64_t bytes() const { return bytes_; }

  // Copies the bytes, unless they are many and `owner` keeps them as they are.
  void append(std::span<const std::byte> bytes, const Owner& owner);
  // What is appended next goes with a duplicate of `descriptor`. Without a number to spare it goes
  // alone, and the peer finds nothing with it.
  void append_descriptor(int descriptor);

  // Puts the first parts into `pieces`, as many as can be sent in one step, and returns how many.
  std::size_t first(std::span<iovec> pieces) const;
  // The descriptor that has to go with the first byte; -1 for none.
  int first_descriptor() const { return parts_.empty() ? -1 : parts_.front().descriptor.get(); }
  void drop_first_descriptor() { parts_.front().descriptor = {}; }
  // So many bytes are sent.
  void pop(std::size_t bytes, Dropped& dropped);
  void clear(Dropped& dropped);

 private:
  struct Part {
    std::vector<std::byte> copy;
    std::span<const std::byte> kept;
    Owner owner;  // of `kept`; null: the bytes are in `copy`
    Descriptor descriptor;
    std::size_t sent = 0;

    std::span<const std::byte> left() const {
      return (owner ? kept : std::span<const std::byte>(copy)).subspan(sent);
    }
  };
  // The last part, if it can take further copies; else a new one.
  Part& open_part();
  Part& new_part();
  void recycle(Part& part);

  std::deque<Part> parts_;
  std::vector<std::byte> spare_;  // memory for the next copies
  std::uint64_t bytes_ = 0;
};

}  // namespace cppipc
