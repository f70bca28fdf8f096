// SPDX-License-Identifier: Apache-2.0
#pragma once
// The smallest useful exposed type, behind an interface that C++ clients have too.

#include <cstdint>

#include "toolkits/counter_interface.h"

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// A counter of this process. Threads: one call at a time, as the host calls it.
class Counter final : public CounterInterface {
 public:
  explicit Counter(std::int64_t start) : value_(start) {}
  std::int64_t increment(std::int64_t by) override;
  std::int64_t value() const override { return value_; }

 private:
  std::int64_t value_;
};

// Registers the type Counter.
void register_counter(Registry& registry);

}  // namespace cppipc::toolkits
