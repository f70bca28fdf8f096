// SPDX-License-Identifier: Apache-2.0
// The life of a peer and its own calls. Messages that arrive are in peer_receive.cpp, replies to
// the other side's calls in peer_answer.cpp.
//
// One mutex guards the tables. It is held for a few lines at a time, never while a message is
// built, sent or handled, and never while something of the tables is destroyed that could run
// code of its own (exports, replies).
#include "rpc/peer.h"

#include <algorithm>

namespace cppipc {

namespace rpc = capnp::rpc;

capnp::AnyPointer::Reader Returned::content() {
  return message->reader().getRoot<rpc::Message>().getReturn().getResults().getContent();
}

Peer::Peer(Descriptor socket, std::uint64_t message_bytes, std::shared_ptr<ImportSource> imports,
           std::unique_ptr<Channel> channel)
    : connection_(std::move(socket), message_bytes, std::move(channel)),
      source_(imports ? std::move(imports) : std::make_shared<ImportSource>(nullptr)) {
  connection_.set_find_landing(
      [this](kj::ArrayPtr<const capnp::word> first_segment, std::size_t size_bytes) {
        return find_landing(first_segment, size_bytes);
      });
}

Peer::~Peer() { disconnect(Error(ErrorKind::kConnectionLost, "the connection was closed")); }

bool Peer::is_disconnected() const {
  std::lock_guard lock(mutex_);
  return end_.has_value();
}

bool Peer::has_transfers() const {
  std::lock_guard lock(mutex_);
  return std::any_of(exports_.begin(), exports_.end(), [](const Export& entry) {
    return entry.exported && entry.exported->is_transfer();
  });
}

Peer::CallBuilder Peer::begin_call(std::uint64_t interface_id, std::uint16_t method_id,
                                   std::uint64_t size_words) {
  CallBuilder builder;
  builder.message_ = std::make_unique<OutgoingMessage>(size_words + 24);
  auto call = builder.message_->root().initCall();
  call.setInterfaceId(interface_id);
  call.setMethodId(method_id);
  call.initParams();
  return builder;
}

Peer::CallBuilder Peer::begin_call(std::shared_ptr<Import> target, std::uint64_t interface_id,
                                   std::uint16_t method_id, std::uint64_t size_words) {
  CallBuilder builder = begin_call(interface_id, method_id, size_words);
  builder.call().initTarget().setImportedCap(target->id());
  builder.target_ = std::move(target);
  return builder;
}

Peer::CallBuilder Peer::begin_call_on_answer(std::uint32_t question, std::uint64_t interface_id,
                                             std::uint16_t method_id, std::uint64_t size_words) {
  CallBuilder builder = begin_call(interface_id, method_id, size_words);
  builder.call().initTarget().initPromisedAnswer().setQuestionId(question);
  return builder;
}

bool Peer::send(CallBuilder builder, std::shared_ptr<PendingReply> reply, Connection::Flush flush,
                int descriptor) {
  auto call = builder.call();
  std::vector<std::uint32_t> exports;
  std::optional<Error> end;
  {
    std::lock_guard lock(mutex_);
    end = end_;
    if (!end) {
      fill_table(*builder.message_, call.getParams(), exports);
      std::uint32_t id = 0;
      if (free_questions_.empty()) {
        id = static_cast<std::uint32_t>(questions_.size());
        questions_.emplace_back();
      } else {
        id = free_questions_.back();
        free_questions_.pop_back();
      }
      questions_[id] = Question{reply, std::move(exports), true};
      questions_open_.fetch_add(1, std::memory_order_acq_rel);
      call.setQuestionId(id);
    }
  }
  if (end) {
    reply->on_return(Returned{nullptr, {}, std::move(end)});
    return true;
  }
  return connection_.send(builder.message_->builder(), flush, descriptor);
}

std::uint32_t Peer::ask_bootstrap(std::shared_ptr<PendingReply> reply, Connection::Flush flush) {
  capnp::MallocMessageBuilder message;
  auto bootstrap = message.initRoot<rpc::Message>().initBootstrap();
  std::uint32_t question = 0;
  {
    std::unique_lock lock(mutex_);
    if (end_) {
      Returned returned{nullptr, {}, end_};
      lock.unlock();
      reply->on_return(std::move(returned));
      return 0;
    }
    question = static_cast<std::uint32_t>(questions_.size());
    bootstrap.setQuestionId(question);
    questions_.push_back(Question{std::move(reply), {}, true});
    questions_open_.fetch_add(1, std::memory_order_acq_rel);
  }
  connection_.send(message, flush);
  return question;
}

void Peer::send_release(std::uint32_t id, std::uint32_t count) {
  capnp::MallocMessageBuilder message(16);
  auto release = message.initRoot<rpc::Message>().initRelease();
  release.setId(id);
  release.setReferenceCount(count);
  connection_.send(message, Connection::Flush::kLater);
}

void Peer::carry_out_let_go() {
  if (source_->is_empty()) return;
  auto notes = source_->take();
  for (; notes; notes = std::move(notes->next)) {
    std::uint32_t count = 0;
    {
      std::lock_guard lock(mutex_);
      const auto found = imports_.find(notes->id);
      // Received again since: the new hold reports all references when it goes.
      if (found == imports_.end() || !found->second.import.expired()) continue;
      count = found->second.references;
      imports_.erase(found);
    }
    send_release(notes->id, count);
  }
}

void Peer::disconnect(const Error& error) {
  std::vector<Question> questions;
  std::unordered_map<std::uint32_t, std::shared_ptr<Answer>> answers;
  std::vector<Export> exports;
  std::shared_ptr<Exported> bootstrap;
  std::vector<std::function<void()>> cancels;
  {
    std::lock_guard lock(mutex_);
    if (end_) return;
    end_ = error;
    questions.swap(questions_);
    answers.swap(answers_);
    for (auto& [id, answer] : answers) cancels.push_back(std::move(answer->on_cancel));
    exports.swap(exports_);
    bootstrap.swap(bootstrap_);
    export_ids_.clear();
    imports_.clear();
    questions_open_ = 0;
  }
  connection_.shutdown();
  for (auto& question : questions) {
    if (question.is_used) question.reply->on_return(Returned{nullptr, {}, error});
  }
  for (const auto& cancel : cancels) {
    if (cancel) cancel();
  }
  for (auto& entry : exports) {
    if (entry.exported) entry.exported->released();
  }
}

}  // namespace cppipc
