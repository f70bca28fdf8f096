// SPDX-License-Identifier: Apache-2.0
// What a connection does differently if it is encrypted.
#include <array>

#include "rpc/connection.h"

namespace cppipc {
namespace {

// Parts of the queue that are encrypted in one step.
constexpr std::size_t kPieces = 16;

}  // namespace

bool Connection::flush_channel_locked(SendQueue::Dropped& dropped) {
  while (!queue_.is_empty() && !is_broken_) {
    std::array<iovec, kPieces> pieces;
    const std::int64_t result = channel_->send({pieces.data(), queue_.first(pieces)});
    if (result == 0) break;
    if (result < 0) {
      break_locked(dropped);
      return true;
    }
    count_sent_locked(static_cast<std::size_t>(result));
    queue_.pop(static_cast<std::size_t>(result), dropped);
  }
  channel_->flush();
  queued_bytes_ = queue_.bytes() + channel_->unsent();
  is_full_ = queued_bytes_ != 0;
  return !is_full_;
}

// After reading: what the channel had to answer by itself may wait for room in the socket, and
// what was sent before the end of its handshake waits here.
void Connection::see_to_channel() {
  SendQueue::Dropped dropped;  // destroyed without the lock
  std::lock_guard lock(send_mutex_);
  // What waits for the next message goes on waiting.
  if (is_broken_ || (!is_full_ && channel_->unsent() == 0)) return;
  flush_channel_locked(dropped);
}

}  // namespace cppipc
