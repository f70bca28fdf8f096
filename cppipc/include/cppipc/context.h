// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a running method or toolkit may know of the call it serves. A `Context&` parameter of a
// registered function is filled in by the host and invisible to callers.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

namespace cppipc {

namespace detail {
class SessionObjects;
}

// How much a line of the log matters.
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// Threads: made by the host for one call; usable from any thread until the function returns.
class Context {
 public:
  using Clock = std::chrono::steady_clock;

  Context() = default;
  Context(std::stop_token stop, std::optional<Clock::time_point> deadline)
      : stop_(std::move(stop)), deadline_(deadline) {}

  // True once the caller has cancelled, its deadline has passed, or its session has ended.
  bool cancelled() const {
    return stop_.stop_requested() || (deadline_ && Clock::now() >= *deadline_);
  }
  // Errors: kCancelled or, past the deadline, kTimeout.
  void throw_if_cancelled() const;
  // Fires on cancel and at the session's end, not at the deadline.
  const std::stop_token& stop_token() const { return stop_; }
  const std::optional<Clock::time_point>& deadline() const { return deadline_; }

  // Reports how far the call is: a fraction in 0..1, and a short text. Cheap; may be dropped.
  void progress(double fraction, std::string_view text = {}) const {
    if (on_progress) on_progress(fraction, text);
  }
  // A line for the server's log, and for those who watch the call (Client::watch), whatever the
  // level of the server's log.
  void log(LogLevel level, std::string_view text) const {
    if (on_log) on_log(level, text);
  }
  void log(std::string_view text) const { log(LogLevel::kInfo, text); }

  std::function<void(double, std::string_view)> on_progress;
  std::function<void(LogLevel, std::string_view)> on_log;
  std::uint64_t call_id = 0;  // of the caller's session
  std::uint64_t chain = 0;    // the outermost call this one happens inside of
  // What the caller's session has for itself (TypeBuilder::per_session); null outside of one.
  std::shared_ptr<detail::SessionObjects> session_objects;

 private:
  std::stop_token stop_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace cppipc
