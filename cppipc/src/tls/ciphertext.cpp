// SPDX-License-Identifier: Apache-2.0
#include "tls/ciphertext.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace cppipc::tls {
namespace {

// Memory that is kept when all is sent, as small calls need it. More is kept only as long as much
// is sent.
constexpr std::size_t kKeptBytes = 4 << 10;

Ciphertext& of(BIO* bio) { return *static_cast<Ciphertext*>(BIO_get_data(bio)); }

}  // namespace

BIO_METHOD* Ciphertext::method() {
  // Made once, and kept like the library itself.
  static BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ciphertext");
    if (fresh == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(fresh, &Ciphertext::write);
    BIO_meth_set_read(fresh, &Ciphertext::read);
    BIO_meth_set_ctrl(fresh, &Ciphertext::control);
    return fresh;
  }();
  return made;
}

BIO* Ciphertext::make_bio() {
  BIO* const bio = BIO_new(method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

int Ciphertext::write(BIO* bio, const char* bytes, int size) {
  Ciphertext& self = of(bio);
  BIO_clear_retry_flags(bio);
  if (self.is_broken_ || size < 0) return -1;
  try {
    self.append({reinterpret_cast<const unsigned char*>(bytes), static_cast<std::size_t>(size)});
  } catch (const std::bad_alloc&) {  // no exception may pass through C
    self.is_broken_ = true;
    self.drop();
    return -1;
  }
  return size;
}

void Ciphertext::append(std::span<const unsigned char> bytes) {
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  out_.insert(out_.end(), begin, begin + bytes.size());
  unsent_.store(out_.size() - sent_, std::memory_order_relaxed);
}

void Ciphertext::drop() {
  if (out_.capacity() > kKeptBytes && out_.size() < out_.capacity() / 8) {
    std::vector<std::byte>().swap(out_);
  }
  out_.clear();
  sent_ = 0;
  unsent_.store(0, std::memory_order_relaxed);
}

bool Ciphertext::flush() {
  while (sent_ < out_.size()) {
    const ssize_t result =
        ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result >= 0) {
      sent_ += static_cast<std::size_t>(result);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      unsent_.store(out_.size() - sent_, std::memory_order_relaxed);
      return false;
    }
    is_broken_ = true;
    break;
  }
  if (!out_.empty()) drop();
  return true;
}

void Ciphertext::begin_receive(bool is_end_expected) {
  is_end_expected_ = is_end_expected;
  is_drained_ = false;
}

bool Ciphertext::take_was_empty() {
  const bool was_empty = was_empty_;
  was_empty_ = false;
  return was_empty;
}

int Ciphertext::read(BIO* bio, char* to, int room) {
  BIO_clear_retry_flags(bio);
  if (to == nullptr || room <= 0) return 0;
  return of(bio).receive({to, static_cast<std::size_t>(room)}, bio);
}

int Ciphertext::receive(std::span<char> to, BIO* bio) {
  if (is_at_end_) return 0;
  while (!is_drained_) {
    const ssize_t got = ::recv(fd_, to.data(), to.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) {
      is_at_end_ = true;
      return 0;
    }
    received_ += static_cast<std::uint64_t>(got);
    if (first_byte_ < 0) first_byte_ = static_cast<unsigned char>(to[0]);
    // A stream that gave less than was asked for is empty: the next byte is a new edge.
    is_drained_ = static_cast<std::size_t>(got) < to.size() && !is_end_expected_;
    return static_cast<int>(got);
  }
  was_empty_ = true;
  BIO_set_retry_read(bio);
  return -1;
}

long Ciphertext::control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return of(bio).is_at_end_ ? 1 : 0;
    default:
      return 0;
  }
}

}  // namespace cppipc::tls
