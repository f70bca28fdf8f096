// SPDX-License-Identifier: Apache-2.0
#include "server/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "server/between.h"
#include "server/config_file.h"
#include "server/passed_sockets.h"
#include "server/tls_options.h"

#ifndef CPPIPC_VERSION
#error "the build defines CPPIPC_VERSION"
#endif

namespace cppipc::server {
namespace {

constexpr double kSecondsMax = 86'400;
constexpr std::uint64_t kMessageMibMax = 2'048;
constexpr std::uint64_t kFdMax = 1'048'576;  // what Linux allows at most by default
constexpr std::uint64_t kKib = 1ull << 10;
constexpr std::uint64_t kMib = 1ull << 20;

constexpr char kAbout[] =
    "Serves C++ types and toolkits to the clients of Unix sockets and of TCP.\n"
    "Prints one line per listener on stdout before it accepts: listening on unix:/PATH";
constexpr char kFooter[] =
    "Signals: SIGTERM or SIGINT ends in order, a second one at once; SIGHUP reloads.\n"
    "Exit codes: 0 ended in order, 1 start failed, 2 wrong command line, 3 ended at once.";

// The command line in the units that users write, before it becomes Options.
struct Raw {
  std::vector<std::string> listen;
  int inherited_fd = -1;
  int launcher_pidfd = -1;
  AccessOptions access;
  bool has_diagnostics = false;
  bool has_no_shared_memory = false;
  std::vector<std::string> extensions;
  std::string extension_dir;
  double drain_s = 10;
  double end_grace_s = 2;
  std::uint64_t message_mib = 64;
  std::uint64_t inline_kib = 1'024;
  std::uint64_t live_objects = 1'000'000;
  std::uint64_t calls_in_flight = 50'000;
  std::uint64_t callbacks_in_flight = 256;
  std::uint64_t queued_reply_mib = 256;
  std::uint64_t bulk_mib = 0;        // 0: the host's default
  std::uint64_t bulk_total_mib = 0;  // 0: the host's default
  std::uint64_t arenas = 256;
  std::uint64_t arena_mib = 0;   // 0: the host's default
  unsigned session_threads = 0;  // not given
  unsigned worker_threads = 256;
  std::uint64_t object_tokens = 10'000;
  std::uint64_t object_token_s = 600;
  TlsServerOptions tls;
  LogOptions log;
  RawStatusOptions status;
  std::vector<std::string> settings;
};

void add_sockets(CLI::App& app, Raw& raw) {
  app.add_option(
         "--listen", raw.listen,
         "listen on unix:PATH (also unix://PATH, ipc://PATH); may be given several times; "
         "the socket file is for this user only and removed at the end; unix:@NAME listens "
         "on an abstract name, which has no file; with --token-file, --tls-cert or --insecure-tcp "
         "also on tcp:HOST:PORT (also tcp://HOST:PORT), port 0 for any that is free, host * for "
         "all "
         "interfaces, an IPv6 host in brackets")
      ->type_name("ADDRESS")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--inherited-fd", raw.inherited_fd,
                 "serve this connected stream socket and end when its session ends")
      ->type_name("FD")
      ->check(Between(3, kFdMax));
  app.add_option("--launcher-pidfd", raw.launcher_pidfd,
                 "end when the process of this pidfd is gone")
      ->type_name("FD")
      ->check(Between(3, kFdMax));
  app.add_flag("--diagnostics", raw.has_diagnostics,
               "offer toolkits.diagnostics and the types Holder and Probe");
  app.add_flag("--no-shared-memory", raw.has_no_shared_memory,
               "let large values cross through the socket even on this machine");
}

void add_extensions(CLI::App& app, Raw& raw) {
  app.add_option("--extension", raw.extensions,
                 "load this shared library at the start; may be given several times")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--extension-dir", raw.extension_dir,
                 "let clients load the shared libraries in this directory, and no others; without "
                 "it only clients of a private server may load any")
      ->type_name("DIR")
      ->check(NotEmpty());
}

void add_end(CLI::App& app, Raw& raw) {
  app.add_option("--drain-s", raw.drain_s, "seconds for running calls after the first signal")
      ->check(Between(0, static_cast<std::uint64_t>(kSecondsMax), Numbers::kReal))
      ->capture_default_str();
  app.add_option("--end-grace-s", raw.end_grace_s,
                 "seconds after the drain, or after the launcher is gone, until the process is "
                 "ended even if a method refuses to end")
      ->check(Between(0, static_cast<std::uint64_t>(kSecondsMax), Numbers::kReal))
      ->capture_default_str();
}

void add_limits(CLI::App& app, Raw& raw) {
  constexpr std::uint64_t kCountMax = 1'000'000'000;
  app.add_option("--message-mib", raw.message_mib, "largest message, in MiB")
      ->check(Between(1, kMessageMibMax))
      ->capture_default_str();
  app.add_option("--inline-kib", raw.inline_kib,
                 "str, bytes and arrays larger than that cross beside the message, in KiB; at most "
                 "half a message")
      ->check(Between(1, kMessageMibMax * kKib / 2))
      ->capture_default_str();
  app.add_option("--live-objects", raw.live_objects, "objects that one session may hold")
      ->check(Between(1, kCountMax))
      ->capture_default_str();
  app.add_option("--calls-in-flight", raw.calls_in_flight,
                 "calls of one session that may be unanswered")
      ->check(Between(1, kCountMax))
      ->capture_default_str();
  app.add_option("--callbacks-in-flight", raw.callbacks_in_flight,
                 "calls of one session's functions by the server that may be unanswered")
      ->check(Between(1, 65'536))
      ->capture_default_str();
  app.add_option("--queued-reply-mib", raw.queued_reply_mib,
                 "unread replies of one session before the server stops reading from it, in MiB")
      ->check(Between(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--session-threads", raw.session_threads,
                 "methods of one session that may run at one time; further calls wait; default: "
                 "seven eighths of --worker-threads")
      ->check(Between(1, 65'536));
  app.add_option("--worker-threads", raw.worker_threads,
                 "methods that may run at one time, of all sessions; but a session that runs none "
                 "may always run one")
      ->check(Between(1, 65'536))
      ->capture_default_str();
  app.add_option("--object-tokens", raw.object_tokens,
                 "objects of one session that may have a token at one time, as pickled ones have")
      ->check(Between(1, kCountMax))
      ->capture_default_str();
  app.add_option("--object-token-s", raw.object_token_s,
                 "seconds for which a token keeps its object though nothing else does")
      ->check(Between(1, kCountMax))
      ->capture_default_str();
}

void add_memory(CLI::App& app, Raw& raw) {
  app.add_option(
         "--bulk-mib", raw.bulk_mib,
         "arrays, bytes, large str and waiting calls of one session that the server holds, in "
         "MiB; default: a quarter of the machine's memory, at least 1024")
      ->check(Between(1, 1 << 30));
  app.add_option("--bulk-total-mib", raw.bulk_total_mib,
                 "the same of all sessions, in MiB; default: half of the memory that is free at "
                 "the start, at least 1024")
      ->check(Between(1, 1 << 30));
  app.add_option("--arenas", raw.arenas,
                 "pieces of its own shared memory that one session may show to the server")
      ->check(Between(1, 65'536))
      ->capture_default_str();
  app.add_option("--arena-mib", raw.arena_mib,
                 "bytes of all of them, in MiB; default: the machine's memory")
      ->check(Between(1, 1 << 30));
}

// Takes the name of a level in any case. Errors: CLI::ValidationError naming the levels.
void set_level(const std::string& text, LogLevel& level) {
  const auto known = level_of(text);
  if (!known) {
    throw CLI::ValidationError("--log-level",
                               "must be debug, info, warning, error or off, not '" + text + "'");
  }
  level = *known;
}

void add_log(CLI::App& app, Raw& raw) {
  app.add_option("--log-file", raw.log.file, "write the log to this file instead of stderr")
      ->type_name("PATH")
      ->check(NotEmpty());
  app.add_option_function<std::string>(
         "--log-level", [&raw](const std::string& text) { set_level(text, raw.log.level); },
         "debug, info, warning, error or off")
      ->type_name("LEVEL")
      ->default_str("info");
  app.add_flag("--log-json", raw.log.is_json, "write each log line as one JSON object");
  app.add_option("--log-file-mib", raw.log.file_mib, "size at which the log file is rotated, MiB")
      ->check(Between(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--log-files", raw.log.files, "rotated log files that are kept")
      ->check(Between(1, 1'000))
      ->capture_default_str();
}

void add_settings(CLI::App& app, Raw& raw) {
  app.add_option("--set", raw.settings,
                 "give a setting of the server a value, such as log.level=debug; may be given "
                 "several times; wins over the environment, where it is UNITY_SETTING_LOG_LEVEL")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->take_all();
}

// Errors: std::invalid_argument for what is no NAME=VALUE.
std::pair<std::string, std::string> split_setting(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw std::invalid_argument("--set wants NAME=VALUE, not '" + text + "'");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::chrono::milliseconds to_milliseconds(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1e3));
}

// Unless it was given: all but an eighth, so that others find one free.
unsigned session_threads(const Raw& raw) {
  if (raw.session_threads != 0) return raw.session_threads;
  const unsigned for_others = std::max(1u, raw.worker_threads / 8);
  return std::max(1u, raw.worker_threads - std::min(for_others, raw.worker_threads));
}

Address listen_address(const std::string& text) {
  try {
    return parse_address(text);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string("--listen: ") + error.what());
  }
}

// What is wrong only if nobody passes sockets as well. Errors: std::invalid_argument.
void check_serves(const Options& options) {
  if (has_passed_sockets()) return;
  if (options.listen.empty() && !options.inherited_fd) {
    throw std::invalid_argument("nothing to serve; give --listen unix:PATH");
  }
  check_tls(options.tls, options.listen);
}

// Errors: std::invalid_argument for what each option alone does not show.
Options to_options(const Raw& raw) {
  Options options;
  for (const std::string& text : raw.listen) {
    const Address address = listen_address(text);
    check_may_listen(address, raw.access, is_given(raw.tls));
    if (address.port != "0" &&
        std::count(options.listen.begin(), options.listen.end(), address) != 0) {
      throw std::invalid_argument("--listen " + address.text() + " is given twice");
    }
    options.listen.push_back(address);
  }
  if (raw.inherited_fd >= 0) options.inherited_fd = raw.inherited_fd;
  if (raw.launcher_pidfd >= 0) options.launcher_pidfd = raw.launcher_pidfd;
  if (options.inherited_fd && options.inherited_fd == options.launcher_pidfd) {
    throw std::invalid_argument("--inherited-fd and --launcher-pidfd name one descriptor");
  }
  if (raw.inline_kib * kKib > raw.message_mib * kMib / 2) {
    throw std::invalid_argument("--inline-kib is more than half of --message-mib");
  }
  options.access = raw.access;
  options.status = to_status_options(raw.status);
  options.has_diagnostics = raw.has_diagnostics;
  options.shares_memory = !raw.has_no_shared_memory;
  options.extensions = raw.extensions;
  options.extension_dir = raw.extension_dir;
  options.drain = to_milliseconds(raw.drain_s);
  options.end_grace = to_milliseconds(raw.end_grace_s);
  options.limits = {.message_bytes = raw.message_mib * kMib,
                    .inline_bytes = raw.inline_kib * kKib,
                    .live_objects = raw.live_objects,
                    .calls_in_flight = raw.calls_in_flight,
                    .callbacks_in_flight = raw.callbacks_in_flight,
                    .queued_reply_bytes = raw.queued_reply_mib * kMib,
                    .bulk_bytes = raw.bulk_mib * kMib,
                    .bulk_total_bytes = raw.bulk_total_mib * kMib,
                    .arenas = raw.arenas,
                    .arena_bytes = raw.arena_mib * kMib,
                    .session_threads = session_threads(raw),
                    .worker_threads = raw.worker_threads,
                    .object_tokens = raw.object_tokens,
                    .object_token_lifetime = std::chrono::seconds(raw.object_token_s)};
  options.tls = raw.tls;
  options.log = raw.log;
  for (const std::string& text : raw.settings) options.settings.push_back(split_setting(text));
  return options;
}

// The words that are no options, in the order given: CLI11 tells them the other way round.
std::string not_expected(const CLI::App& app) {
  std::string text = "not expected:";
  for (const std::string& word : app.remaining()) text += " " + word;
  return text;
}

ParsedOptions usage_error(const std::string& what) {
  return {std::nullopt, kExitUsage,
          "unity_server: " + what + "\nunity_server --help lists the options.\n"};
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  Raw raw;
  CLI::App app(kAbout, "unity_server");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("unity_server ") + CPPIPC_VERSION);
  add_sockets(app, raw);
  add_access(app, raw.access);
  add_tls(app, raw.tls);
  add_extensions(app, raw);
  add_end(app, raw);
  add_limits(app, raw);
  add_memory(app, raw);
  add_log(app, raw);
  add_settings(app, raw);
  add_status_options(app, raw.status);
  const ConfigOptions config(app);
  try {
    app.parse(argc, argv);
    Options options = to_options(raw);
    config.complete(options);
    if (config.is_printed()) return {std::nullopt, kExitOk, config.text()};
    check_serves(options);
    return {std::move(options), kExitOk, {}};
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, kExitOk, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return {std::nullopt, kExitOk, std::string(version.what()) + "\n"};
  } catch (const CLI::ExtrasError&) {
    return usage_error(not_expected(app));
  } catch (const CLI::ParseError& error) {
    return usage_error(config.explain(error.what()));
  } catch (const std::invalid_argument& error) {
    return usage_error(config.explain(error.what()));
  }
}

}  // namespace cppipc::server
