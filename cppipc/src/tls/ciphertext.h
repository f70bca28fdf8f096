// SPDX-License-Identifier: Apache-2.0
#pragma once
// The encrypted bytes of a connection, between OpenSSL and the socket.
//
// OpenSSL writes here without ever being refused, so that no write has to be repeated with the
// same bytes; what the socket does not take waits. Whoever lets OpenSSL write looks at unsent()
// first, which bounds how much that is.

#include <openssl/bio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cppipc::tls {

// Borrows the socket. Threads: one at a time, but unsent() from any.
class Ciphertext {
 public:
  explicit Ciphertext(int fd) : fd_(fd) {}
  Ciphertext(const Ciphertext&) = delete;
  Ciphertext& operator=(const Ciphertext&) = delete;

  // What OpenSSL is given; it must not be used after this object. Errors: std::bad_alloc.
  BIO* make_bio();

  // Sends what the socket takes. True if nothing is left.
  bool flush();
  std::size_t unsent() const { return unsent_.load(std::memory_order_relaxed); }
  // Puts bytes of our own behind what waits. Errors: std::bad_alloc.
  void append(std::span<const unsigned char> bytes);
  // The socket takes nothing more, ever; what waited is dropped.
  bool is_broken() const { return is_broken_; }

  // The socket may have something again, and has been read empty after a short read, unless its
  // end has been reported.
  void begin_receive(bool is_end_expected);
  // Whether OpenSSL was told, since the last call of this, that nothing more is there now.
  bool take_was_empty();
  // The stream has ended, in order or by a reset.
  bool is_at_end() const { return is_at_end_; }
  // Bytes so far.
  std::uint64_t received() const { return received_; }
  // The first byte that ever came; -1 before.
  int first_byte() const { return first_byte_; }

 private:
  static int write(BIO* bio, const char* bytes, int size);
  static int read(BIO* bio, char* to, int room);
  static long control(BIO* bio, int command, long number, void* pointer);
  int receive(std::span<char> to, BIO* bio);
  static BIO_METHOD* method();
  void drop();

  const int fd_;
  std::vector<std::byte> out_;
  std::size_t sent_ = 0;  // of out_
  std::atomic<std::size_t> unsent_{0};
  bool is_broken_ = false;

  bool is_end_expected_ = false;
  bool is_drained_ = false;  // a short read has shown it
  bool was_empty_ = false;
  bool is_at_end_ = false;
  std::uint64_t received_ = 0;
  int first_byte_ = -1;
};

}  // namespace cppipc::tls
