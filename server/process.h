// SPDX-License-Identifier: Apache-2.0
#pragma once
// The server process: everything put together.

#include <functional>

#include "server/options.h"

namespace cppipc {
class Registry;
}

namespace cppipc::server {

// Serves until it is told to end. Returns the exit code, one of those in options.h; does not
// return if the end has to be forced (kExitForced). A start that fails is written to stderr and
// to the log. Call once per process, from main(), before there are other threads.
// `register_more` adds to what every server offers.
int run_server(const Options& options, const std::function<void(Registry&)>& register_more = {});

}  // namespace cppipc::server
