// SPDX-License-Identifier: Apache-2.0
#pragma once
// What SIGHUP does: every part of the server that can be read anew is.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "server/logging.h"

namespace cppipc::server {

// Name of what is reloaded, as in "cannot reload the NAME: …", and how. It throws if that fails,
// and then leaves everything as it was.
using Reloads = std::vector<std::pair<std::string, std::function<void()>>>;

// Carries them out in their order; of those that fail the log says why, and the others go on.
// Returns whether all went well.
bool reload_all(const Reloads& reloads, Log& log);

}  // namespace cppipc::server
