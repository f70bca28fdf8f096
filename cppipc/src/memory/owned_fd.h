// SPDX-License-Identifier: Apache-2.0
#pragma once
// A descriptor that is closed with its owner, and the errors of system calls.

#include <cppipc/error.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

namespace cppipc {

class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// The error of a system call: kOutOfMemory for ENOMEM, else kInputOutput with the number.
inline Error system_error(const char* what, int number = errno) {
  Error error(number == ENOMEM ? ErrorKind::kOutOfMemory : ErrorKind::kInputOutput,
              std::string(what) + ": " + std::generic_category().message(number));
  error.error_number = number;
  return error;
}

inline std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// The page is two to the power of this.
inline unsigned page_shift() noexcept {
  static const auto shift = static_cast<unsigned>(__builtin_ctzll(page_bytes()));
  return shift;
}

// `bytes` rounded up to a multiple of `unit`, a power of two; 0 if that is more than there are.
constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return bytes > SIZE_MAX - (unit - 1) ? 0 : (bytes + unit - 1) & ~(unit - 1);
}

}  // namespace cppipc
