// SPDX-License-Identifier: Apache-2.0
#include "host/watch.h"

#include <cppipc/broker.capnp.h>

#include <string>
#include <utility>
#include <vector>

#include "host/host_session.h"
#include "values/utf8.h"
#include "wire/attach.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

constexpr unsigned kInFlightMax = 16;
constexpr std::size_t kWaitingBytesMax = 16 << 20;
constexpr std::size_t kTextBytes = 4096;
constexpr std::size_t kWatchesMax = 100;

// Text of any length and bytes as text that can be sent.
std::string as_text(std::string_view text) { return to_valid_utf8(text.substr(0, kTextBytes)); }

std::size_t bytes_of(const StatusMessage& message) {
  return sizeof(message) + message.name.size() + message.text.size();
}

}  // namespace

struct WatchReply final : PendingReply {
  explicit WatchReply(std::shared_ptr<Watch> watch) : watch(std::move(watch)) {}
  void on_return(Returned returned) override {
    watch->answered(returned.error && returned.error->kind() == ErrorKind::kConnectionLost);
  }
  const std::shared_ptr<Watch> watch;
};

void Watch::tell(const StatusMessage& message) {
  const bool is_log = !message.fraction && !message.is_end;
  if (content_ == Content::kCalls ? is_log : message.is_end) return;
  if (!message.name.starts_with(prefix_)) return;
  std::unique_lock lock(mutex_);
  if (is_ended_) return;
  waiting_.push_back(message);
  waiting_bytes_ += bytes_of(message);
  while (waiting_bytes_ > kWaitingBytesMax) {
    waiting_bytes_ -= bytes_of(waiting_.front());
    waiting_.pop_front();
    ++lost_;
  }
  send_waiting(lock);
}

void Watch::answered(bool is_lost) {
  std::unique_lock lock(mutex_);
  --in_flight_;
  if (is_lost) end_locked();
  send_waiting(lock);
}

void Watch::send_waiting(std::unique_lock<std::mutex>& lock) {
  // One thread at a time, so that they leave in order; whoever comes meanwhile leaves it to that.
  if (is_sending_) return;
  is_sending_ = true;
  while (in_flight_ < kInFlightMax && !waiting_.empty()) {
    const StatusMessage next = next_locked();
    ++in_flight_;
    lock.unlock();
    bool is_sent = false;
    try {
      is_sent = send(next);
    } catch (...) {
      lock.lock();
      --in_flight_;
      is_sending_ = false;
      throw;
    }
    lock.lock();
    if (!is_sent) end_locked();
  }
  is_sending_ = false;
}

StatusMessage Watch::next_locked() {
  StatusMessage next;
  if (lost_ > 0 && content_ == Content::kMessages) {
    next.name = waiting_.front().name;
    next.text = std::to_string(lost_) +
                " messages before this one were lost: the watcher is slower than they come";
  } else {
    next = std::move(waiting_.front());
    waiting_bytes_ -= bytes_of(next);
    waiting_.pop_front();
  }
  lost_ = 0;
  return next;
}

void Watch::end_locked() {
  is_ended_ = true;
  waiting_.clear();
}

void Watch::end() {
  const std::lock_guard lock(mutex_);
  end_locked();
}

bool Watch::send(const StatusMessage& message) {
  const auto session = watcher_.session();
  if (!session || session->is_ended()) return false;
  Arguments arguments;
  arguments.values = {Variant(message.name),
                      message.fraction ? Variant(*message.fraction) : Variant(),
                      message.is_end ? Variant() : Variant(message.text)};
  if (content_ == Content::kCalls) {
    arguments.values.emplace_back(static_cast<std::int64_t>(message.call));
  }
  const ValueWriter written = write(arguments, session->limits());
  auto& peer = session->peer();
  auto builder = peer.begin_call(watcher_.import(), capnp::typeId<wire::Object>(), 0,
                                 written.words().size() + kCallWords);
  auto params = builder.params<wire::Object::CallParams>();
  params.setMethod("__call__");
  params.initCall().setId(session->next_callback_id());
  OutgoingMessageCaps caps(builder.message(), *session);
  attach(written, kj::mv(params), kArgumentsPointer, caps);
  peer.send(std::move(builder), std::make_shared<WatchReply>(shared_from_this()),
            Connection::Flush::kNow);
  session->want_write();
  return true;
}

std::uint64_t Watches::add(std::shared_ptr<Watch> watch) {
  const std::lock_guard lock(mutex_);
  if (watches_.size() >= kWatchesMax) {
    throw Error(ErrorKind::kQuotaExceeded, "the session has " + std::to_string(kWatchesMax) +
                                               " watches, which is its limit; close some");
  }
  watches_.emplace(++last_, std::move(watch));
  is_empty_ = false;
  return last_;
}

void Watches::remove(std::uint64_t number) {
  std::shared_ptr<Watch> watch;  // outlives the lock
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(number);
  if (found == watches_.end()) return;
  watch = std::move(found->second);
  watches_.erase(found);
  is_empty_ = watches_.empty();
  watch->end();
}

void Watches::end() {
  std::map<std::uint64_t, std::shared_ptr<Watch>> watches;
  const std::lock_guard lock(mutex_);
  watches.swap(watches_);
  is_empty_ = true;
}

void Watches::tell(std::string_view name, std::optional<double> fraction, std::string_view text,
                   std::uint64_t call) {
  if (!is_empty_) tell_all({as_text(name), fraction, as_text(text), call});
}

void Watches::tell_end(std::string_view name, std::uint64_t call) {
  if (!is_empty_) tell_all({as_text(name), std::nullopt, {}, call, true});
}

void Watches::tell_all(const StatusMessage& message) {
  std::vector<std::shared_ptr<Watch>> watches;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, watch] : watches_) watches.push_back(watch);
  }
  for (const auto& watch : watches) watch->tell(message);
}

}  // namespace cppipc
