// SPDX-License-Identifier: Apache-2.0
// A message of one small segment goes out in one sendmsg() together with what was queued before
// it; only what the socket refuses is copied into the queue.
//
// Received bytes go to a read-ahead buffer, from which each frame is copied into memory of its
// own: a message outlives the read that brought it, since it may wait for its object. A frame
// longer than the buffer is received straight into its own memory.
#include "rpc/connection.h"

#include <cppipc/error.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

#include "rpc/frame.h"
#include "rpc/socket_options.h"

namespace cppipc {
namespace {

constexpr std::size_t kBufferBytes = 128 << 10;
// Parts of the queue that are sent in one step.
constexpr std::size_t kQueuedPieces = 8;
// That have arrived and not been taken; a peer sends one with each message that needs it.
constexpr std::size_t kDescriptorsMax = 4;

// An array that is on the stack unless it is long: most messages have one segment.
template <class T, std::size_t kUsual>
class ShortArray {
 public:
  explicit ShortArray(std::size_t size) : size_(size) {
    if (size > kUsual) long_.resize(size);
  }
  T* data() { return size_ > kUsual ? long_.data() : short_.data(); }
  T& operator[](std::size_t i) { return data()[i]; }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  std::array<T, kUsual> short_{};
  std::vector<T> long_;
};

}  // namespace

Connection::Connection(Descriptor socket, std::uint64_t message_bytes,
                       std::unique_ptr<Channel> channel)
    : socket_(std::move(socket)),
      channel_(std::move(channel)),
      message_bytes_(message_bytes),
      buffer_(kj::heapArray<capnp::word>(kBufferBytes / sizeof(capnp::word))) {
  prepare_socket(socket_.get());
}

// Sends what can be sent at once, and returns how many bytes; -1 if the connection is broken.
std::int64_t Connection::send_now_locked(std::span<iovec> pieces) {
  if (channel_) return channel_->send(pieces);
  msghdr header{};
  header.msg_iov = pieces.data();
  header.msg_iovlen = pieces.size();
  const ssize_t result = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (result >= 0) return result;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

bool Connection::send(capnp::MessageBuilder& message, Flush flush, int descriptor,
                      const SendQueue::Owner& owner) {
  const auto segments = message.getSegmentsForOutput();
  ShortArray<std::uint32_t, 8> table((segments.size() + 2) & ~std::size_t{1});
  table[0] = static_cast<std::uint32_t>(segments.size() - 1);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    table[i + 1] = static_cast<std::uint32_t>(segments[i].size());
  }
  ShortArray<iovec, kQueuedPieces + 8> pieces(kQueuedPieces + segments.size() + 1);
  SendQueue::Dropped dropped;  // destroyed without the lock
  std::lock_guard lock(send_mutex_);
  if (is_broken_) return true;
  // Together with what was queued before, unless that is too much.
  const std::size_t own_begin = queue_.first({pieces.data(), kQueuedPieces});
  std::size_t count = own_begin;
  pieces[count++] = {table.data(), table.size() * sizeof(std::uint32_t)};
  for (const auto& segment : segments) {
    const auto bytes = segment.asBytes();
    if (bytes.size() == 0) continue;
    pieces[count++] = {const_cast<unsigned char*>(bytes.begin()), bytes.size()};
  }
  std::size_t sent = 0;
  // What has to do with descriptors goes through the queue.
  const bool is_direct = flush == Flush::kNow && descriptor < 0 && own_begin < kQueuedPieces &&
                         count <= IOV_MAX && !has_descriptors_;
  if (is_direct) {
    const std::int64_t result = send_now_locked({pieces.data(), count});
    if (result < 0) {
      break_locked(dropped);  // the reader finds out why
      return true;
    }
    sent = static_cast<std::size_t>(result);
    count_sent_locked(sent);
    const std::size_t of_queue = std::min<std::size_t>(sent, queue_.bytes());
    queue_.pop(of_queue, dropped);
    sent -= of_queue;
  }
  if (descriptor >= 0 && !channel_) {
    queue_.append_descriptor(descriptor);
    has_descriptors_ = true;
  }
  for (std::size_t i = own_begin; i < count; ++i) {
    const std::size_t skipped = std::min(sent, pieces[i].iov_len);
    sent -= skipped;
    const auto* bytes = static_cast<const std::byte*>(pieces[i].iov_base);
    queue_.append({bytes + skipped, pieces[i].iov_len - skipped}, i > own_begin ? owner : nullptr);
  }
  queued_bytes_ = queue_.bytes() + (channel_ ? channel_->unsent() : 0);
  if (queued_bytes_ == 0) {
    is_full_ = false;
    return true;
  }
  return flush == Flush::kLater ? true : flush_locked(dropped);
}

bool Connection::flush() {
  SendQueue::Dropped dropped;  // destroyed without the lock
  return flush(dropped);
}

bool Connection::flush(SendQueue::Dropped& dropped) {
  if (!has_queued()) return true;
  std::lock_guard lock(send_mutex_);
  return flush_locked(dropped);
}

void Connection::break_locked(SendQueue::Dropped& dropped) {
  is_broken_ = true;
  is_full_ = false;
  queue_.clear(dropped);
  queued_bytes_ = 0;
}

// Sends the next bytes of the queue, together with the descriptor that belongs to the first.
std::int64_t Connection::send_queued_locked() {
  std::array<iovec, kQueuedPieces> pieces;
  msghdr header{};
  header.msg_iov = pieces.data();
  header.msg_iovlen = queue_.first(pieces);
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
  const int descriptor = queue_.first_descriptor();
  if (descriptor >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  const ssize_t result = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (descriptor < 0 || result >= 0 || (errno != ETOOMANYREFS && errno != EINVAL)) return result;
  // Too many are on the way, or the socket carries none. The message goes alone.
  queue_.drop_first_descriptor();
  return 0;
}

bool Connection::flush_locked(SendQueue::Dropped& dropped) {
  if (channel_) return flush_channel_locked(dropped);
  while (!queue_.is_empty() && !is_broken_) {
    const std::int64_t result = send_queued_locked();
    if (result < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      break_locked(dropped);
      return true;
    }
    count_sent_locked(static_cast<std::uint64_t>(result));
    queue_.pop(static_cast<std::size_t>(result), dropped);
  }
  if (queue_.is_empty()) has_descriptors_ = false;
  queued_bytes_ = queue_.bytes();
  is_full_ = queued_bytes_ != 0;
  return !is_full_;
}

void Connection::keep_descriptors(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
      descriptors_.emplace_back(descriptor);
    }
  }
  while (descriptors_.size() > kDescriptorsMax) descriptors_.pop_front();
}

Descriptor Connection::take_descriptor(std::uint64_t inode) {
  for (auto& descriptor : descriptors_) {
    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0 || status.st_ino != inode) continue;
    Descriptor taken = std::move(descriptor);
    std::erase_if(descriptors_, [](const Descriptor& left) { return !left; });
    return taken;
  }
  return {};
}

std::int64_t Connection::read_some(std::byte* to, std::size_t room) {
  if (!channel_) return read_plain(to, room);
  const std::int64_t got = channel_->receive(to, room);
  if (got > 0) {
    received_bytes_.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
  }
  return got;
}

std::int64_t Connection::read_plain(std::byte* to, std::size_t room) {
  iovec piece{to, room};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kDescriptorsMax * sizeof(int))> control;
  for (;;) {
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    // Descriptors that there are no numbers or no room for are dropped by the kernel.
    const ssize_t result = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (result >= 0) {
      if (header.msg_controllen > 0) keep_descriptors(header);
      // The kernel ends a read behind what came with a descriptor, also one that it dropped.
      is_cut_short_ = header.msg_controllen > 0 || (header.msg_flags & MSG_CTRUNC) != 0;
      received_bytes_.fetch_add(static_cast<std::uint64_t>(result), std::memory_order_relaxed);
      return result;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return -1;
    if (errno == ECONNRESET || errno == EPIPE) return 0;
    throw Error(ErrorKind::kConnectionLost,
                std::string("the connection failed: ") + std::strerror(errno));
  }
}

void Connection::begin_large(std::uint64_t frame_bytes) {
  large_ = kj::heapArray<capnp::word>(frame_bytes / sizeof(capnp::word));
  std::memcpy(large_.begin(), buffer_.begin(), buffered_);
  large_filled_ = buffered_;
  buffered_ = 0;
}

// A frame of two segments, a short one and a long one that somebody has a place for.
bool Connection::begin_landing() {
  const auto* words = reinterpret_cast<const std::uint32_t*>(buffer_.begin());
  if (!find_landing_ || words[0] != 1) return false;
  const std::size_t head_words = 2 + std::size_t{words[1]};
  const std::size_t head_bytes = head_words * sizeof(capnp::word);
  const std::size_t size_bytes = std::size_t{words[2]} * sizeof(capnp::word);
  if (head_bytes > buffered_) return false;
  auto landing = find_landing_(buffer_.slice(2, head_words), size_bytes);
  if (!landing) return false;
  large_ = kj::heapArray<capnp::word>(head_words);
  std::memcpy(large_.begin(), buffer_.begin(), head_bytes);
  landing_ = std::move(landing);
  landing_bytes_ = size_bytes;
  large_filled_ = buffered_ - head_bytes;
  landing_->receive([&](std::span<std::byte> place) {
    const auto* bytes = reinterpret_cast<const std::byte*>(buffer_.begin()) + head_bytes;
    if (!place.empty()) std::memcpy(place.data(), bytes, large_filled_);
    buffered_ = 0;
  });
  return true;
}

void Connection::landed(std::span<std::byte> place, const OnMessage& on_message) {
  auto head = kj::mv(large_);
  large_ = nullptr;
  large_filled_ = 0;
  const kj::ArrayPtr<const capnp::word> rest(reinterpret_cast<const capnp::word*>(place.data()),
                                             place.size() / sizeof(capnp::word));
  on_message(std::make_unique<IncomingMessage>(kj::mv(head), rest));
}

void Connection::take_frames(const OnMessage& on_message) {
  const auto* begin = reinterpret_cast<const std::byte*>(buffer_.begin());
  std::size_t at = 0;
  std::uint64_t unfinished = 0;
  while (at < buffered_) {
    const FrameSize frame =
        measure_frame({begin + at, buffered_ - at}, message_bytes_ + kEnvelopeBytes);
    if (!frame.is_complete_table || frame.bytes > buffered_ - at) {
      if (frame.is_complete_table) unfinished = frame.bytes;
      break;
    }
    auto words = kj::heapArray<capnp::word>(frame.bytes / sizeof(capnp::word));
    std::memcpy(words.begin(), begin + at, frame.bytes);
    at += frame.bytes;
    on_message(std::make_unique<IncomingMessage>(kj::mv(words)));
  }
  if (at > 0) {
    std::memmove(buffer_.begin(), begin + at, buffered_ - at);
    buffered_ -= at;
  }
  if (unfinished > kBufferBytes && !begin_landing()) begin_large(unfinished);
}

// Receives more of the long frame that has begun.
std::int64_t Connection::receive_large(const OnMessage& on_message) {
  std::int64_t got = 0;
  const auto take = [&](std::byte* to, std::size_t room) {
    got = read_some(to, room);
    if (got > 0) large_filled_ += static_cast<std::size_t>(got);
  };
  if (!landing_) {
    const std::size_t whole = large_.asBytes().size();
    take(reinterpret_cast<std::byte*>(large_.begin()) + large_filled_, whole - large_filled_);
    if (large_filled_ < whole) return got;
    auto words = kj::mv(large_);
    large_ = nullptr;
    large_filled_ = 0;
    on_message(std::make_unique<IncomingMessage>(kj::mv(words)));
    return got;
  }
  const std::size_t left = landing_bytes_ - large_filled_;
  bool is_done = false;
  landing_->receive([&](std::span<std::byte> place) {
    if (place.empty()) {  // nobody wants the bytes any more
      take(reinterpret_cast<std::byte*>(buffer_.begin()), std::min(left, kBufferBytes));
    } else {
      take(place.data() + large_filled_, left);
    }
    is_done = large_filled_ == landing_bytes_;
    if (is_done) landed(place, on_message);
  });
  if (is_done) landing_.reset();
  return got;
}

Connection::State Connection::receive(const OnMessage& on_message, std::uint64_t most_bytes) {
  if (!channel_) return receive_messages(on_message, most_bytes);
  channel_->begin_receive(is_end_expected_);
  const State state = receive_messages(on_message, most_bytes);
  see_to_channel();
  return state;
}

Connection::State Connection::receive_messages(const OnMessage& on_message,
                                               std::uint64_t most_bytes) {
  std::uint64_t total = 0;
  for (;;) {
    if (total >= most_bytes) return State::kMore;
    if (large_.size() != 0) {
      const std::int64_t got = receive_large(on_message);
      if (got < 0) return State::kOpen;
      if (got == 0) return State::kEnded;
      total += static_cast<std::size_t>(got);
      continue;
    }
    const std::size_t room = kBufferBytes - buffered_;
    const std::int64_t got =
        read_some(reinterpret_cast<std::byte*>(buffer_.begin()) + buffered_, room);
    if (got < 0) return State::kOpen;
    if (got == 0) return State::kEnded;
    total += static_cast<std::size_t>(got);
    buffered_ += static_cast<std::size_t>(got);
    take_frames(on_message);
    if (!is_within_message()) descriptors_.clear();  // nobody has wanted them
    // A stream that gave less than was asked for is empty: the next byte is a new edge. A channel
    // has more, unless it says otherwise.
    const bool is_empty =
        static_cast<std::size_t>(got) < room && !is_end_expected_ && !is_cut_short_ && !channel_;
    if (is_empty && large_.size() == 0) return State::kOpen;
  }
}

void Connection::shutdown() {
  if (channel_) channel_->end();
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace cppipc
