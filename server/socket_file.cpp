// SPDX-License-Identifier: Apache-2.0
// The start, under the lock of PATH.lock: look at what is there; if it is a socket, connect to it;
// refused means that its server is gone, so the file goes too; bind, listen, remember the inode.
// The lock file is unlinked while it is locked, and whoever waits for a lock checks afterwards that
// the file it locked is still the one in the directory, so no two hold "the" lock at one time.
//
// The end: the file is removed while the socket still listens. Nobody can have replaced it between
// the check of the inode and the removal, because to others it is the file of a live server.
#include "server/socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace cppipc::server {
namespace {

constexpr std::size_t kAddressBytesMax = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

[[noreturn]] void fail_with_errno(const std::string& what) {
  fail(what + ": " + std::generic_category().message(errno));
}

sockaddr_un socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// A path to the file that fits into a socket address.
std::string reachable_path(const std::string& path, int directory, const std::string& name) {
  if (path.size() <= kAddressBytesMax) return path;
  std::string shorter = "/proc/self/fd/" + std::to_string(directory) + "/" + name;
  if (shorter.size() > kAddressBytesMax) {
    const std::size_t name_bytes = kAddressBytesMax - (shorter.size() - name.size());
    fail("the socket path '" + path + "' is too long: a path has at most " +
         std::to_string(kAddressBytesMax) + " bytes, or a file name of at most " +
         std::to_string(name_bytes) + " bytes in a longer path");
  }
  return shorter;
}

// The lock of a path while its server starts. Owns: the lock file, removed at the end.
class StartLock {
 public:
  StartLock(const std::string& path, int directory, const std::string& name)
      : directory_(directory), name_(name + ".lock") {
    do {
      file_.reset(::openat(directory_, name_.c_str(),
                           O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
      if (file_.get() < 0) fail_with_errno("cannot make the lock file '" + path + ".lock'");
      check_kind(path);
      if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) fail("another server is just starting on '" + path + "'");
        fail_with_errno("cannot lock '" + path + ".lock'");
      }
    } while (!is_still_there());
  }
  ~StartLock() { ::unlinkat(directory_, name_.c_str(), 0); }
  StartLock(const StartLock&) = delete;
  StartLock& operator=(const StartLock&) = delete;

 private:
  void check_kind(const std::string& path) const {
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0) fail_with_errno("cannot look at '" + path + ".lock'");
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || info.st_size != 0) {
      fail("'" + path + ".lock' is not a lock file of this user; it is left as it is");
    }
  }
  // Whether the locked file is the one that others find by its name.
  bool is_still_there() const {
    struct stat locked {};
    struct stat named {};
    return ::fstat(file_.get(), &locked) == 0 &&
           ::fstatat(directory_, name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
  }

  const int directory_;
  const std::string name_;
  OwnedFd file_;
};

enum class Presence { kNobody, kStale, kLive };

// Whether somebody listens on the socket file. The connection is closed again at once.
Presence probe(const std::string& path, const std::string& reachable) {
  const OwnedFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (client.get() < 0) fail_with_errno("cannot make a socket");
  const sockaddr_un address = socket_address(reachable);
  const auto* plain = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(client.get(), plain, sizeof(address)) == 0) return Presence::kLive;
  switch (errno) {
    case ECONNREFUSED:
      return Presence::kStale;
    case ENOENT:
      return Presence::kNobody;
    case EAGAIN:      // its queue is full
    case EPROTOTYPE:  // it is no stream socket, but somebody has it open
      return Presence::kLive;
    default:
      fail_with_errno("cannot find out whether a server is alive on '" + path + "'");
  }
}

// Makes sure that nothing is at the path, or fails.
void make_room(const std::string& path, const std::string& reachable, int directory,
               const std::string& name) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    fail_with_errno("cannot look at '" + path + "'");
  }
  if (!S_ISSOCK(info.st_mode)) fail("'" + path + "' exists and is no socket; it is left as it is");
  switch (probe(path, reachable)) {
    case Presence::kNobody:
      return;
    case Presence::kLive:
      fail("a server is already listening on '" + path + "'");
    case Presence::kStale:
      break;
  }
  if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT) {
    fail_with_errno("cannot remove the stale socket '" + path + "'");
  }
}

}  // namespace

void OwnedFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

SocketFile::SocketFile(const Address& address) : address_(address) {
  if (address.is_abstract()) {
    listen_at_name();
  } else {
    listen_at_path();
  }
}

void SocketFile::listen_at_path() {
  const std::string& path = address_.path;
  const std::size_t slash = path.rfind('/');
  name_ = path.substr(slash + 1);
  const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
  directory_.reset(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory_.get() < 0) fail_with_errno("cannot open the directory of '" + path + "'");
  const std::string reachable = reachable_path(path, directory_.get(), name_);

  const StartLock lock(path, directory_.get(), name_);
  make_room(path, reachable, directory_.get(), name_);
  listener_ = bound(socket_address(reachable), sizeof(sockaddr_un));
  remember_file();
  listen();
}

void SocketFile::listen_at_name() {
  const std::string name = address_.path.substr(1);
  if (name.size() > kAddressBytesMax) {
    fail("the socket name '" + address_.path + "' is too long: it has at most " +
         std::to_string(kAddressBytesMax) + " bytes after the '@'");
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());  // the first byte stays 0
  // The size counts: the name ends where the address does.
  listener_ =
      bound(address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size()));
  listen();
}

OwnedFd SocketFile::bound(const sockaddr_un& address, socklen_t size) const {
  OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) fail_with_errno("cannot make a socket");
  // The mode of the socket becomes the mode of its file, from the first moment.
  if (::fchmod(listener.get(), 0600) != 0) fail_with_errno("cannot set the mode of a socket");
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    if (errno == EADDRINUSE && address_.is_abstract()) {
      fail("a server is already listening on '" + address_.path + "'");
    }
    fail_with_errno("cannot make the socket '" + address_.path + "'");
  }
  return listener;
}

void SocketFile::listen() {
  if (::listen(listener_.get(), SOMAXCONN) == 0) return;
  const int error = errno;
  close();
  errno = error;
  fail_with_errno("cannot listen on '" + address_.path + "'");
}

SocketFile::~SocketFile() { close(); }

void SocketFile::remember_file() {
  struct stat info {};
  if (::fstatat(directory_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    fail_with_errno("the socket '" + address_.path + "' vanished");
  }
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

void SocketFile::close() {
  if (listener_.get() < 0) return;
  if (!address_.is_abstract()) {
    struct stat info {};
    const bool is_ours =
        ::fstatat(directory_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        info.st_dev == device_ && info.st_ino == inode_;
    if (is_ours) ::unlinkat(directory_.get(), name_.c_str(), 0);
  }
  listener_.reset();
}

}  // namespace cppipc::server
