// SPDX-License-Identifier: Apache-2.0
#pragma once
// The command line of unity_server: what can be set, with units and defaults.

#include <cppipc/host.h>
#include <cppipc/tls.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/access_options.h"
#include "server/address.h"
#include "server/logging.h"
#include "server/status_options.h"

namespace cppipc::server {

// Everything a run of the server is told. The defaults are those that --help shows.
struct Options {
  std::vector<Address> listen;
  std::optional<int> inherited_fd;    // a connected stream socket: the private server's session
  std::optional<int> launcher_pidfd;  // readable once the launcher is dead
  AccessOptions access;
  bool has_diagnostics = false;
  bool shares_memory = true;
  std::vector<std::string> extensions;         // files to load at the start
  std::string extension_dir;                   // clients may load what is in there; empty: nothing
  std::chrono::milliseconds drain{10'000};     // for running calls after SIGTERM or SIGINT
  std::chrono::milliseconds end_grace{2'000};  // after that, or once the launcher is gone
  HostLimits limits;
  TlsServerOptions tls;  // without a certificate: nothing is encrypted
  LogOptions log;
  StatusOptions status;
  std::string config_file;           // empty: none
  bool is_log_level_of_file = true;  // or of the default; false: the command line names one
  std::vector<std::pair<std::string, std::string>> settings;  // name, value; in the order given
};

// What became of a command line: options to run with, or a text to print and an exit code.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_code = 0;  // kExitOk for --help and --version, kExitUsage for mistakes
  std::string text;   // to print if there are no options
};

// Exit codes of unity_server.
inline constexpr int kExitOk = 0;           // ended in order, or --help, --version
inline constexpr int kExitStartFailed = 1;  // the start failed, or the server could not go on
inline constexpr int kExitUsage = 2;        // the command line was wrong
inline constexpr int kExitForced = 3;       // ended at once: a second signal or the end grace

// Reads a command line. Errors: none but std::bad_alloc; mistakes are in the result.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace cppipc::server
