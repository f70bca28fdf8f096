// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many bytes a host holds beside messages: on behalf of one session, and of all.

#include <atomic>
#include <cstdint>
#include <memory>

#include "wire/caps.h"

namespace cppipc {

// What all sessions of a host share. Threads: any.
struct BulkTotal {
  explicit BulkTotal(std::uint64_t max) : bytes_max(max) {}
  const std::uint64_t bytes_max;
  std::atomic<std::uint64_t> held{0};
};

// The account of one session. It lives as long as something is charged to it, be that longer than
// the session: an object of another session may keep an array. Threads: any.
class BulkBudget final : public MemoryAccount {
 public:
  BulkBudget(std::shared_ptr<BulkTotal> total, std::uint64_t bytes_max)
      : total_(std::move(total)), bytes_max_(bytes_max) {}

  // Errors: kQuotaExceeded naming the size, what is held, the limit and its option.
  void charge(std::uint64_t bytes) override;
  void discharge(std::uint64_t bytes) noexcept override;
  std::uint64_t held() const { return held_; }

 private:
  const std::shared_ptr<BulkTotal> total_;
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> held_{0};
};

// The limits of a host that is given none: for each session a quarter of the machine's memory,
// for all together half of what is free now; 1 GiB at least. A container's limit counts as memory.
std::uint64_t default_bulk_bytes();
std::uint64_t default_arena_bytes();
std::uint64_t default_bulk_total_bytes();

}  // namespace cppipc
