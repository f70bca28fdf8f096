// SPDX-License-Identifier: Apache-2.0
#include "server/pending_sessions.h"

#include <utility>

namespace cppipc::server {
namespace {

// Milliseconds as a user writes seconds: "10", "1.5".
std::string seconds_text(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (const auto rest = time.count() % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text;
}

}  // namespace

PendingSessions::PendingSessions(boost::asio::io_context& loop, std::chrono::milliseconds timeout,
                                 std::size_t most, End end)
    : timeout_(timeout), most_(most), end_(std::move(end)), timer_(loop) {}

void PendingSessions::began(std::uint64_t session) {
  if (is_closed_) return;
  deadlines_.emplace(session, Clock::now() + timeout_);
  if (deadlines_.size() == 1) arm();
  if (deadlines_.size() <= most_) return;
  end(deadlines_.begin()->first, "of " + std::to_string(deadlines_.size()) +
                                     " connections without a session it was the oldest, and there "
                                     "may be " +
                                     std::to_string(most_) + " (--pending-connections)");
}

void PendingSessions::settled(std::uint64_t session) {
  // If it was the oldest, the timer finds nothing to do once, or it has no reason to be.
  if (deadlines_.erase(session) != 0 && deadlines_.empty()) timer_.cancel();
}

void PendingSessions::close() {
  is_closed_ = true;
  deadlines_.clear();
  timer_.cancel();
}

void PendingSessions::end(std::uint64_t session, const std::string& reason) {
  settled(session);
  end_(session, reason);
}

void PendingSessions::arm() {
  timer_.expires_at(deadlines_.begin()->second);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error != boost::asio::error::operation_aborted) end_late_ones();
  });
}

void PendingSessions::end_late_ones() {
  const auto now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->second <= now) {
    end(deadlines_.begin()->first,
        "its client opened no session within " + seconds_text(timeout_) + " s (--open-timeout-s)");
  }
  if (!deadlines_.empty()) arm();
}

}  // namespace cppipc::server
