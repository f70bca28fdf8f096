// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every connected socket is set to.

#include <chrono>

namespace cppipc {

inline constexpr int kKeepAliveMaxS = 3'600;

// Non-blocking and close-on-exec. Over TCP, small messages leave at once. Errors: kInputOutput.
void prepare_socket(int fd);

// Over TCP, a machine that is gone is noticed about so much later, whether something is sent to it
// or not; between 1 s and an hour. Nothing for other sockets, whose peers the system knows.
void set_keep_alive(int fd, std::chrono::seconds within);

}  // namespace cppipc
