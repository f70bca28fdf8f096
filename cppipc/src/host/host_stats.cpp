// SPDX-License-Identifier: Apache-2.0
// What a host counts. Everything is read off counters that calls and connections keep anyway.
#include <algorithm>

#include "host/host_impl.h"
#include "host/host_session.h"

namespace cppipc {

HostStats HostCore::stats() const {
  HostStats stats;
  {
    std::lock_guard lock(mutex_);
    stats.sessions = sessions_.size();
    stats.sessions_total = last_session_;
    for (const auto& [id, session] : sessions_) {
      if (!session->is_open()) ++stats.pending;
      const Connection& connection = session->peer().connection();
      stats.bytes_inline += connection.received_bytes();
      stats.bytes_sent += connection.sent_bytes();
      stats.arenas += session->memory()->mapped() + session->memory()->offered();
    }
  }
  stats.bytes_inline += counters_.bytes_inline;
  stats.bytes_sent += counters_.bytes_sent;
  stats.live_objects = counters_.live_objects;
  stats.calls_failed = counters_.calls_failed;
  stats.calls = counters_.calls;
  stats.calls_running = crew_->running();
  stats.calls_waiting = order_.waiting();
  stats.bytes_copied = counters_.bytes_copied;
  stats.bytes_held = bulk_total_->held;
  stats.threads = crew_->threads();
  stats.object_tokens = tokens_.count();
  return stats;
}

std::vector<SessionStats> HostCore::session_stats(std::size_t most) const {
  std::vector<SessionStats> found;
  std::lock_guard lock(mutex_);
  found.reserve(std::min(most, sessions_.size()));
  for (const auto& [id, session] : sessions_) {
    if (found.size() == most) break;
    found.push_back(session->stats());
  }
  return found;
}

SessionStats HostSession::stats() const {
  const Connection& connection = peer_->connection();
  SessionStats stats;
  stats.id = id_;
  stats.peer = peer_name_;
  stats.since = since_;
  stats.calls = calls_done_.load(std::memory_order_relaxed);
  stats.calls_failed = calls_failed_.load(std::memory_order_relaxed);
  stats.live_objects = objects_;
  stats.bytes_received = connection.received_bytes();
  stats.bytes_sent = connection.sent_bytes();
  stats.queued_bytes = connection.queued_bytes();
  return stats;
}

}  // namespace cppipc
