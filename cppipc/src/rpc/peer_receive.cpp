// SPDX-License-Identifier: Apache-2.0
// Messages that arrive.
//
// The capabilities of a payload are looked up, and taken into the import table, at once: the
// order of messages decides what an id means. Everything else in a payload is left to whoever
// handles the call or waits for the reply, on its own thread.
//
// A message that breaks the protocol throws, and ends the connection.
#include <kj/exception.h>

#include <array>

#include "rpc/peer.h"

namespace cppipc {

namespace rpc = capnp::rpc;

Connection::State Peer::receive(std::uint64_t most_bytes) {
  try {
    return connection_.receive(
        [this](std::unique_ptr<IncomingMessage> message) { handle(std::move(message)); },
        most_bytes);
  } catch (const kj::Exception& broken) {
    throw Error(ErrorKind::kProtocol, std::string("the peer sent a malformed message: ") +
                                          broken.getDescription().cStr());
  } catch (const Error&) {
    // After our own end, the rest of what had arrived refers to tables that are gone.
    if (is_disconnected()) return Connection::State::kEnded;
    throw;
  }
}

std::shared_ptr<Landing> Peer::find_landing(kj::ArrayPtr<const capnp::word> first_segment,
                                            std::size_t size_bytes) {
  const std::array<kj::ArrayPtr<const capnp::word>, 1> segments{first_segment};
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments.data(), segments.size()));
  std::uint32_t id = 0;
  try {
    const auto root = reader.getRoot<rpc::Message>();
    if (!root.isReturn() || !root.getReturn().isResults()) return nullptr;
    id = root.getReturn().getAnswerId();
  } catch (const kj::Exception&) {  // it leads to the other segment, as it may
    return nullptr;
  }
  std::lock_guard lock(mutex_);
  if (id >= questions_.size() || !questions_[id].is_used) return nullptr;
  return questions_[id].reply->landing(size_bytes);
}

void Peer::handle(std::unique_ptr<IncomingMessage> message) {
  if (messages_left_-- == 0) {
    throw Error(ErrorKind::kProtocol, "the peer sent more messages than it may by now");
  }
  const auto root = message->reader().getRoot<rpc::Message>();
  switch (root.which()) {
    case rpc::Message::CALL:
      return handle_call(std::move(message), root.getCall());
    case rpc::Message::RETURN:
      return handle_return(std::move(message), root.getReturn());
    case rpc::Message::BOOTSTRAP:
      return handle_bootstrap(root.getBootstrap().getQuestionId());
    case rpc::Message::FINISH:
      return handle_finish(root.getFinish());
    case rpc::Message::RELEASE:
      return handle_release(root.getRelease().getId(), root.getRelease().getReferenceCount());
    case rpc::Message::RESOLVE:
      return handle_resolve(root.getResolve());
    case rpc::Message::DISEMBARGO:
      return handle_disembargo(root.getDisembargo());
    case rpc::Message::ABORT:
      throw Error(ErrorKind::kConnectionLost, std::string("the peer ended the connection: ") +
                                                  root.getAbort().getReason().cStr());
    case rpc::Message::UNIMPLEMENTED:
      throw Error(ErrorKind::kProtocol, "the peer does not know a message that it was sent");
    default:
      return refuse(root);
  }
}

void Peer::refuse(rpc::Message::Reader message) {
  capnp::MallocMessageBuilder reply;
  reply.initRoot<rpc::Message>().setUnimplemented(message);
  connection_.send(reply, Connection::Flush::kNow);
}

Cap Peer::import_locked(std::uint32_t id) {
  auto& entry = imports_[id];
  ++entry.references;
  auto import = entry.import.lock();
  if (!import) {
    import = source_->make(id);
    entry.import = import;
  }
  return import;
}

Cap Peer::receive_cap(rpc::CapDescriptor::Reader descriptor) {
  switch (descriptor.which()) {
    case rpc::CapDescriptor::NONE:
      return {};
    case rpc::CapDescriptor::SENDER_HOSTED:
      return import_locked(descriptor.getSenderHosted());
    case rpc::CapDescriptor::SENDER_PROMISE:
      // A promise may be called like what it will turn into; see handle_resolve().
      return import_locked(descriptor.getSenderPromise());
    case rpc::CapDescriptor::RECEIVER_HOSTED: {
      const std::uint32_t id = descriptor.getReceiverHosted();
      if (id >= exports_.size() || !exports_[id].exported) {
        throw Error(ErrorKind::kProtocol, "the peer names a capability that it does not hold");
      }
      return exports_[id].exported;
    }
    case rpc::CapDescriptor::RECEIVER_ANSWER:
      return answer_cap_locked(descriptor.getReceiverAnswer());
    default:
      return {};
  }
}

std::vector<Cap> Peer::receive_caps(capnp::List<rpc::CapDescriptor>::Reader table) {
  std::vector<Cap> caps;
  if (table.size() == 0) return caps;
  caps.reserve(table.size());
  std::lock_guard lock(mutex_);
  for (const auto descriptor : table) caps.push_back(receive_cap(descriptor));
  return caps;
}

Cap Peer::answer_cap_locked(rpc::PromisedAnswer::Reader promised) {
  const auto found = answers_.find(promised.getQuestionId());
  return found == answers_.end() ? Cap{} : found->second->at(promised.getTransform());
}

void Peer::begin_answer(std::uint32_t id) {
  auto answer = std::make_shared<Answer>();
  std::lock_guard lock(mutex_);
  // What had arrived before the end: a call that waited in the table for another would keep this
  // peer, and nobody empties the table any more.
  if (end_) throw *end_;
  if (!answers_.try_emplace(id, std::move(answer)).second) {
    throw Error(ErrorKind::kProtocol, "the peer asked two questions under one number");
  }
  if (answers_.size() > answers_max_) {
    throw Error(ErrorKind::kProtocol, "the peer has not finished with " +
                                          std::to_string(answers_max_) +
                                          " answers, which are as many as it may hold");
  }
}

void Peer::deliver(Cap target, IncomingCall call) {
  if (const auto* exported = std::get_if<std::shared_ptr<Exported>>(&target)) {
    const auto held = *exported;
    held->call(std::move(call));
  } else {
    call.fail("the target of this call is no object of this side");
  }
}

std::optional<Cap> Peer::pipeline_target(std::uint32_t answer_id, IncomingCall& call) {
  std::lock_guard lock(mutex_);
  const auto found = answers_.find(answer_id);
  if (found == answers_.end() || found->second->is_finished) {
    throw Error(ErrorKind::kProtocol, "the peer calls the answer to a question it did not ask");
  }
  auto& answer = *found->second;
  if (!answer.is_returned || answer.is_delivering) {
    answer.waiting.push_back(std::move(call));
    return std::nullopt;
  }
  return answer.at(call.pipeline_path());
}

void Peer::handle_call(std::unique_ptr<IncomingMessage> message, rpc::Call::Reader call) {
  calls_received_.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t id = call.getQuestionId();
  const auto target = call.getTarget();
  auto caps = receive_caps(call.getParams().getCapTable());
  begin_answer(id);
  IncomingCall incoming(shared_from_this(), id, std::move(message), std::move(caps));
  if (!call.getSendResultsTo().isCaller()) {
    return incoming.fail("results can be sent to the caller only", true);
  }
  if (target.isImportedCap()) {
    std::shared_ptr<Exported> exported;
    {
      std::lock_guard lock(mutex_);
      const std::uint32_t export_id = target.getImportedCap();
      if (export_id < exports_.size()) exported = exports_[export_id].exported;
    }
    if (!exported) {
      throw Error(ErrorKind::kProtocol, "the peer calls a capability that it does not hold");
    }
    return exported->call(std::move(incoming));
  }
  if (!target.isPromisedAnswer()) return incoming.fail("unknown target", true);
  if (target.getPromisedAnswer().getQuestionId() == id) {
    throw Error(ErrorKind::kProtocol, "the peer calls the answer to that very call");
  }
  auto found = pipeline_target(target.getPromisedAnswer().getQuestionId(), incoming);
  if (found) deliver(std::move(*found), std::move(incoming));
}

void Peer::handle_bootstrap(std::uint32_t id) {
  begin_answer(id);
  auto message = std::make_unique<OutgoingMessage>(16);
  auto header = message->root().initReturn();
  header.setAnswerId(id);
  header.setReleaseParamCaps(false);
  std::shared_ptr<Exported> bootstrap;
  {
    std::lock_guard lock(mutex_);  // the connection may be ended by another thread
    bootstrap = bootstrap_;
  }
  if (bootstrap) {
    auto payload = header.initResults();
    message->content(payload).setAs<capnp::Capability>(message->add(std::move(bootstrap)));
  } else {
    header.initException().setReason("this side offers nothing");
  }
  reply(id, std::move(message), Connection::Flush::kNow);
}

Returned Peer::read_return(rpc::Return::Reader header) {
  Returned returned;
  if (header.isResults()) {
    returned.caps = receive_caps(header.getResults().getCapTable());
  } else if (header.isException()) {
    const auto exception = header.getException();
    const bool is_lost = exception.getType() == rpc::Exception::Type::DISCONNECTED;
    returned.error.emplace(is_lost ? ErrorKind::kConnectionLost : ErrorKind::kRemote,
                           exception.getReason().cStr());
  } else {
    returned.error.emplace(ErrorKind::kCancelled, "the call was cancelled");
  }
  return returned;
}

void Peer::handle_return(std::unique_ptr<IncomingMessage> message, rpc::Return::Reader header) {
  const std::uint32_t id = header.getAnswerId();
  std::vector<std::uint32_t> param_exports;
  {
    std::lock_guard lock(mutex_);
    if (end_) return;
    if (id >= questions_.size() || !questions_[id].is_used) {
      throw Error(ErrorKind::kProtocol, "the peer answers a question that was not asked");
    }
    param_exports.swap(questions_[id].param_exports);
  }
  // The question stays in the table meanwhile: if the answer breaks the protocol, the error that
  // ends the connection is its reply.
  if (header.getReleaseParamCaps()) release_all(param_exports);
  Returned returned = read_return(header);
  if (!returned.error) returned.message = std::move(message);
  Question question;
  {
    std::lock_guard lock(mutex_);
    if (end_) return;
    question = std::exchange(questions_[id], Question{});
    questions_open_.fetch_sub(1, std::memory_order_acq_rel);
  }
  {
    capnp::MallocMessageBuilder finish(16);
    auto body = finish.initRoot<rpc::Message>().initFinish();
    body.setQuestionId(id);
    body.setReleaseResultCaps(false);
    connection_.send(finish, Connection::Flush::kLater);
  }
  {
    // The number is free only once Finish is on its way.
    std::lock_guard lock(mutex_);
    if (!end_) free_questions_.push_back(id);
  }
  question.reply->on_return(std::move(returned));
}

void Peer::handle_finish(rpc::Finish::Reader finish) {
  std::function<void()> on_cancel;
  std::vector<std::uint32_t> exports;
  std::shared_ptr<Answer> answer;  // destroyed without the lock
  {
    std::lock_guard lock(mutex_);
    const auto found = answers_.find(finish.getQuestionId());
    if (found == answers_.end() || found->second->is_finished) {
      throw Error(ErrorKind::kProtocol, "the peer finished with a question it did not ask");
    }
    answer = found->second;
    if (answer->is_returned) {
      if (finish.getReleaseResultCaps()) exports.swap(answer->result_exports);
      answers_.erase(found);
    } else {
      answer->is_finished = true;
      // With calls pipelined on it, the peer has use for the results even so.
      if (answer->waiting.empty()) on_cancel = std::move(answer->on_cancel);
    }
  }
  release_all(exports);
  if (on_cancel) on_cancel();
  // The results may have been the last hold on something of the peer's.
  answer.reset();
  carry_out_let_go();
}

void Peer::handle_release(std::uint32_t id, std::uint32_t count) {
  Released released;
  {
    std::lock_guard lock(mutex_);
    release_locked(id, count, released);
  }
  for (const auto& exported : released) exported->released();
}

void Peer::handle_resolve(rpc::Resolve::Reader resolve) {
  // Calls may go on through the promise, so what it became is not kept.
  if (!resolve.isCap()) return;
  std::lock_guard lock(mutex_);
  (void)receive_cap(resolve.getCap());
}

void Peer::handle_disembargo(rpc::Disembargo::Reader disembargo) {
  const auto context = disembargo.getContext();
  if (!context.isSenderLoopback()) {
    throw Error(ErrorKind::kProtocol, "the peer answers an embargo that was not asked for");
  }
  Cap target;
  const auto wanted = disembargo.getTarget();
  {
    std::lock_guard lock(mutex_);
    if (wanted.isPromisedAnswer()) target = answer_cap_locked(wanted.getPromisedAnswer());
  }
  const auto* import = std::get_if<std::shared_ptr<Import>>(&target);
  if (import == nullptr) {
    throw Error(ErrorKind::kProtocol, "an embargo on something that is not the peer's own");
  }
  capnp::MallocMessageBuilder message;
  auto reply = message.initRoot<rpc::Message>().initDisembargo();
  reply.initTarget().setImportedCap((*import)->id());
  reply.getContext().setReceiverLoopback(context.getSenderLoopback());
  connection_.send(message, Connection::Flush::kNow);
}

}  // namespace cppipc
