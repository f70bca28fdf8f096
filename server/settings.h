// SPDX-License-Identifier: Apache-2.0
#pragma once
// The settings of the server itself, and those that it is started with.

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "server/logging.h"
#include "server/options.h"

namespace cppipc {
class Registry;
}

namespace cppipc::server {

// What the settings of the server look at. Outlives the registry's host.
struct ServerState {
  const Options& options;
  Log& log;
  std::function<std::vector<std::string>()> addresses;  // on which it listens; any thread
};

// Registers "log.level", "crash.calls" and the read-only "server.…".
// Errors: std::logic_error if a name is taken.
void register_settings(Registry& registry, ServerState state);

// The variable that gives a setting its value at the start: UNITY_SETTING_LOG_LEVEL for
// "log.level".
std::string variable_of(const std::string& setting);

// Writes the settings that the environment and then the options name. `environment` is an array
// of NAME=VALUE that ends with null, as environ(7).
// Errors: std::runtime_error naming the option or variable, if the server has no such setting, it
// cannot be written, or the value does not fit.
void start_settings(Registry& registry, const char* const* environment,
                    const std::vector<std::pair<std::string, std::string>>& options);

}  // namespace cppipc::server
