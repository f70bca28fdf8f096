// SPDX-License-Identifier: Apache-2.0
#pragma once
// The options of the status endpoint.

#include <string>
#include <vector>

#include "server/address.h"

namespace CLI {
class App;
}

namespace cppipc::server {

struct StatusOptions {
  std::vector<Address> addresses = {};
  bool is_anywhere = false;  // TCP on other addresses than those of loopback, too
};

// As they stand on the command line.
struct RawStatusOptions {
  std::vector<std::string> addresses = {};
  bool is_anywhere = false;
};

// `raw` has to live as long as the app parses.
void add_status_options(CLI::App& app, RawStatusOptions& raw);

// Errors: std::invalid_argument for what is no address, and for one that is given twice.
StatusOptions to_status_options(const RawStatusOptions& raw);

}  // namespace cppipc::server
