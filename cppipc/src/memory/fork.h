// SPDX-License-Identifier: Apache-2.0
#pragma once
// What happens to arenas and pools when the process forks.

namespace cppipc {

// Registers the handlers, once. Called wherever something is made that a fork concerns.
void watch_forks();

}  // namespace cppipc
