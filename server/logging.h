// SPDX-License-Identifier: Apache-2.0
#pragma once
// The server's log: one line per event, to stderr or to a file that rotates.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
namespace sinks {
class sink;
template <class Mutex>
class dist_sink;
}  // namespace sinks
}  // namespace spdlog

namespace cppipc::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning", "error" or "off".
std::string_view name_of(LogLevel level);
// The level of that name, in any case; nothing if there is none.
std::optional<LogLevel> level_of(std::string_view name);

struct LogOptions {
  std::string file = {};  // empty: stderr
  LogLevel level = LogLevel::kInfo;
  bool is_json = false;    // one JSON object per line
  unsigned file_mib = 64;  // a file larger than that is rotated
  unsigned files = 3;      // kept beside the current one, NAME.1.EXT being the newest
};

// A log that never throws and never stands still: lines for a stderr that nobody reads are
// dropped and counted, a file that cannot be written is reported on stderr once.
// Owns: its file. Threads: every method is safe from any thread.
class Log {
 public:
  // Errors: std::runtime_error naming the file if it cannot be opened.
  explicit Log(const LogOptions& options);
  // Writes to the given sink instead, in the format the options ask for.
  Log(const LogOptions& options, std::shared_ptr<spdlog::sinks::sink> sink);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Control characters in `text` are written as escapes, so that one event stays one line.
  void write(LogLevel level, std::string_view text) noexcept;
  void debug(std::string_view text) noexcept { write(LogLevel::kDebug, text); }
  void info(std::string_view text) noexcept { write(LogLevel::kInfo, text); }
  void warning(std::string_view text) noexcept { write(LogLevel::kWarning, text); }
  void error(std::string_view text) noexcept { write(LogLevel::kError, text); }

  // Opens the log file anew by its name, which another program may have given to another file
  // meanwhile. Without a file it does nothing. Errors: std::runtime_error naming the file if that
  // cannot be opened; the log then goes on in the old one.
  void reopen();

  // From now on lines below that level are not written.
  void set_level(LogLevel level) noexcept;
  LogLevel level() const noexcept;

 private:
  const LogOptions options_;
  std::shared_ptr<spdlog::logger> logger_;
  // What the logger writes to, if that is a file: it holds the sink of the file.
  std::shared_ptr<spdlog::sinks::dist_sink<std::mutex>> file_;
};

}  // namespace cppipc::server
