// SPDX-License-Identifier: Apache-2.0
// The host that the session target talks to: real objects, narrow limits. One for the process.

#pragma once

#include <cppipc/host.h>
#include <cppipc/registry.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "toolkits/all.h"
#include "toolkits/diagnostics.h"

namespace cppipc::fuzz {

[[noreturn]] inline void fail(const char* what) {
  std::cerr << what << std::endl;
  std::abort();
}

// Shapes and values as a test needs them; nothing that sleeps, crashes or takes much memory.
inline Registry make_registry() {
  Registry registry;
  toolkits::register_all(registry);
  toolkits::register_holder(registry);
  toolkits::register_probe(registry);
  registry.function(
      "echo", [](const Variant& x) { return x; }, arg("x"));
  registry.function(
      "fail",
      [](std::int64_t x) {
        if (x != 0) throw x;
      },
      arg("x") = 1);
  registry.function(
      "block", [](const Variant& x) { return x; }, arg("x"), blocking);
  return registry;
}

inline Host& host() {
  static const Registry registry = make_registry();
  static Host host(registry, [] {
    HostOptions options;
    options.limits.message_bytes = 1 << 20;
    options.limits.inline_bytes = 1 << 10;
    options.limits.live_objects = 50;
    options.limits.calls_in_flight = 50;
    options.limits.queued_reply_bytes = 1 << 20;
    options.limits.worker_threads = 16;
    return options;
  }());
  return host;
}

}  // namespace cppipc::fuzz
