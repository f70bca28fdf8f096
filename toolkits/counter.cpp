// SPDX-License-Identifier: Apache-2.0
#include "toolkits/counter.h"

#include <cppipc/implement.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace cppipc::toolkits {

std::int64_t Counter::increment(std::int64_t by) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(value_, by, &sum)) {
    throw std::overflow_error("the counter is at " + std::to_string(value_) + "; adding " +
                              std::to_string(by) + " does not fit into 64 bits");
  }
  return value_ = sum;
}

void register_counter(Registry& registry) {
  implement<CounterInterface, Counter>(registry).saveable(
      1, [](const CounterInterface& counter, SaveWriter& out) { out.write(counter.value()); },
      [](SaveReader& in) -> std::shared_ptr<CounterInterface> {
        return std::make_shared<Counter>(in.read<std::int64_t>());
      });
}

}  // namespace cppipc::toolkits
