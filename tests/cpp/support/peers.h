// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two peers over a socketpair, or one against a test that writes its messages by hand. All runs on
// the test's thread: nothing happens between two pumps.
//
// Calls carry a wire::Reference, which has a text and a capability: `type` and `object`.

#include "rpc/connection.h"
#include "rpc/incoming.h"
#include "rpc/peer.h"
#include "support/sockets.h"

#include <cppipc/broker.capnp.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cppipc::test {

inline constexpr std::uint64_t kMessageBytes = 8 << 20;
inline constexpr std::uint64_t kInterface = 0x1234;

// Something callable whose calls are kept, or handled by a function.
class Servant final : public Exported {
 public:
  using Handler = std::function<void(IncomingCall)>;
  Servant() = default;
  explicit Servant(Handler handler) : handler_(std::move(handler)) {}
  void call(IncomingCall call) override {
    if (handler_) return handler_(std::move(call));
    calls.push_back(std::move(call));
  }
  void released() override { ++releases; }

  std::deque<IncomingCall> calls;
  int releases = 0;

 private:
  Handler handler_;
};

// Keeps what came back.
class Reply final : public PendingReply {
 public:
  void on_return(Returned reply) override {
    returned = std::move(reply);
    ++count;
    if (log) log->push_back(name);
  }
  bool is_there() const { return count == 1; }
  std::string text() {
    if (returned.error) return "error: " + std::string(returned.error->what());
    return returned.content().getAs<wire::Reference>().getType().cStr();
  }
  // The capability in the results; null if there is none of the peer's.
  std::shared_ptr<Import> import() const {
    if (returned.caps.empty()) return nullptr;
    const auto* import = std::get_if<std::shared_ptr<Import>>(&returned.caps[0]);
    return import == nullptr ? nullptr : *import;
  }

  Returned returned;
  int count = 0;
  std::vector<std::string>* log = nullptr;  // gets `name` when the reply comes
  std::string name;
};

inline std::string text_of(IncomingCall& call) {
  return call.params().getAs<wire::Reference>().getType().cStr();
}

// Answers with a text and, unless it is none, a capability.
inline void answer(IncomingCall& call, const std::string& text, Cap cap = {}) {
  auto reply = call.begin_reply(32);
  auto results = reply.results<wire::Reference>();
  results.setType(text);
  if (!std::holds_alternative<std::monostate>(cap)) {
    results.setObject(reply.message().add(std::move(cap)).castAs<wire::Object>());
  }
  call.reply(std::move(reply));
}

// Sends a call with a text and, unless it is none, a capability.
inline std::shared_ptr<Reply> call(Peer& peer, const std::shared_ptr<Import>& target,
                                   const std::string& text, Cap cap = {},
                                   Connection::Flush flush = Connection::Flush::kNow) {
  auto builder = peer.begin_call(target, kInterface, 7, 32);
  auto params = builder.params<wire::Reference>();
  params.setType(text);
  if (!std::holds_alternative<std::monostate>(cap)) {
    params.setObject(builder.message().add(std::move(cap)).castAs<wire::Object>());
  }
  auto reply = std::make_shared<Reply>();
  peer.send(std::move(builder), reply, flush);
  return reply;
}

// `left` holds the bootstrap capability of `right`.
class PeerPair {
 public:
  PeerPair() {
    auto [one, other] = socket_pair();
    left = std::make_shared<Peer>(std::move(one), kMessageBytes, nullptr);
    right = std::make_shared<Peer>(std::move(other), kMessageBytes, nullptr);
    right->offer(bootstrap);
    auto reply = std::make_shared<Reply>();
    left->ask_bootstrap(reply);
    pump();
    target = reply->import();
  }
  ~PeerPair() {
    left->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    right->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    bootstrap->calls.clear();  // one of them may have the bootstrap object as an argument
  }
  // Lets both sides handle everything that is on the way.
  void pump() {
    std::uint64_t before = 0;
    do {
      before = bytes();
      for (auto* peer : {left.get(), right.get()}) {
        peer->carry_out_let_go();
        peer->connection().flush();
      }
      for (auto* peer : {left.get(), right.get()}) {
        if (!peer->is_disconnected()) peer->receive();
      }
    } while (bytes() != before);
  }

  std::shared_ptr<Servant> bootstrap = std::make_shared<Servant>();
  std::shared_ptr<Peer> left;
  std::shared_ptr<Peer> right;
  std::shared_ptr<Import> target;

 private:
  std::uint64_t bytes() const {
    return left->connection().received_bytes() + right->connection().received_bytes();
  }
};

// The other side of a peer, spoken by hand.
class RawSide {
 public:
  using Message = capnp::rpc::Message;

  explicit RawSide(Descriptor socket) : connection_(std::move(socket), kMessageBytes) {}

  template <class Fill>
  void send(Fill&& fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.initRoot<Message>());
    connection_.send(builder, Connection::Flush::kNow);
  }
  void bootstrap(std::uint32_t question) {
    send([&](Message::Builder m) { m.initBootstrap().setQuestionId(question); });
  }
  // A call on an export of the peer's.
  void call(std::uint32_t question, std::uint32_t target, const std::string& text = {}) {
    send([&](Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(question);
      call.initTarget().setImportedCap(target);
      fill_call(call, text);
    });
  }
  // A call on what pointer field 0 of an answer's results will be.
  void call_answer(std::uint32_t question, std::uint32_t on_question, const std::string& text) {
    send([&](Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(question);
      auto promised = call.initTarget().initPromisedAnswer();
      promised.setQuestionId(on_question);
      promised.initTransform(1)[0].setGetPointerField(0);
      fill_call(call, text);
    });
  }
  void finish(std::uint32_t question, bool releases = false) {
    send([&](Message::Builder m) {
      auto finish = m.initFinish();
      finish.setQuestionId(question);
      finish.setReleaseResultCaps(releases);
    });
  }
  void release(std::uint32_t id, std::uint32_t count) {
    send([&](Message::Builder m) {
      auto release = m.initRelease();
      release.setId(id);
      release.setReferenceCount(count);
    });
  }

  // The next message that has arrived; null if there is none.
  std::unique_ptr<IncomingMessage> next() {
    connection_.receive(
        [this](std::unique_ptr<IncomingMessage> message) { inbox_.push_back(std::move(message)); });
    if (inbox_.empty()) return nullptr;
    auto message = std::move(inbox_.front());
    inbox_.pop_front();
    return message;
  }
  static Message::Reader root(const std::unique_ptr<IncomingMessage>& message) {
    return message->reader().getRoot<Message>();
  }
  Connection& connection() { return connection_; }

 private:
  static void fill_call(capnp::rpc::Call::Builder call, const std::string& text) {
    call.setInterfaceId(kInterface);
    call.setMethodId(7);
    call.initParams().getContent().initAs<wire::Reference>().setType(text);
  }

  Connection connection_;
  std::deque<std::unique_ptr<IncomingMessage>> inbox_;
};

}  // namespace cppipc::test
