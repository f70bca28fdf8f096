// SPDX-License-Identifier: Apache-2.0
#include "rpc/waiter.h"

#include <ctime>

namespace cppipc {

bool Waiter::sleep(std::chrono::nanoseconds most) {
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const auto total = std::chrono::nanoseconds(until.tv_nsec) + most;
  until.tv_sec += std::chrono::duration_cast<std::chrono::seconds>(total).count();
  until.tv_nsec = (total % std::chrono::seconds(1)).count();
  // A plain condition variable would hide a signal from its caller.
  return sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &until) == 0;
}

}  // namespace cppipc
