// SPDX-License-Identifier: Apache-2.0
#include "server/logging.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include "server/crash.h"
#include "server/log_format.h"
#include "server/stderr_sink.h"

namespace cppipc::server {
namespace {

constexpr std::pair<std::string_view, LogLevel> kLevels[] = {{"debug", LogLevel::kDebug},
                                                             {"info", LogLevel::kInfo},
                                                             {"warning", LogLevel::kWarning},
                                                             {"error", LogLevel::kError},
                                                             {"off", LogLevel::kOff}};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

std::shared_ptr<spdlog::sinks::sink> make_file_sink(const LogOptions& options) {
  spdlog::file_event_handlers events;
  // Programs that a toolkit starts do not inherit the file, and a crash is written to it too.
  events.after_open = [](const spdlog::filename_t&, std::FILE* file) {
    ::fcntl(::fileno(file), F_SETFD, FD_CLOEXEC);
    set_crash_log(::fileno(file));
  };
  events.before_close = [](const spdlog::filename_t&, std::FILE* file) {
    forget_crash_log(::fileno(file));
  };
  const std::size_t bytes_max = std::size_t{options.file_mib} << 20;
  try {
    return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, bytes_max,
                                                                  options.files, false, events);
  } catch (const spdlog::spdlog_ex& error) {
    throw std::runtime_error("cannot open the log file '" + options.file + "': " + error.what());
  }
}

std::shared_ptr<spdlog::sinks::sink> make_sink(const LogOptions& options) {
  if (options.file.empty()) return std::make_shared<StderrSink>(STDERR_FILENO);
  auto changeable = std::make_shared<spdlog::sinks::dist_sink_mt>();
  changeable->add_sink(make_file_sink(options));
  return changeable;
}

std::unique_ptr<spdlog::formatter> make_formatter(bool is_json) {
  if (is_json) return std::make_unique<JsonFormatter>();
  return std::make_unique<TextFormatter>();
}

// Says once per process that the log cannot be written; more would be noise.
void report_failure(std::string_view why) noexcept {
  static std::atomic_flag is_reported = ATOMIC_FLAG_INIT;
  if (is_reported.test_and_set()) return;
  write_without_waiting(STDERR_FILENO, "unity_server: the log cannot be written: ");
  write_without_waiting(STDERR_FILENO, why);
  write_without_waiting(STDERR_FILENO, "\n");
}

}  // namespace

std::string_view name_of(LogLevel level) {
  const auto* const found = std::find_if(std::begin(kLevels), std::end(kLevels),
                                         [&](const auto& known) { return known.second == level; });
  return found->first;
}

std::optional<LogLevel> level_of(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [known, level] : kLevels) {
    if (known == lower) return level;
  }
  return std::nullopt;
}

Log::Log(const LogOptions& options) : Log(options, make_sink(options)) {}

Log::Log(const LogOptions& options, std::shared_ptr<spdlog::sinks::sink> sink)
    : options_(options),
      logger_(std::make_shared<spdlog::logger>("unity_server", sink)),
      file_(std::dynamic_pointer_cast<spdlog::sinks::dist_sink_mt>(std::move(sink))) {
  logger_->set_formatter(make_formatter(options.is_json));
  logger_->set_level(spdlog_level(options.level));
  logger_->flush_on(spdlog::level::trace);
  logger_->set_error_handler([](const std::string& why) { report_failure(why); });
}

Log::~Log() = default;

void Log::reopen() {
  if (!file_) return;
  auto fresh = make_file_sink(options_);
  fresh->set_formatter(make_formatter(options_.is_json));
  file_->set_sinks({std::move(fresh)});
}

void Log::set_level(LogLevel level) noexcept { logger_->set_level(spdlog_level(level)); }

LogLevel Log::level() const noexcept {
  for (const auto& [name, level] : kLevels) {
    if (spdlog_level(level) == logger_->level()) return level;
  }
  return LogLevel::kOff;
}

void Log::write(LogLevel level, std::string_view text) noexcept {
  try {
    logger_->log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
  } catch (const std::exception& error) {
    report_failure(error.what());
  } catch (...) {
    report_failure("an exception of an unknown type");
  }
}

}  // namespace cppipc::server
