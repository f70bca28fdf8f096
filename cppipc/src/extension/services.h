// SPDX-License-Identifier: Apache-2.0
#pragma once
// The table of what this library does for extensions.

#include <cppipc/extension_abi.h>

namespace cppipc::detail {

// Threads: any. Lives as long as the process.
const cppipc_host& extension_host();

}  // namespace cppipc::detail
