// SPDX-License-Identifier: Apache-2.0
// Threads: main() runs the io_context, which accepts, watches signals and the launcher, and decides
// on the end. The host has threads of its own; what they report is posted to the io_context. The
// end itself waits for running calls, so it gets a thread, and main() goes on watching it: a method
// that never returns cannot keep the process alive past the end grace.
#include "server/process.h"

#include <cppipc/host.h>
#include <cppipc/registry.h>
#include <signal.h>
#include <toolkits/all.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "server/call_history.h"
#include "server/config_file.h"
#include "server/crash.h"
#include "server/descriptors.h"
#include "server/entrance.h"
#include "server/extensions.h"
#include "server/lifetime.h"
#include "server/log_format.h"
#include "server/logging.h"
#include "server/passed_sockets.h"
#include "server/reloads.h"
#include "server/service.h"
#include "server/settings.h"
#include "server/socket_file.h"
#include "server/status.h"

namespace cppipc::server {
namespace {

LogLevel log_level_of(HostOptions::LogLevel level) {
  switch (level) {
    case HostOptions::LogLevel::kDebug:
      return LogLevel::kDebug;
    case HostOptions::LogLevel::kInfo:
      return LogLevel::kInfo;
    case HostOptions::LogLevel::kWarning:
      return LogLevel::kWarning;
    case HostOptions::LogLevel::kError:
      break;
  }
  return LogLevel::kError;
}

// What a service manager has given to the process, by its environment.
struct Given {
  ServiceManager manager = {};
  std::vector<PassedSocket> sockets = {};
};

// Errors: std::runtime_error.
Given take_given(const Options& options) {
  Given given{ServiceManager::from_environment(), take_passed_sockets()};
  // A private server is no service of its own: its launcher may be one, and speaks for itself.
  if (options.inherited_fd) return {};
  return given;
}

// Owns: the registry, the host, the listeners, and the thread of the end.
class Process {
 public:
  Process(const Options& options, Log& log, Given given,
          const std::function<void(Registry&)>& register_more)
      : options_(options),
        log_(log),
        lifetime_(loop_, log, options.drain, options.end_grace, lifetime_hooks()),
        entrance_(loop_, options, log),
        service_(loop_, std::move(given.manager), log),
        status_(loop_, options.status, log, [this] { return entrance_.addresses(); }),
        passed_(std::move(given.sockets)) {
    toolkits::register_all(registry_, {.has_diagnostics = options.has_diagnostics});
    register_settings(registry_, {options, log, [this] { return entrance_.addresses(); }});
    if (register_more) register_more(registry_);
    start_settings(registry_, environ, options.settings);
    host_ = std::make_unique<Host>(registry_, host_options());
    for (const std::string& file : options_.extensions) {
      call_history().began(0, "--extension", file);
      host_->add(load_file(file, log_));
      call_history().ended();
    }
    status_.show(*host_);
    if (!options_.log.file.empty()) {
      reloads_.emplace_back("log file", [this] { log_.reopen(); });
    }
    if (!options_.config_file.empty()) {
      reloads_.emplace_back("configuration file", [this] { reload_configuration(); });
    }
    entrance_.add_reloads(reloads_);
  }
  ~Process() {
    if (ending_.joinable()) ending_.join();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Begins to listen and to serve. Errors: std::exception with a text for users.
  void start() {
    lifetime_.watch_signals();
    entrance_.listen();
    for (PassedSocket& socket : passed_) take(std::move(socket));
    entrance_.look_over();
    status_.listen();
    announce();
    if (options_.launcher_pidfd) lifetime_.watch_launcher(*options_.launcher_pidfd);
    if (options_.inherited_fd) serve_launcher(*options_.inherited_fd);
    entrance_.start(*host_);
    status_.start();
    service_.ready("serving");
  }

  // Returns at the end.
  void run() { loop_.run(); }

 private:
  HostOptions host_options();
  Lifetime::Hooks lifetime_hooks();
  // Listens on a socket that was passed. Errors: std::runtime_error.
  void take(PassedSocket socket);
  void announce();
  void say(const std::string& line);
  void serve_launcher(int fd);
  void begin_end(std::chrono::milliseconds patience);
  void reload();
  void reload_configuration();

  const Options& options_;
  Log& log_;
  Registry registry_;
  boost::asio::io_context loop_{1};
  Lifetime lifetime_;
  Entrance entrance_;
  std::unique_ptr<Host> host_;
  Service service_;
  Status status_;
  std::vector<PassedSocket> passed_;  // until start() gives them to listeners
  Reloads reloads_;
  std::optional<std::uint64_t> launcher_session_;
  std::thread ending_;
};

HostOptions Process::host_options() {
  HostOptions options;
  options.limits = options_.limits;
  options.shares_memory = options_.shares_memory;
  options.log = [this](HostOptions::LogLevel level, const std::string& text) {
    use_crash_stack();
    log_.write(log_level_of(level), text);
  };
  options.keep_alive = std::chrono::seconds(options_.access.keep_alive_s);
  options.access_tokens = entrance_.tokens();
  options.load_extension = client_loader(options_, log_);
  options.call_began = [](std::uint64_t session, std::string_view where, std::string_view file) {
    use_crash_stack();  // for calls that recurse without end
    call_history().began(session, where, file);
  };
  options.call_ended = [] { call_history().ended(); };
  options.session_began = [this](std::uint64_t session, const std::string& peer) {
    use_crash_stack();
    log_.info("session " + std::to_string(session) + " began: " + peer);
  };
  options.session_opened = [this](std::uint64_t session, const std::string& identity) {
    log_.debug("session " + std::to_string(session) + " is open: " + identity);
    entrance_.settled(session);
  };
  options.session_ended = [this](std::uint64_t session, const std::string& reason) {
    log_.info("session " + std::to_string(session) + " ended" +
              (reason.empty() ? "" : ": " + shortened(reason)));
    entrance_.settled(session);
    // Posted, since it may come before adopt() has returned the session's number.
    boost::asio::post(loop_, [this, session] {
      if (launcher_session_ == session) {
        lifetime_.end("the launcher's session ended", std::chrono::milliseconds(0));
      }
    });
  };
  return options;
}

Lifetime::Hooks Process::lifetime_hooks() {
  Lifetime::Hooks hooks{[this](std::chrono::milliseconds patience) { begin_end(patience); },
                        [] { ::_exit(kExitForced); }};
  // A private server has nobody who would ask it to reload; to it, SIGHUP is the terminal's end.
  if (!options_.inherited_fd) hooks.reload = [this] { reload(); };
  return hooks;
}

void Process::take(PassedSocket socket) {
  if (socket.name() == kStatusName) return status_.take(std::move(socket));
  entrance_.take(std::move(socket));
}

void Process::announce() {
  for (const std::string& address : entrance_.addresses()) say("listening on " + address);
  for (const std::string& line : status_.announcements()) say(line);
}

void Process::say(const std::string& line) {
  log_.info(line);
  if (std::printf("%s\n", line.c_str()) < 0 || std::fflush(stdout) != 0) {
    log_.warning("stdout cannot be written: " + std::generic_category().message(errno));
  }
}

void Process::serve_launcher(int fd) {
  prepare_inherited_socket(fd);
  launcher_session_ = host_->adopt(fd, "launcher");
}

void Process::begin_end(std::chrono::milliseconds patience) {
  status_.set_draining();
  service_.stopping("draining", patience + options_.end_grace);
  entrance_.close();
  ending_ = std::thread([this, patience] {
    use_crash_stack();
    if (!host_->stop(patience)) log_.warning("some calls were still running after the drain");
    status_.host_ends();
    host_.reset();  // waits for its threads
    boost::asio::post(loop_, [this] { lifetime_.finished(); });
  });
}

void Process::reload() {
  service_.reloading();
  log_.info("reloading: SIGHUP");
  const bool is_whole = reload_all(reloads_, log_);
  status_.count_reload(!is_whole);
  service_.ready(is_whole ? "serving" : "serving; a reload failed, the log says why");
}

// The level is all of it that can be changed while the server runs.
void Process::reload_configuration() {
  const auto level = log_level_in(options_.config_file);
  if (level && options_.is_log_level_of_file) log_.set_level(*level);
}

// Says on stderr what went wrong, and in the log if that is another file.
int failed(const Options& options, Log* log, const std::string& prefix, const std::string& why) {
  if (log != nullptr && !options.log.file.empty()) log->error(prefix + why);
  std::fprintf(stderr, "unity_server: %s\n", why.c_str());
  return kExitStartFailed;
}

}  // namespace

int run_server(const Options& options, const std::function<void(Registry&)>& register_more) {
  std::unique_ptr<Log> log;
  std::string prefix = "start failed: ";
  try {
    Given given = take_given(options);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);  // a file that becomes too large is an error of who writes it
    open_standard_descriptors();
    if (options.inherited_fd) check_inherited_socket(*options.inherited_fd);
    install_crash_handler();
    log = std::make_unique<Log>(options.log);
    Process process(options, *log, std::move(given), register_more);
    process.start();
    prefix = "cannot go on: ";
    process.run();
  } catch (const std::exception& error) {
    return failed(options, log.get(), prefix, error.what());
  }
  log->info("ended");
  return kExitOk;
}

}  // namespace cppipc::server
