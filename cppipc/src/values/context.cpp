// SPDX-License-Identifier: Apache-2.0
#include <cppipc/context.h>
#include <cppipc/error.h>

namespace cppipc {

void Context::throw_if_cancelled() const {
  if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the call was cancelled");
  if (deadline_ && Clock::now() >= *deadline_) {
    throw Error(ErrorKind::kTimeout, "the deadline of the call has passed");
  }
}

}  // namespace cppipc
