// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every connected socket is set to.

namespace cppipc {

// Non-blocking and close-on-exec. Over TCP, small messages leave at once, and a machine that is
// gone is noticed within two minutes even if nothing is sent. Errors: kInputOutput.
void prepare_socket(int fd);

}  // namespace cppipc
