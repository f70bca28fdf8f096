// SPDX-License-Identifier: Apache-2.0
#include "server/status_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <stdexcept>

namespace cppipc::server {

void add_status_options(CLI::App& app, RawStatusOptions& raw) {
  app.add_option("--status", raw.addresses,
                 "answer HTTP at unix:PATH or tcp:HOST:PORT with /healthz, /metrics for "
                 "Prometheus, /status.json and a page for browsers; loopback only, port 0 for any "
                 "that is free; may be given several times")
      ->type_name("ADDRESS")
      ->allow_extra_args(false)
      ->take_all();
  app.add_flag("--status-anywhere", raw.is_anywhere,
               "allow --status tcp:HOST:PORT on addresses that other machines reach; everybody "
               "there can then see who is connected");
}

StatusOptions to_status_options(const RawStatusOptions& raw) {
  StatusOptions options;
  options.is_anywhere = raw.is_anywhere;
  for (const std::string& text : raw.addresses) {
    Address address;
    try {
      address = parse_address(text);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(std::string("--status: ") + error.what());
    }
    const auto& known = options.addresses;
    if (address.port != "0" && std::count(known.begin(), known.end(), address) != 0) {
      throw std::invalid_argument("--status " + address.text() + " is given twice");
    }
    options.addresses.push_back(address);
  }
  return options;
}

}  // namespace cppipc::server
