// SPDX-License-Identifier: Apache-2.0
#pragma once
// Counter as its clients see it: the interface, its list, and its proxy. The pattern to copy for an
// interface of one's own; docs/interfaces.md explains it.

#include <cppipc/proxy.h>

#include <cstdint>

namespace cppipc::toolkits {

// An integer that is counted up.
class CounterInterface {
 public:
  virtual ~CounterInterface() = default;
  // Adds `by` (may be negative) and returns the new value. Errors: std::overflow_error past 64
  // bits, with the value unchanged; by a proxy that is an Error of kind kOverflow.
  virtual std::int64_t increment(std::int64_t by) = 0;
  virtual std::int64_t value() const = 0;
};

inline auto interface_of(const CounterInterface*) {
  return interface<CounterInterface>("Counter", "An integer counter.")
      .constructor<std::int64_t>(parameter("start") = 0)
      .method<&CounterInterface::increment>(
          "increment", parameter("by") = 1,
          "Adds `by`, which may be negative; returns the new value.")
      .property<&CounterInterface::value>("value", "The current value.");
}

// A counter of a server.
class CounterProxy final : public Proxy<CounterInterface> {
 public:
  using Proxy::Proxy;
  std::int64_t increment(std::int64_t by) override {
    return call<&CounterInterface::increment>(by);
  }
  std::int64_t value() const override { return call<&CounterInterface::value>(); }
};
CounterProxy* proxy_of(const CounterInterface*);

}  // namespace cppipc::toolkits
