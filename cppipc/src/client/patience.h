// SPDX-License-Identifier: Apache-2.0
#pragma once
// How long an attempt to connect may last, and what may end it before.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

namespace cppipc {

struct Patience {
  using Clock = std::chrono::steady_clock;

  Clock::time_point until;
  const std::function<void()>& interrupt;  // outlives this

  // Between two slices. False if the time is up. Errors: those of `interrupt`.
  bool look() const {
    if (interrupt) interrupt();
    return Clock::now() < until;
  }
  // Until the next look, for poll().
  int slice_ms() const {
    constexpr std::int64_t kSliceMs = 100;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kSliceMs));
  }
};

}  // namespace cppipc
