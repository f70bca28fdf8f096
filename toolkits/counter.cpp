// SPDX-License-Identifier: Apache-2.0
#include "toolkits/counter.h"

#include <cppipc/registry.h>

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
  registry.type<Counter>("Counter", "An integer counter.")
      .init<std::int64_t>(arg("start") = 0)
      .saveable(
          1, [](const Counter& counter, SaveWriter& out) { out.write(counter.value()); },
          [](SaveReader& in) { return Counter(in.read<std::int64_t>()); })
      .method("increment", &Counter::increment, arg("by") = 1,
              "Adds `by`, which may be negative; returns the new value.")
      .property("value", &Counter::value, "The current value.");
}

}  // namespace cppipc::toolkits
