// SPDX-License-Identifier: Apache-2.0
#include "server/reloads.h"

#include <exception>

namespace cppipc::server {

bool reload_all(const Reloads& reloads, Log& log) {
  bool is_whole = true;
  for (const auto& [name, reload] : reloads) {
    try {
      reload();
      log.info("reloaded the " + name);
    } catch (const std::exception& error) {
      log.error("cannot reload the " + name + ": " + error.what());
      is_whole = false;
    }
  }
  return is_whole;
}

}  // namespace cppipc::server
