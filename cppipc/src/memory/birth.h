// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether large arrays that a thread makes are born in arenas, from which they can be given to a
// peer, or shown to it, without a copy.

#include <cstddef>

namespace cppipc {

// Smaller arrays are not worth an arena of their own: one copy costs less.
inline constexpr std::size_t kBornSharedBytes = 16 << 20;

// Sets it for the calling thread, until its end.
class SharedBirths {
 public:
  explicit SharedBirths(bool are_on) : before_(are_on_) { are_on_ = are_on; }
  ~SharedBirths() { are_on_ = before_; }
  SharedBirths(const SharedBirths&) = delete;
  SharedBirths& operator=(const SharedBirths&) = delete;

  static bool are_on() { return are_on_; }

 private:
  static inline thread_local bool are_on_ = false;
  const bool before_;
};

}  // namespace cppipc
