// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a client is told of its calls while they run: progress, and lines for the log.

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/client_function.h"

namespace cppipc {

class HostSession;

struct StatusMessage {
  std::string name;                // "diagnostics.work", "Counter.increment"
  std::optional<double> fraction;  // of progress; none: it is a line for the log
  std::string text;
  std::uint64_t call = 0;  // as the client numbered it
  bool is_end = false;     // of a call that has told of its progress
};

// Tells a function of the client what comes of the calls whose name begins with a prefix, in order.
// A few messages are on the way at one time, and further ones wait, 16 MiB of them; of more the
// oldest are lost, and a message says how many. So a slow watcher delays nobody and takes no more
// memory. Threads: any.
class Watch : public std::enable_shared_from_this<Watch> {
 public:
  // kMessages: called with (name, fraction, text). kCalls: with (name, fraction, text, call) for
  // progress only, and at the end of a call that has told of some with (name, None, None, call).
  enum class Content : std::uint8_t { kMessages, kCalls };

  Watch(std::string prefix, std::weak_ptr<HostSession> session, std::shared_ptr<Import> watcher,
        Content content = Content::kMessages)
      : prefix_(std::move(prefix)),
        watcher_(std::move(session), std::move(watcher)),
        content_(content) {}

  void tell(const StatusMessage& message);
  // Nothing more is sent.
  void end();

 private:
  friend struct WatchReply;
  void answered(bool is_lost);
  // Sends what may leave now; lets go of the lock meanwhile.
  void send_waiting(std::unique_lock<std::mutex>& lock);
  StatusMessage next_locked();
  void end_locked();
  // False if there is nobody any more.
  bool send(const StatusMessage& message);

  const std::string prefix_;
  const ClientHold watcher_;
  const Content content_;
  std::mutex mutex_;
  std::deque<StatusMessage> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t lost_ = 0;  // since the last message that was sent
  unsigned in_flight_ = 0;
  bool is_sending_ = false;
  bool is_ended_ = false;
};

// The watches of one session. Threads: any.
class Watches {
 public:
  ~Watches() { end(); }
  // Returns its number. Errors: kQuotaExceeded.
  std::uint64_t add(std::shared_ptr<Watch> watch);
  // Unknown numbers are ignored.
  void remove(std::uint64_t number);
  void end();
  void tell(std::string_view name, std::optional<double> fraction, std::string_view text,
            std::uint64_t call);
  // A call that has told of its progress is over.
  void tell_end(std::string_view name, std::uint64_t call);

 private:
  void tell_all(const StatusMessage& message);

  std::atomic<bool> is_empty_{true};
  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Watch>> watches_;
  std::uint64_t last_ = 0;
};

}  // namespace cppipc
