// SPDX-License-Identifier: Apache-2.0
#pragma once
// The smallest useful exposed type, and the pattern to copy for one's own.

#include <cstdint>

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// An integer that is counted up. Threads: one call at a time, as the host calls it.
class Counter {
 public:
  explicit Counter(std::int64_t start) : value_(start) {}
  // Adds `by` (may be negative) and returns the new value. Errors: std::overflow_error past 64
  // bits, with the value unchanged.
  std::int64_t increment(std::int64_t by);
  std::int64_t value() const { return value_; }

 private:
  std::int64_t value_;
};

// Registers the type Counter.
void register_counter(Registry& registry);

}  // namespace cppipc::toolkits
