// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which pool an address belongs to.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace cppipc {

class Pool;

// The ranges of all arenas of all pools of this process. Threads: any. Looking up an address where
// there is no arena at all takes no lock.
class AddressIndex {
 public:
  void add(const std::byte* begin, std::size_t size_bytes, Pool* pool);
  void remove(const std::byte* begin);
  // The pool in one of whose arenas the address lies; null if there is none, or it is at its end.
  std::shared_ptr<Pool> find(const void* address) const;

  // Held over a fork, which a std::shared_mutex cannot be: the child is another thread to it.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  struct Range {
    std::uintptr_t end;
    Pool* pool;  // alive: a pool removes its ranges before it goes
  };

  mutable std::mutex mutex_;
  std::map<std::uintptr_t, Range> ranges_;  // by their begin
  // Where the ranges lie between; they only ever grow apart.
  std::atomic<std::uintptr_t> lowest_{UINTPTR_MAX};
  std::atomic<std::uintptr_t> highest_{0};
};

// The one index; never destroyed, since arrays are freed while the process exits, too.
AddressIndex& address_index();

}  // namespace cppipc
