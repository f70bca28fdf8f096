// SPDX-License-Identifier: Apache-2.0
// The loop only says when the socket is readable; accept4 then makes the descriptor non-blocking
// and close-on-exec in the same step, which the loop's own accept would not do.
#include "server/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

namespace cppipc::server {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr int kFairShare = 64;  // connections

int duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw std::system_error(errno, std::generic_category(), "duplicating a socket");
  return copy;
}

}  // namespace

Listener::Listener(boost::asio::io_context& loop, ListeningSocket socket, uid_t allowed_uid,
                   Accepted accepted, Log& log)
    : socket_(std::move(socket)),
      allowed_uid_(allowed_uid),
      accepted_(std::move(accepted)),
      log_(log),
      readable_(loop, duplicate(fd())),
      retry_(loop) {}

int Listener::fd() const {
  return std::visit([](const auto& socket) { return socket.fd(); }, socket_);
}

Listener::~Listener() { close(); }

void Listener::start() { wait(); }

void Listener::close() {
  boost::system::error_code ignored;  // closing a descriptor that we own cannot be undone anyway
  readable_.close(ignored);
  retry_.cancel();
  std::visit([](auto& socket) { socket.close(); }, socket_);
}

void Listener::wait() {
  readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error != boost::asio::error::operation_aborted) accept_all();
                       });
}

void Listener::go_on() {
  if (!is_held_) return;
  is_held_ = false;
  accept_all();
}

void Listener::accept_all() {
  int accepted = 0;
  while (readable_.is_open() && !is_held_ && accept_one()) {
    // Of a flood so many at one time: signals and timers have their turn.
    if (++accepted == kFairShare && !is_held_) return wait();
  }
}

bool Listener::accept_one() {
  OwnedFd socket(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.get() >= 0) {
    is_pause_logged_ = false;
    hand_on(std::move(socket));
    return true;
  }
  switch (errno) {
    case EINTR:
    case ECONNABORTED:
      return true;
    case EAGAIN:
      wait();
      return false;
    default:
      pause(errno);
      return false;
  }
}

std::string Listener::admit(int fd) {
  if (address().is_tcp()) return tcp_peer_name(fd);
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    log_.warning("refused a client of " + address().text() +
                 ": who it is could not be found out: " + std::generic_category().message(errno));
    return {};
  }
  const std::string name =
      "unix: pid " + std::to_string(peer.pid) + " uid " + std::to_string(peer.uid);
  if (peer.uid == allowed_uid_) return name;
  log_.warning("refused a client of " + address().text() + ": " + name + ", but only uid " +
               std::to_string(allowed_uid_) + " may connect");
  return {};
}

void Listener::hand_on(OwnedFd socket) {
  const std::string name = admit(socket.get());
  if (name.empty()) return;
  try {
    accepted_(std::move(socket), name);
  } catch (const std::exception& error) {
    log_.error("could not serve " + name + ": " + error.what());
  }
}

void Listener::pause(int error) {
  if (!is_pause_logged_) {
    log_.error("cannot accept on " + address().text() + ": " +
               std::generic_category().message(error) + "; trying again every " +
               std::to_string(kPause.count()) + " ms");
    is_pause_logged_ = true;
  }
  retry_.expires_after(kPause);
  retry_.async_wait([this](const boost::system::error_code& ended) {
    if (ended != boost::asio::error::operation_aborted) accept_all();
  });
}

}  // namespace cppipc::server
