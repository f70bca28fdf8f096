// SPDX-License-Identifier: Apache-2.0
// The client's end of a session with host(), as bytes and Cap'n Proto messages. One thread.

#pragma once

#include <cppipc/broker.capnp.h>

#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>

#include "fuzz/session_host.h"
#include "rpc/connection.h"
#include "rpc/descriptor.h"

namespace cppipc::fuzz {

namespace rpc = capnp::rpc;
using Clock = std::chrono::steady_clock;

// How long the host may take before the target calls it hung.
constexpr std::chrono::seconds kPatience{20};

// The client's end of a session. Reads what comes back, and keeps what a script needs of it.
class Wire {
 public:
  Wire() : connection_(make_socket(), kMessageBytes) {}

  // Writes bytes as they are.
  void write(std::span<const std::byte> bytes) {
    const auto until = Clock::now() + kPatience;
    while (!bytes.empty() && pump()) {
      const ssize_t sent =
          ::send(connection_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
      } else {
        wait(POLLIN | POLLOUT, until);
      }
    }
  }
  void write(capnp::MessageBuilder& message) {
    const auto until = Clock::now() + kPatience;
    connection_.send(message, Connection::Flush::kNow);
    while (!connection_.flush() && pump()) wait(POLLIN | POLLOUT, until);
  }
  // Notes that a question was asked.
  void asked(std::uint32_t question) { unanswered.insert(question); }
  // Waits until every question has its answer, or the host has hung up.
  void wait_for_answers() {
    const auto until = Clock::now() + kPatience;
    while (pump() && !unanswered.empty()) wait(POLLIN, until);
  }

  // Leaves, and waits until the host has forgotten everything.
  void finish() {
    const auto until = Clock::now() + kPatience;
    ::shutdown(connection_.fd(), SHUT_WR);
    connection_.expect_end();
    while (pump()) wait(POLLIN, until);
    for (;;) {
      const auto stats = host().stats();
      if (stats.sessions == 0 && stats.live_objects == 0 && stats.calls_running == 0 &&
          stats.calls_waiting == 0) {
        return;
      }
      if (Clock::now() >= until) fail("the host remembers a session that is over");
      ::poll(nullptr, 0, 1);
    }
  }

  bool is_ended() const { return is_ended_; }
  std::set<std::uint32_t> unanswered;
  std::map<std::uint32_t, std::uint32_t> held;  // the host's exports and our references to them

 private:
  static constexpr std::uint64_t kMessageBytes = 64 << 20;

  static Descriptor make_socket() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) fail("no socketpair");
    host().adopt(fds[1], "fuzz");
    return Descriptor(fds[0]);
  }
  // Handles what has arrived. False once the host has hung up.
  bool pump() {
    if (is_ended_) return false;
    const auto state = connection_.receive(
        [this](std::unique_ptr<IncomingMessage> message) { handle(message->reader()); });
    is_ended_ = state == Connection::State::kEnded;
    return !is_ended_;
  }
  void handle(capnp::MessageReader& reader) {
    const auto root = reader.getRoot<rpc::Message>();
    if (root.isReturn()) {
      unanswered.erase(root.getReturn().getAnswerId());
      if (!root.getReturn().isResults()) return;
      for (const auto cap : root.getReturn().getResults().getCapTable()) {
        if (cap.isSenderHosted()) ++held[cap.getSenderHosted()];
      }
    } else if (root.isCall()) {
      answer(root.getCall());
    }
  }
  // The host reads a blob of ours; every other one turns out to be broken.
  void answer(rpc::Call::Reader call) {
    capnp::MallocMessageBuilder message;
    auto header = message.initRoot<rpc::Message>().initReturn();
    header.setAnswerId(call.getQuestionId());
    const auto params = call.getParams().getContent().getAs<wire::Blob::ReadParams>();
    if (++blobs_ % 2 == 0) {
      header.initException().setReason("broken");
    } else {
      header.initResults().getContent().initAs<wire::Blob::ReadResults>().initData(
          std::min<std::uint32_t>(params.getLength(), 1 << 20));
    }
    connection_.send(message, Connection::Flush::kNow);
  }
  void wait(short events, Clock::time_point until) {
    if (Clock::now() >= until) fail("the host does not answer");
    pollfd wanted{connection_.fd(), events, 0};
    ::poll(&wanted, 1, 100);
    connection_.flush();
  }

  Connection connection_;
  bool is_ended_ = false;
  unsigned blobs_ = 0;
};

}  // namespace cppipc::fuzz
