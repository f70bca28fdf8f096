// SPDX-License-Identifier: Apache-2.0
#pragma once
// A call that the peer made, until it is answered.

#include <capnp/any.h>
#include <capnp/rpc.capnp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rpc/cap.h"
#include "rpc/connection.h"
#include "rpc/message.h"
#include "rpc/outgoing.h"

namespace cppipc {

class Peer;

// Owns: the message, its capabilities, and the duty to answer: one that is dropped unanswered
// answers with an exception. Threads: one at a time; it may move between threads.
class IncomingCall {
 public:
  IncomingCall(std::shared_ptr<Peer> peer, std::uint32_t answer_id,
               std::unique_ptr<IncomingMessage> message, std::vector<Cap> caps);
  IncomingCall(IncomingCall&&) noexcept = default;
  IncomingCall& operator=(IncomingCall&&) noexcept = delete;
  ~IncomingCall();

  std::uint64_t interface_id() const { return interface_id_; }
  std::uint16_t method_id() const { return method_id_; }
  std::uint64_t size_bytes() const { return message_->size_bytes(); }
  // The params, without their capabilities; see IncomingMessageCaps. Errors: kj::Exception.
  capnp::AnyPointer::Reader params();
  std::vector<Cap>& caps() { return caps_; }
  // For a call on the answer to another call: the way from that answer to the target.
  capnp::List<capnp::rpc::PromisedAnswer::Op>::Reader pipeline_path();
  const std::shared_ptr<Peer>& peer() const { return peer_; }

  // `callback` runs when the peer no longer wants the answer (at once if it said so already),
  // or the connection ends; on the reading thread, with no lock held. Once.
  void on_cancel(std::function<void()> callback);

  // A reply whose results are still to be filled in.
  class ReplyBuilder {
   public:
    template <class Results>
    typename Results::Builder results() {
      auto payload = message_->root().getReturn().getResults();
      return message_->content(payload).template initAs<Results>();
    }
    // The content itself, for a reply that is one capability.
    capnp::AnyPointer::Builder content() {
      return message_->content(message_->root().getReturn().getResults());
    }
    OutgoingMessage& message() { return *message_; }

   private:
    friend class IncomingCall;
    std::unique_ptr<OutgoingMessage> message_;
  };
  ReplyBuilder begin_reply(std::uint64_t size_words) const;
  // Sends the reply; drops it if the connection is gone. Frees the call's message.
  void reply(ReplyBuilder reply, Connection::Flush flush = Connection::Flush::kNow);
  // Answers with an exception of the protocol: for what is no documented fault.
  void fail(const std::string& reason, bool is_unimplemented = false);

 private:
  std::shared_ptr<Peer> peer_;  // null once answered or moved from
  std::uint32_t answer_id_;
  std::uint64_t interface_id_ = 0;
  std::uint16_t method_id_ = 0;
  std::unique_ptr<IncomingMessage> message_;
  std::vector<Cap> caps_;
};

}  // namespace cppipc
