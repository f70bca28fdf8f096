// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an action throws.

#include <cppipc/error.h>

#include <gtest/gtest.h>

namespace cppipc::test {

// The error that `action` throws.
template <class Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::kRemote, "");
}
// Its kind.
template <class Action>
ErrorKind kind_of(Action&& action) {
  return error_of(action).kind();
}

}  // namespace cppipc::test
