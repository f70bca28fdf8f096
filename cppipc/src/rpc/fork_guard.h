// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tells a forked child from the process that made something.

#include <cstdint>

namespace cppipc {

// How often this process has been made by fork() since the library was loaded: a value kept
// from before a fork differs afterwards, in the child. Async-signal-safe; cheaper than getpid().
std::uint32_t fork_generation() noexcept;

// Remembers the process it was made in.
class ForkGuard {
 public:
  ForkGuard() : generation_(fork_generation()) {}
  bool is_child() const noexcept { return generation_ != fork_generation(); }

 private:
  std::uint32_t generation_;
};

}  // namespace cppipc
