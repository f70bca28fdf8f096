// SPDX-License-Identifier: Apache-2.0
#include "rpc/incoming.h"

#include "rpc/peer.h"

namespace cppipc {

namespace rpc = capnp::rpc;

IncomingCall::IncomingCall(std::shared_ptr<Peer> peer, std::uint32_t answer_id,
                           std::unique_ptr<IncomingMessage> message, std::vector<Cap> caps)
    : peer_(std::move(peer)),
      answer_id_(answer_id),
      message_(std::move(message)),
      caps_(std::move(caps)) {
  const auto call = message_->reader().getRoot<rpc::Message>().getCall();
  interface_id_ = call.getInterfaceId();
  method_id_ = call.getMethodId();
}

IncomingCall::~IncomingCall() {
  if (peer_) fail("the call was dropped without an answer");
}

capnp::AnyPointer::Reader IncomingCall::params() {
  return message_->reader().getRoot<rpc::Message>().getCall().getParams().getContent();
}

capnp::List<rpc::PromisedAnswer::Op>::Reader IncomingCall::pipeline_path() {
  const auto call = message_->reader().getRoot<rpc::Message>().getCall();
  return call.getTarget().getPromisedAnswer().getTransform();
}

IncomingCall::ReplyBuilder IncomingCall::begin_reply(std::uint64_t size_words) const {
  ReplyBuilder reply;
  reply.message_ = std::make_unique<OutgoingMessage>(size_words + 16);
  auto header = reply.message_->root().initReturn();
  header.setAnswerId(answer_id_);
  header.setReleaseParamCaps(false);
  header.initResults();
  return reply;
}

void IncomingCall::reply(ReplyBuilder reply, Connection::Flush flush) {
  if (!peer_) return;
  const auto peer = std::move(peer_);
  message_.reset();
  caps_.clear();
  peer->carry_out_let_go();  // what the call alone has held: it leaves together with the reply
  peer->reply(answer_id_, std::move(reply.message_), flush);
}

void IncomingCall::fail(const std::string& reason, bool is_unimplemented) {
  if (!peer_) return;
  const auto peer = std::move(peer_);
  message_.reset();
  caps_.clear();
  auto message = std::make_unique<OutgoingMessage>(reason.size() / 8 + 16);
  auto header = message->root().initReturn();
  header.setAnswerId(answer_id_);
  header.setReleaseParamCaps(false);
  auto exception = header.initException();
  exception.setReason(reason);
  exception.setType(is_unimplemented ? rpc::Exception::Type::UNIMPLEMENTED
                                     : rpc::Exception::Type::FAILED);
  peer->reply(answer_id_, std::move(message), Connection::Flush::kNow);
}

void IncomingCall::on_cancel(std::function<void()> callback) {
  if (!peer_) return;
  {
    std::lock_guard lock(peer_->mutex_);
    const auto found = peer_->answers_.find(answer_id_);
    if (found != peer_->answers_.end() && !peer_->end_) {
      auto& answer = *found->second;
      if (!answer.is_finished || !answer.waiting.empty()) {
        answer.on_cancel = std::move(callback);
        return;
      }
    }
  }
  callback();
}

}  // namespace cppipc
