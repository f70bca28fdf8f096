// SPDX-License-Identifier: Apache-2.0
#pragma once
// A stream socket that carries whole messages.
//
// Sending is for any thread and never blocks: what the socket does not take is queued here.
// Receiving is for one thread at a time. The connection knows no protocol and no event loop.

#include <capnp/message.h>

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "rpc/descriptor.h"
#include "rpc/message.h"

namespace cppipc {

class Connection {
 public:
  enum class Flush { kNow, kLater };
  enum class State { kOpen, kMore, kEnded };

  // Takes the socket and makes it non-blocking. `message_bytes` limits what is received.
  // Errors: kInputOutput.
  Connection(Descriptor socket, std::uint64_t message_bytes);

  int fd() const { return socket_.get(); }
  void set_message_bytes(std::uint64_t bytes) { message_bytes_ = bytes; }

  // Queues a message, behind those queued before, and with kNow sends as much as the socket takes.
  // Returns what flush() returns. After the end of the connection it drops the message.
  // A descriptor crosses with the first byte of its message, or not at all: the peer says so. It is
  // duplicated if it has to wait.
  bool send(capnp::MessageBuilder& message, Flush flush, int descriptor = -1);
  // Sends as much of the queue as the socket takes. True if the queue is empty afterwards; false:
  // call again when the socket is writable.
  bool flush();
  // Messages that were queued with kLater wait for a flush.
  bool has_queued() const { return queued_bytes_.load(std::memory_order_relaxed) != 0; }
  std::uint64_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }
  // Whether the socket has refused bytes since it last took all: flush() when it is writable.
  bool is_full() const { return is_full_.load(std::memory_order_relaxed); }

  // Reads what has arrived, and gives every whole message to `on_message`. After kOpen, the
  // socket had nothing more at that moment (so an edge-triggered poller reports the next byte);
  // after kMore it had, and `most_bytes` or a few more were read.
  // Errors: kProtocol, kTooLarge for frames that cannot be; kConnectionLost for a socket error;
  // whatever on_message throws. The connection is of no use after an error.
  State receive(const std::function<void(std::unique_ptr<IncomingMessage>)>& on_message,
                std::uint64_t most_bytes = ~std::uint64_t{0});
  // The poller has reported the end of the stream, perhaps together with the last bytes and never
  // again: from now on receive() reads until it finds that end, and takes no short read for an
  // empty socket. Call it on the thread that receives.
  void expect_end() { is_end_expected_ = true; }
  // Whether a part of a message has arrived, and not yet its rest. For the thread that receives.
  bool is_within_message() const { return buffered_ != 0 || large_.size() != 0; }

  // The descriptor of a file with that inode, of those that have arrived and were not taken: the
  // latest few. None if it did not arrive. For the thread that receives.
  Descriptor take_descriptor(std::uint64_t inode);

  std::uint64_t received_bytes() const { return received_bytes_.load(std::memory_order_relaxed); }

  // Ends the connection for both sides; the descriptor stays until the destructor.
  void shutdown();

 private:
  void take_frames(const std::function<void(std::unique_ptr<IncomingMessage>)>& on_message);
  void begin_large(std::uint64_t frame_bytes);
  std::int64_t read_some(std::byte* to, std::size_t room);
  bool flush_locked();
  std::int64_t send_queued_locked();
  void queue_descriptor_locked(int descriptor);
  void keep_descriptors(msghdr& header);

  Descriptor socket_;
  std::atomic<std::uint64_t> message_bytes_;

  // Receiving.
  kj::Array<capnp::word> buffer_;  // read-ahead
  std::size_t buffered_ = 0;       // bytes in it
  kj::Array<capnp::word> large_;   // a frame longer than the buffer, being received
  std::size_t large_filled_ = 0;
  bool is_end_expected_ = false;
  bool is_cut_short_ = false;  // the latest read brought a descriptor, and perhaps not all there is
  std::atomic<std::uint64_t> received_bytes_{0};
  std::deque<Descriptor> descriptors_;  // received and not taken

  // Sending.
  std::mutex send_mutex_;
  std::vector<std::byte> queue_;
  std::size_t queue_sent_ = 0;
  // Descriptors that wait, each with the place in the queue that it belongs to.
  std::deque<std::pair<std::size_t, Descriptor>> queued_descriptors_;
  std::atomic<std::uint64_t> queued_bytes_{0};
  std::atomic<bool> is_full_{false};
  bool is_broken_ = false;
};

}  // namespace cppipc
