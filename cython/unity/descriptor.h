// SPDX-License-Identifier: Apache-2.0
#pragma once
// An open file descriptor that closes itself.

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace unity {

class Descriptor {
 public:
  // Takes what a system call returned. Errors: std::system_error with errno if it is negative.
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "opening a descriptor");
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  // The descriptor, which is the caller's from now on.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace unity
