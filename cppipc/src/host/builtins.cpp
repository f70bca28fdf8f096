// SPDX-License-Identifier: Apache-2.0
#include "host/builtins.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/call_task.h"
#include "host/client_function.h"
#include "host/saving.h"
#include "host/watch.h"

namespace cppipc {
namespace {

void add_settings(Registry& builtins) {
  builtins.function(
      "setting",
      [](Context& context, const std::string& name) {
        return calling_session().core().registry().read_setting(name, context);
      },
      arg("name"));
  builtins.function(
      "set_setting",
      [](Context& context, const std::string& name, Variant value) {
        calling_session().core().registry().write_setting(name, std::move(value), context);
      },
      arg("name"), arg("value"));
}

// Ends what lets other sessions have the object, but for those that have it.
std::uint64_t revoke(const ObjectPtr& object) {
  const auto* local = dynamic_cast<const LocalObject*>(object.get());
  if (local == nullptr) {
    throw Error(ErrorKind::kWrongType, "only objects of the server have tokens to be revoked");
  }
  HostCore& core = calling_session().core();
  return core.tokens().revoke(core.instances().find_or_add(*local));
}

std::vector<std::string> load_extension(const std::string& path, const std::string& folder) {
  HostCore& core = calling_session().core();
  const auto& load = core.options().load_extension;
  if (load) return core.add(load(path, folder));
  throw Error(ErrorKind::kNotPermitted,
              "this server loads no extensions for its clients; start it with --extension-dir to "
              "allow those of a folder, or with --extension FILE");
}

void add_progress(Registry& builtins) {
  builtins.function(
      "watch_progress",
      [](const CallablePtr& watcher) {
        const auto* function = dynamic_cast<const ClientFunction*>(watcher.get());
        HostSession& session = calling_session();
        if (function == nullptr) {
          throw Error(ErrorKind::kInvalidArgument, "a watcher is a function of the client");
        }
        return session.watches().add(
            std::make_shared<Watch>(std::string(), session.weak_from_this(),
                                    function->hold().import(), Watch::Content::kCalls));
      },
      arg("watcher"));
}

}  // namespace

Registry make_builtins() {
  Registry builtins;
  add_settings(builtins);
  builtins.function("load_extension", &load_extension, arg("path"), arg("folder"), blocking);
  add_progress(builtins);
  register_saving(builtins);
  builtins.function("revoke", &revoke, arg("object"),
                    "Ends all tokens of an object; returns how many there were.");
  return builtins;
}

bool is_builtin_name(std::string_view name) { return name.starts_with('$'); }

const FunctionInfo* find_builtin(const Registry& builtins, std::string_view name) {
  return is_builtin_name(name) ? builtins.find_function(name.substr(1)) : nullptr;
}

std::string where_of_builtin(std::string_view name) {
  return "Session." + std::string(name.substr(1));
}

HostSession& calling_session() {
  CallTask* const task = CallTask::current();
  if (task == nullptr) throw std::logic_error("a builtin runs outside of a call");
  return *task->session();
}

}  // namespace cppipc
