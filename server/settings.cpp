// SPDX-License-Identifier: Apache-2.0
#include "server/settings.h"

#include <cppipc/error.h>
#include <cppipc/registry.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string_view>

#include "server/call_history.h"

namespace cppipc::server {
namespace {

constexpr std::string_view kPrefix = "UNITY_SETTING_";

void register_server(Registry& registry, const ServerState& state) {
  const auto start = std::chrono::system_clock::now();
  registry.setting(
      "server.version", [] { return std::string(CPPIPC_VERSION); }, "The server's version.");
  registry.setting(
      "server.start_time", [start] { return start; }, "When the server started.");
  registry.setting(
      "server.worker_threads", [threads = state.options.limits.worker_threads] { return threads; },
      "Methods that may run at one time, of all sessions (--worker-threads).");
  registry.setting("server.addresses", state.addresses,
                   "Where the server listens, as unity.connect() takes it.");
}

void register_log(Registry& registry, Log& log) {
  registry.setting(
      "log.level", [&log] { return std::string(name_of(log.level())); },
      [&log](const std::string& name) {
        const auto level = level_of(name);
        if (!level) {
          throw std::invalid_argument("must be debug, info, warning, error or off, not '" + name +
                                      "'");
        }
        log.set_level(*level);
      },
      "From which level on lines are logged: debug, info, warning, error or off.");
}

void register_crash(Registry& registry) {
  registry.setting(
      "crash.calls", [] { return static_cast<std::int64_t>(call_history().shown()); },
      [](std::int64_t calls) {
        constexpr auto kMost = static_cast<std::int64_t>(CallHistory::kShownMax);
        if (calls < 0 || calls > kMost) {
          throw std::invalid_argument("must be between 0 and " + std::to_string(kMost) + ", not " +
                                      std::to_string(calls));
        }
        call_history().show(static_cast<std::size_t>(calls));
      },
      "How many of the latest calls the report of a crash lists.");
}

// The settings that variables name, by variable. Errors: std::runtime_error.
std::map<std::string, std::string, std::less<>> settings_by_variable(const Registry& registry) {
  std::map<std::string, std::string, std::less<>> settings;
  for (const auto& [name, setting] : registry.settings()) {
    const auto [other, is_new] = settings.emplace(variable_of(name), name);
    if (!is_new) {
      throw std::runtime_error("settings '" + other->second + "' and '" + name +
                               "' would have one variable, " + other->first);
    }
  }
  return settings;
}

// `source` names the option or variable.
void start_setting(Registry& registry, const std::string& source, const std::string& name,
                   std::string_view value) {
  try {
    registry.start_setting(name, value);
  } catch (const Error& error) {
    throw std::runtime_error(source + ": " + std::string(error.text()));
  }
}

}  // namespace

void register_settings(Registry& registry, ServerState state) {
  register_server(registry, state);
  register_log(registry, state.log);
  register_crash(registry);
}

std::string variable_of(const std::string& setting) {
  std::string name = setting;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return std::string(kPrefix) + name;
}

void start_settings(Registry& registry, const char* const* environment,
                    const std::vector<std::pair<std::string, std::string>>& options) {
  const auto settings = settings_by_variable(registry);
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    if (!entry.starts_with(kPrefix)) continue;
    const std::string variable(entry.substr(0, entry.find('=')));
    const auto found = settings.find(variable);
    if (found == settings.end()) {
      throw std::runtime_error("$" + variable + ": the server has no setting of that name");
    }
    const auto is_same = [&](const auto& option) { return option.first == found->second; };
    if (std::any_of(options.begin(), options.end(), is_same)) continue;
    const std::size_t begin = std::min(entry.size(), variable.size() + 1);
    start_setting(registry, "$" + variable, found->second, entry.substr(begin));
  }
  for (const auto& [name, value] : options) start_setting(registry, "--set", name, value);
}

}  // namespace cppipc::server
