// SPDX-License-Identifier: Apache-2.0
#pragma once
// A place for bytes that are being received, which may be withdrawn at any moment.

#include <cstddef>
#include <functional>
#include <mutex>
#include <span>

namespace cppipc {

// The memory is the caller's, who withdraws it before it goes. Threads: any.
class Landing {
 public:
  virtual ~Landing() = default;

  // Calls `use` with the place, which stays until `use` returns; with none if it was withdrawn.
  void receive(const std::function<void(std::span<std::byte>)>& use) {
    std::lock_guard lock(mutex_);
    use(place_);
  }
  // Word-aligned memory.
  void offer(std::span<std::byte> place) {
    std::lock_guard lock(mutex_);
    place_ = place;
  }
  // Waits for the end of a receive() that is going on, which does not block.
  void withdraw() { offer({}); }

 private:
  std::mutex mutex_;
  std::span<std::byte> place_;
};

}  // namespace cppipc
