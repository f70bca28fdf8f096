// SPDX-License-Identifier: Apache-2.0
#include "rpc/send_queue.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace cppipc {
namespace {

// Fewer bytes cost less to copy than to refer to.
constexpr std::size_t kKeptBytes = 16 << 10;
// A part that has so many gets no more: what is sent of it is freed with all of it.
constexpr std::size_t kPartBytes = 1 << 20;
// Memory that is kept for the next bytes when all are sent.
constexpr std::size_t kSpareBytes = 128 << 10;

}  // namespace

SendQueue::Part& SendQueue::open_part() {
  if (!parts_.empty()) {
    Part& last = parts_.back();
    if (!last.owner && last.copy.size() < kPartBytes) return last;
  }
  Part& part = new_part();
  part.copy = std::move(spare_);
  return part;
}

SendQueue::Part& SendQueue::new_part() { return parts_.emplace_back(); }

void SendQueue::recycle(Part& part) {
  if (part.copy.capacity() == 0 || part.copy.capacity() > kSpareBytes) return;
  spare_ = std::move(part.copy);
  spare_.clear();
}

void SendQueue::append(std::span<const std::byte> bytes, const Owner& owner) {
  if (bytes.empty()) return;
  if (owner && bytes.size() >= kKeptBytes) {
    const bool is_begun = !parts_.empty() && parts_.back().left().empty();
    Part& part = is_begun ? parts_.back() : new_part();
    part.kept = bytes;
    part.owner = owner;
  } else {
    auto& copy = open_part().copy;
    copy.insert(copy.end(), bytes.begin(), bytes.end());
  }
  bytes_ += bytes.size();
}

void SendQueue::append_descriptor(int descriptor) {
  Descriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (copy) new_part().descriptor = std::move(copy);
}

std::size_t SendQueue::first(std::span<iovec> pieces) const {
  std::size_t count = 0;
  for (const Part& part : parts_) {
    if (count == pieces.size() || (count != 0 && part.descriptor)) break;
    const auto left = part.left();
    pieces[count++] = {const_cast<std::byte*>(left.data()), left.size()};
  }
  return count;
}

void SendQueue::pop(std::size_t bytes, Dropped& dropped) {
  bytes_ -= bytes;
  while (bytes > 0) {
    Part& part = parts_.front();
    const std::size_t now = std::min(bytes, part.left().size());
    part.sent += now;
    bytes -= now;
    if (now > 0 && part.descriptor) part.descriptor = {};
    if (!part.left().empty()) return;
    if (part.owner) dropped.push_back(std::move(part.owner));
    recycle(part);
    parts_.pop_front();
  }
}

void SendQueue::clear(Dropped& dropped) {
  for (Part& part : parts_) {
    if (part.owner) dropped.push_back(std::move(part.owner));
  }
  parts_.clear();
  bytes_ = 0;
}

}  // namespace cppipc
