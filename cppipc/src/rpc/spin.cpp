// SPDX-License-Identifier: Apache-2.0
#include "rpc/spin.h"

#include <sched.h>

namespace cppipc {
namespace {

bool may_use_two_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1;
}

}  // namespace

std::chrono::nanoseconds Spin::budget() {
  // Affinity changes rarely; a failed bet now and then finds out when looking pays again.
  if (uses_++ % 256 == 0) {
    has_cores_ = may_use_two_cores();
    if (score_ <= 0) score_ = 2;
  }
  return has_cores_ && score_ > 0 ? kBudgetMax : std::chrono::nanoseconds{0};
}

}  // namespace cppipc
