// SPDX-License-Identifier: Apache-2.0
#pragma once
// Waits for sockets to become readable or writable, and for a wake-up call.

#include <atomic>
#include <cstdint>
#include <span>

#include "rpc/descriptor.h"
#include "rpc/fork_guard.h"
#include "rpc/spin.h"

namespace cppipc {

struct PollEvent {
  std::uint64_t tag = 0;
  bool is_readable = false;  // also when the other side is gone
  bool is_writable = false;
  bool is_ended = false;  // the other side is gone; unread bytes may be left
};

// An edge-triggered epoll with an eventfd. Writability is watched only on request: asking for it
// always would report every read of the peer.
// Threads: wait() on one thread at a time; everything else on any thread.
class Poller {
 public:
  // Errors: std::system_error.
  Poller();

  // `tag` comes back in events and must not be kWakeTag.
  void add(int fd, std::uint64_t tag);
  void remove(int fd);
  // Also reports when `fd` can be written, once, until this is called again.
  void want_write(int fd, std::uint64_t tag, bool is_wanted);
  // Makes the current or the next wait() return. Async-signal-safe.
  void wake() noexcept;
  // Whether this process inherited the poller by fork() and must leave it alone.
  bool is_inherited() const noexcept { return guard_.is_child(); }

  // Waits up to `timeout_ms` (-1: for ever), fills `events` and returns how many there are.
  // 0: time is up, a signal came, or wake() was called.
  std::size_t wait(std::span<PollEvent> events, int timeout_ms);

 private:
  static constexpr std::uint64_t kWakeTag = ~std::uint64_t{0};
  int wait_raw(void* raw, int count, int timeout_ms);

  Descriptor epoll_;
  Descriptor wake_;
  Spin spin_;
  ForkGuard guard_;
};

}  // namespace cppipc
