// SPDX-License-Identifier: Apache-2.0
#pragma once
// A stream socket that carries whole messages.
//
// Sending is for any thread and never blocks: what the socket does not take is queued here.
// Receiving is for one thread at a time. The connection knows no protocol and no event loop.
//
// With a channel, messages are encrypted on their way, and no descriptors cross.

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

#include "rpc/channel.h"
#include "rpc/descriptor.h"
#include "rpc/landing.h"
#include "rpc/message.h"
#include "rpc/send_queue.h"

namespace cppipc {

class Connection {
 public:
  enum class Flush { kNow, kLater };
  enum class State { kOpen, kMore, kEnded };

  using OnMessage = std::function<void(std::unique_ptr<IncomingMessage>)>;
  // Who has a place for the last segment of a frame of two, of so many bytes, by its first one;
  // null: nobody. Called while receiving.
  using FindLanding = std::function<std::shared_ptr<Landing>(
      kj::ArrayPtr<const capnp::word> first_segment, std::size_t size_bytes)>;

  // Takes the socket and makes it non-blocking; see prepare_socket(). `message_bytes` limits what
  // is received. `channel` uses that socket; null: messages travel as they are.
  // Errors: kInputOutput.
  Connection(Descriptor socket, std::uint64_t message_bytes,
             std::unique_ptr<Channel> channel = nullptr);

  int fd() const { return socket_.get(); }
  // Null if nothing is encrypted.
  const Channel* channel() const { return channel_.get(); }
  void set_message_bytes(std::uint64_t bytes) { message_bytes_ = bytes; }

  // Queues a message, behind those queued before, and with kNow sends as much as the socket takes.
  // Returns what flush() returns. After the end of the connection it drops the message.
  // A descriptor crosses with the first byte of its message, or not at all: the peer says so. It is
  // duplicated if it has to wait.
  // With an `owner`, who keeps long segments of the message as they are, those are not copied if
  // they have to wait.
  bool send(capnp::MessageBuilder& message, Flush flush, int descriptor = -1,
            const SendQueue::Owner& owner = nullptr);
  // Sends as much of the queue as the socket takes. True if the queue is empty afterwards; false:
  // call again when the socket is writable.
  bool flush();
  // The same for whoever holds a lock: what was sent kept its owners, whose ends may run code of
  // theirs, and `dropped` has those, to be destroyed without the lock.
  bool flush(SendQueue::Dropped& dropped);
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
  State receive(const OnMessage& on_message, std::uint64_t most_bytes = ~std::uint64_t{0});
  // Before the first receive().
  void set_find_landing(FindLanding find) { find_landing_ = std::move(find); }
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
  // What the socket has taken.
  std::uint64_t sent_bytes() const { return sent_bytes_.load(std::memory_order_relaxed); }

  // Ends the connection for both sides, and tells the other one if it is encrypted; the descriptor
  // stays until the destructor.
  void shutdown();

 private:
  State receive_messages(const OnMessage& on_message, std::uint64_t most_bytes);
  void take_frames(const OnMessage& on_message);
  bool begin_landing();
  void landed(std::span<std::byte> place, const OnMessage& on_message);
  std::int64_t receive_large(const OnMessage& on_message);
  void begin_large(std::uint64_t frame_bytes);
  std::int64_t read_some(std::byte* to, std::size_t room);
  std::int64_t read_plain(std::byte* to, std::size_t room);
  std::int64_t send_now_locked(std::span<iovec> pieces);
  bool flush_locked(SendQueue::Dropped& dropped);
  void break_locked(SendQueue::Dropped& dropped);
  std::int64_t send_queued_locked();
  void count_sent_locked(std::uint64_t bytes) {
    sent_bytes_.store(sent_bytes_.load(std::memory_order_relaxed) + bytes,
                      std::memory_order_relaxed);
  }
  // With a channel.
  bool flush_channel_locked(SendQueue::Dropped& dropped);
  void see_to_channel();
  void keep_descriptors(msghdr& header);

  Descriptor socket_;
  const std::unique_ptr<Channel> channel_;
  std::atomic<std::uint64_t> message_bytes_;

  // Receiving.
  kj::Array<capnp::word> buffer_;  // read-ahead
  std::size_t buffered_ = 0;       // bytes in it
  // A frame longer than the buffer, being received; or its first segment, if the other lands
  // elsewhere.
  kj::Array<capnp::word> large_;
  std::size_t large_filled_ = 0;  // bytes of it, or of the segment that lands
  FindLanding find_landing_;
  std::shared_ptr<Landing> landing_;
  std::size_t landing_bytes_ = 0;
  bool is_end_expected_ = false;
  bool is_cut_short_ = false;  // the latest read brought a descriptor, and perhaps not all there is
  std::atomic<std::uint64_t> received_bytes_{0};
  std::deque<Descriptor> descriptors_;  // received and not taken

  // Sending.
  std::mutex send_mutex_;
  SendQueue queue_;
  bool has_descriptors_ = false;  // in the queue
  std::atomic<std::uint64_t> queued_bytes_{0};
  std::atomic<std::uint64_t> sent_bytes_{0};  // written with the lock only
  std::atomic<bool> is_full_{false};
  bool is_broken_ = false;
};

}  // namespace cppipc
