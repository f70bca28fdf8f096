// SPDX-License-Identifier: Apache-2.0
#include "rpc/fork_guard.h"

#include <pthread.h>

#include <atomic>

namespace cppipc {
namespace {

std::atomic<std::uint32_t> generation{0};

void in_child() { generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::uint32_t fork_generation() noexcept {
  // The handler lives as long as the process: a library with threads is never unloaded.
  static const int registered = pthread_atfork(nullptr, nullptr, &in_child);
  (void)registered;
  return generation.load(std::memory_order_relaxed);
}

}  // namespace cppipc
