// SPDX-License-Identifier: Apache-2.0
#pragma once
// A listening Unix socket and the file that names it, if one does.

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <string>

#include "server/address.h"

namespace cppipc::server {

// A descriptor that is closed when it goes. Owns: the descriptor.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  ~OwnedFd() { reset(); }
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_;
};

// Binds and listens at a path, for the user of this process only (mode 0600).
//
// A socket file that nobody listens on any more is replaced; anything else at the path is left
// alone. Starting servers exclude one another with a lock file beside it, PATH.lock, which is there
// only while one of them starts. Paths longer than a socket address holds (107 bytes) are reached
// through /proc/self/fd of their directory; then only the file's name is limited.
//
// An abstract name has no file: it is free as soon as nobody has it open, so there is nothing to
// replace, to lock or to remove.
//
// Owns: the listening descriptor and the file, which is removed at the end if it is still the one
// that was made here. Threads: one at a time.
class SocketFile {
 public:
  // Errors: std::runtime_error with a text for users, naming the place: a live server is there,
  // another server is just starting there, a file of another kind is there, the name is too long,
  // or what the system said.
  explicit SocketFile(const Address& address);
  ~SocketFile();
  SocketFile(SocketFile&& other) noexcept = default;
  SocketFile& operator=(SocketFile&&) = delete;

  int fd() const { return listener_.get(); }
  const Address& address() const { return address_; }

  // Removes the file and stops listening; what was not accepted yet is refused. Twice is fine.
  void close();

 private:
  // Errors: std::runtime_error, here and below.
  void listen_at_path();
  void listen_at_name();
  // Makes and binds the socket.
  OwnedFd bound(const sockaddr_un& address, socklen_t size) const;
  // Begins to listen, at last.
  void listen();
  void remember_file();

  Address address_;
  std::string name_;   // the last part of the path
  OwnedFd directory_;  // where the file is, whatever happens to the path meanwhile
  OwnedFd listener_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace cppipc::server
