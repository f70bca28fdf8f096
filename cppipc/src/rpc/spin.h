// SPDX-License-Identifier: Apache-2.0
#pragma once
// Decides how long to look for an event before sleeping.
//
// A sleep and a wake-up cost tens of microseconds, a look less than one. Looking pays only when
// the event comes soon and the other side has a core of its own, so the time spent looking
// follows what was found lately, and is nothing for a process that may use one core only.

#include <chrono>

namespace cppipc {

// Threads: of one thread at a time.
class Spin {
 public:
  using Clock = std::chrono::steady_clock;

  // The time to look before sleeping, now. Zero: sleep at once.
  std::chrono::nanoseconds budget();
  // What came of the last look.
  void found() { score_ = score_ < kScoreMax ? score_ + 1 : score_; }
  void slept() { score_ = score_ > 0 ? score_ - 2 : score_; }

 private:
  static constexpr int kScoreMax = 16;
  static constexpr std::chrono::nanoseconds kBudgetMax{120'000};

  int score_ = kScoreMax / 2;
  unsigned uses_ = 0;
  bool has_cores_ = false;
};

}  // namespace cppipc
