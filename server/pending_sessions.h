// SPDX-License-Identifier: Apache-2.0
#pragma once
// Connections whose clients have not opened a session yet.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace cppipc::server {

// Each has its time, and there are so many at most: of more the oldest goes, so a flood of silent
// connections keeps nobody out who opens a session at once. There is a timer only while there is
// one of them, so an idle server does not wake up.
// Threads: everything on the thread that runs the io_context.
class PendingSessions {
 public:
  // Ends a session unless it is open or over by now, as Host::end_pending() does.
  using End = std::function<void(std::uint64_t session, const std::string& reason)>;
  PendingSessions(boost::asio::io_context& loop, std::chrono::milliseconds timeout,
                  std::size_t most, End end);

  // A session has begun, later than all others: numbers count up.
  void began(std::uint64_t session);
  // It is open, or over. Others than those that have begun are none of ours.
  void settled(std::uint64_t session);
  // From now on nothing is ended any more.
  void close();

  std::size_t count() const { return deadlines_.size(); }

 private:
  using Clock = std::chrono::steady_clock;
  void end(std::uint64_t session, const std::string& reason);
  // Sets the timer to the oldest.
  void arm();
  void end_late_ones();

  const std::chrono::milliseconds timeout_;
  const std::size_t most_;
  const End end_;
  boost::asio::steady_timer timer_;
  std::map<std::uint64_t, Clock::time_point> deadlines_;  // by number, which is by age
  bool is_closed_ = false;
};

}  // namespace cppipc::server
