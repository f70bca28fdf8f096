// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which calls began lately, for the report of a crash.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cppipc::server {

// The latest calls of a process. Costs a call some nanoseconds; takes no lock, allocates nothing.
// Threads: any; for_each_latest() also in a signal handler.
class CallHistory {
 public:
  static constexpr std::size_t kCalls = 6;        // that are shown, unless show() says otherwise
  static constexpr std::size_t kShownMax = 32;    // fewer than are kept, so that none is half new
  static constexpr std::size_t kNameBytes = 64;   // longer names are cut
  static constexpr std::size_t kFileBytes = 160;  // of longer ones the end is kept

  // The calling thread begins a call, and has ended the one that it began last. `file` is that of
  // the extension it belongs to; empty if it belongs to none.
  void began(std::uint64_t session, std::string_view name, std::string_view file = {}) noexcept;
  void ended() noexcept;
  // The call that the thread is in runs code of this extension from now on. Outside of a call it
  // does nothing.
  void enters(std::string_view file) noexcept;

  // How many of the latest calls are shown from now on, at most kShownMax.
  void show(std::size_t calls) noexcept { shown_ = calls; }
  std::size_t shown() const noexcept { return shown_; }

  struct Call {
    std::uint64_t session = 0;
    char name[kNameBytes] = {};  // ends with a zero
    char file[kFileBytes] = {};  // the same
    bool is_running = false;
    bool is_own = false;  // of the thread that asks
  };
  // Calls `visit(const Call&)` with the latest calls, newest first. Of a call that begins at that
  // very moment the name may be mixed up with an older one's.
  template <class Visit>
  void for_each_latest(Visit&& visit) const {
    const std::uint64_t last = last_.load(std::memory_order_acquire);
    const std::uint64_t shown = shown_;
    for (std::uint64_t number = last; number > 0 && last - number < shown; --number) {
      visit(load(number));
    }
  }

 private:
  struct Entry {
    std::atomic<std::uint64_t> session{0};
    std::atomic<bool> is_running{false};
    template <std::size_t kBytes>
    using Text = std::array<std::atomic<std::uint64_t>, kBytes / sizeof(std::uint64_t)>;
    Text<kNameBytes> name{};
    Text<kFileBytes> file{};
  };
  Call load(std::uint64_t number) const noexcept;
  // The entry of a call, unless it is that of a newer one by now: then null.
  Entry* find(std::uint64_t number) noexcept;

  std::atomic<std::uint64_t> last_{0};
  std::atomic<std::size_t> shown_{kCalls};
  std::array<Entry, 64> entries_;
};

// That of this process.
CallHistory& call_history() noexcept;

}  // namespace cppipc::server
