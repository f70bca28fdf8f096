// SPDX-License-Identifier: Apache-2.0
// A message of one small segment goes out in one sendmsg() together with what was queued before
// it; only what the socket refuses is copied into the queue.
//
// Received bytes go to a read-ahead buffer, from which each frame is copied into memory of its
// own: a message outlives the read that brought it, since it may wait for its object. A frame
// longer than the buffer is received straight into its own memory.
#include "rpc/connection.h"

#include <cppipc/error.h>

#include <fcntl.h>
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

namespace cppipc {
namespace {

constexpr std::size_t kBufferBytes = 128 << 10;
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

void make_non_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
    const int number = errno;
    Error error(ErrorKind::kInputOutput,
                std::string("cannot use the descriptor of a socket: ") + std::strerror(number));
    error.error_number = number;
    throw error;
  }
}

}  // namespace

Connection::Connection(Descriptor socket, std::uint64_t message_bytes)
    : socket_(std::move(socket)),
      message_bytes_(message_bytes),
      buffer_(kj::heapArray<capnp::word>(kBufferBytes / sizeof(capnp::word))) {
  make_non_blocking(socket_.get());
}

bool Connection::send(capnp::MessageBuilder& message, Flush flush, int descriptor) {
  const auto segments = message.getSegmentsForOutput();
  ShortArray<std::uint32_t, 8> table((segments.size() + 2) & ~std::size_t{1});
  table[0] = static_cast<std::uint32_t>(segments.size() - 1);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    table[i + 1] = static_cast<std::uint32_t>(segments[i].size());
  }
  ShortArray<iovec, 8> pieces(segments.size() + 2);
  std::size_t count = 0;
  std::lock_guard lock(send_mutex_);
  if (is_broken_) return true;
  const bool is_queued = queue_sent_ < queue_.size();
  if (is_queued) {
    pieces[count++] = {queue_.data() + queue_sent_, queue_.size() - queue_sent_};
  }
  const std::size_t own_pieces_begin = count;
  pieces[count++] = {table.data(), table.size() * sizeof(std::uint32_t)};
  for (const auto& segment : segments) {
    const auto bytes = segment.asBytes();
    if (bytes.size() != 0) {
      pieces[count++] = {const_cast<unsigned char*>(bytes.begin()), bytes.size()};
    }
  }
  std::size_t sent = 0;
  // What has to do with descriptors goes through the queue.
  if (descriptor >= 0) {
    queue_descriptor_locked(descriptor);
  } else if (flush == Flush::kNow && count <= IOV_MAX && queued_descriptors_.empty()) {
    msghdr header{};
    header.msg_iov = pieces.data();
    header.msg_iovlen = count;
    const ssize_t result = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      is_broken_ = true;  // the reader finds out why
      is_full_ = false;
      queued_bytes_ = 0;
      return true;
    }
    sent = result < 0 ? 0 : static_cast<std::size_t>(result);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t skipped = std::min(sent, pieces[i].iov_len);
    sent -= skipped;
    if (i < own_pieces_begin) {
      queue_sent_ += skipped;
      if (queue_sent_ == queue_.size()) {
        queue_.clear();
        queue_sent_ = 0;
      }
    } else {
      const auto* bytes = static_cast<const std::byte*>(pieces[i].iov_base);
      queue_.insert(queue_.end(), bytes + skipped, bytes + pieces[i].iov_len);
    }
  }
  queued_bytes_ = queue_.size() - queue_sent_;
  if (queued_bytes_ == 0) {
    is_full_ = false;
    return true;
  }
  return flush == Flush::kLater ? true : flush_locked();
}

void Connection::queue_descriptor_locked(int descriptor) {
  Descriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  // Without a number to spare the message goes alone, and the peer finds nothing with it.
  if (copy) queued_descriptors_.emplace_back(queue_.size(), std::move(copy));
}

bool Connection::flush() {
  if (!has_queued()) return true;
  std::lock_guard lock(send_mutex_);
  return flush_locked();
}

// Sends the next bytes of the queue, together with the descriptor that belongs to the first.
std::int64_t Connection::send_queued_locked() {
  iovec piece{queue_.data() + queue_sent_, queue_.size() - queue_sent_};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
  const bool has_descriptor =
      !queued_descriptors_.empty() && queued_descriptors_.front().first == queue_sent_;
  if (has_descriptor) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = queued_descriptors_.front().second.get();
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  const std::size_t next = has_descriptor ? 1 : 0;
  if (queued_descriptors_.size() > next) {
    piece.iov_len = queued_descriptors_[next].first - queue_sent_;
  }
  const ssize_t result = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (!has_descriptor) return result;
  if (result < 0 && errno != ETOOMANYREFS && errno != EINVAL) return result;
  // With an error: too many are on the way, or the socket carries none. The message goes alone.
  queued_descriptors_.pop_front();
  return std::max<ssize_t>(result, 0);
}

bool Connection::flush_locked() {
  while (queue_sent_ < queue_.size() && !is_broken_) {
    const std::int64_t result = send_queued_locked();
    if (result < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      is_broken_ = true;
      break;
    }
    queue_sent_ += static_cast<std::size_t>(result);
  }
  if (queue_sent_ == queue_.size() || is_broken_) {
    if (queue_.capacity() > kBufferBytes) {
      queue_ = {};
    } else {
      queue_.clear();
    }
    queue_sent_ = 0;
    queued_descriptors_.clear();
  } else if (queue_sent_ > (1 << 20) && queue_sent_ > queue_.size() / 2) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(queue_sent_));
    for (auto& waiting : queued_descriptors_) waiting.first -= queue_sent_;
    queue_sent_ = 0;
  }
  queued_bytes_ = queue_.size() - queue_sent_;
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

void Connection::take_frames(
    const std::function<void(std::unique_ptr<IncomingMessage>)>& on_message) {
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
  if (unfinished > kBufferBytes) begin_large(unfinished);
}

Connection::State Connection::receive(
    const std::function<void(std::unique_ptr<IncomingMessage>)>& on_message,
    std::uint64_t most_bytes) {
  std::uint64_t total = 0;
  for (;;) {
    if (total >= most_bytes) return State::kMore;
    if (large_.size() != 0) {
      const std::size_t room = large_.asBytes().size() - large_filled_;
      const std::int64_t got =
          read_some(reinterpret_cast<std::byte*>(large_.begin()) + large_filled_, room);
      if (got < 0) return State::kOpen;
      if (got == 0) return State::kEnded;
      total += static_cast<std::size_t>(got);
      large_filled_ += static_cast<std::size_t>(got);
      if (static_cast<std::size_t>(got) == room) {
        large_filled_ = 0;
        auto words = kj::mv(large_);
        large_ = nullptr;
        on_message(std::make_unique<IncomingMessage>(kj::mv(words)));
      }
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
    // A stream that gave less than was asked for is empty: the next byte is a new edge.
    const bool is_empty =
        static_cast<std::size_t>(got) < room && !is_end_expected_ && !is_cut_short_;
    if (is_empty && large_.size() == 0) return State::kOpen;
  }
}

void Connection::shutdown() { ::shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace cppipc
