// SPDX-License-Identifier: Apache-2.0
#pragma once
// One end of a connection that speaks Cap'n Proto's RPC protocol (rpc.capnp, two-party, level 1).
//
// The protocol's four tables: questions (our calls, until the reply), answers (the peer's calls,
// until it has finished with the reply), exports (what the peer holds of ours) and imports (what
// we hold of the peer's). There is no event loop: whoever reads the socket calls receive(), and
// everything that comes of it happens in that call.
//
// What the protocol allows and our own peers never send is understood as far as a level 1 peer
// needs: calls on answers that are still to come, promises as capabilities, disembargoes.

#include <cppipc/error.h>

#include <capnp/rpc.capnp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "rpc/cap.h"
#include "rpc/connection.h"
#include "rpc/incoming.h"
#include "rpc/outgoing.h"

namespace cppipc {

// The reply to one of our calls.
struct Returned {
  std::unique_ptr<IncomingMessage> message;  // null with `error`
  std::vector<Cap> caps;
  std::optional<Error> error;  // the call never reached the method, or the connection is gone

  // The content of the results. Errors: kj::Exception if there are none.
  capnp::AnyPointer::Reader content();
};

// Waits for a reply. Owned by the peer until the reply is there.
class PendingReply {
 public:
  virtual ~PendingReply() = default;
  // Once, on the thread that reads the socket or ends the connection, with no lock held; must
  // not block and not throw.
  virtual void on_return(Returned returned) = 0;
  // Where so many bytes are received that come as a segment of the reply; null: wherever. On the
  // thread that reads the socket, with the tables locked.
  virtual std::shared_ptr<Landing> landing(std::size_t size_bytes) {
    (void)size_bytes;
    return nullptr;
  }
};

// Owns: the connection, and a share of everything in its tables.
// Threads: receive() on one thread at a time; everything else on any thread.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  // `imports` makes what comes from the other side; null: plain imports, which wake nobody.
  // `channel`: as of a Connection.
  Peer(Descriptor socket, std::uint64_t message_bytes, std::shared_ptr<ImportSource> imports,
       std::unique_ptr<Channel> channel = nullptr);
  ~Peer();
  // What the peer gets when it asks for our bootstrap capability. Before the first receive().
  void offer(std::shared_ptr<Exported> bootstrap) { bootstrap_ = std::move(bootstrap); }

  Connection& connection() { return connection_; }
  const Connection& connection() const { return connection_; }
  LetGoList& let_go() { return *source_; }

  // Handles what has arrived, and stops early after about `most_bytes` (kMore: call again).
  // Errors: as Connection::receive(); kProtocol. Call disconnect() then.
  Connection::State receive(std::uint64_t most_bytes = ~std::uint64_t{0});
  // So many further messages may come; one more is a kProtocol. For the thread that receives.
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
  void limit_messages(std::uint64_t most) { messages_left_ = most; }
  // The peer may leave so many questions without saying that it has finished with the answer; one
  // more is a kProtocol. For the thread that receives.
  void limit_answers(std::uint64_t most) { answers_max_ = most; }

  // A call on `target` of which the params are still to be filled in.
  class CallBuilder {
   public:
    template <class Params>
    typename Params::Builder params() {
      return message_->content(call().getParams()).template initAs<Params>();
    }
    OutgoingMessage& message() { return *message_; }

   private:
    friend class Peer;
    capnp::rpc::Call::Builder call() { return message_->root().getCall(); }
    std::unique_ptr<OutgoingMessage> message_;
    std::shared_ptr<Import> target_;
  };
  CallBuilder begin_call(std::shared_ptr<Import> target, std::uint64_t interface_id,
                         std::uint16_t method_id, std::uint64_t size_words);
  // The same on what a question of ours will be answered with, before the answer is there.
  CallBuilder begin_call_on_answer(std::uint32_t question, std::uint64_t interface_id,
                                   std::uint16_t method_id, std::uint64_t size_words);
  // Sends it. The reply, or the error of a connection that is gone, comes by `reply`.
  // Returns what Connection::send() returns.
  // With a descriptor: as Connection::send().
  bool send(CallBuilder call, std::shared_ptr<PendingReply> reply, Connection::Flush flush,
            int descriptor = -1);
  // Asks for the peer's bootstrap capability: the reply's content. Returns the number of the
  // question.
  std::uint32_t ask_bootstrap(std::shared_ptr<PendingReply> reply,
                              Connection::Flush flush = Connection::Flush::kNow);

  // Turns the references that were dropped since into Release messages (not flushed).
  void carry_out_let_go();
  // Calls of ours that have no reply yet.
  std::size_t questions_open() const { return questions_open_.load(std::memory_order_acquire); }

  // How many calls of the other side's have come so far.
  std::uint64_t calls_received() const { return calls_received_.load(std::memory_order_relaxed); }

  // Whether the peer still holds parts of replies that it has to fetch.
  bool has_transfers() const;

  // Ends the connection: pending replies get `error`, the peer's references are released, later
  // calls fail with `error` at once. Only the first call counts.
  void disconnect(const Error& error);
  bool is_disconnected() const;

 private:
  static CallBuilder begin_call(std::uint64_t interface_id, std::uint16_t method_id,
                                std::uint64_t size_words);
  friend class IncomingCall;
  struct Question {
    std::shared_ptr<PendingReply> reply;
    std::vector<std::uint32_t> param_exports;
    bool is_used = false;
  };
  struct Export {
    std::shared_ptr<Exported> exported;
    std::uint32_t references = 0;
  };
  struct ImportEntry {
    std::weak_ptr<Import> import;
    std::uint32_t references = 0;
  };
  // Guarded by mutex_. Shared, because its number may be used again while calls that were
  // pipelined on it are still being delivered.
  struct Answer {
    bool is_returned = false;
    bool is_finished = false;    // the peer wants no Return any more
    bool is_delivering = false;  // calls that arrive now wait behind those being delivered
    std::shared_ptr<OutgoingMessage> results;  // for pipelined calls, if there can be any
    std::vector<std::uint32_t> result_exports;
    std::vector<IncomingCall> waiting;  // pipelined on it
    std::function<void()> on_cancel;

    // What a path of pointers leads to from the results; none if there are no results.
    Cap at(capnp::List<capnp::rpc::PromisedAnswer::Op>::Reader path) const;
  };

  // Reading (peer_receive.cpp).
  void handle(std::unique_ptr<IncomingMessage> message);
  std::shared_ptr<Landing> find_landing(kj::ArrayPtr<const capnp::word> first_segment,
                                        std::size_t size_bytes);
  void handle_call(std::unique_ptr<IncomingMessage> message, capnp::rpc::Call::Reader call);
  void handle_return(std::unique_ptr<IncomingMessage> message, capnp::rpc::Return::Reader reply);
  void handle_bootstrap(std::uint32_t id);
  void handle_finish(capnp::rpc::Finish::Reader finish);
  void handle_release(std::uint32_t id, std::uint32_t count);
  void handle_resolve(capnp::rpc::Resolve::Reader resolve);
  void handle_disembargo(capnp::rpc::Disembargo::Reader disembargo);
  void refuse(capnp::rpc::Message::Reader message);
  std::vector<Cap> receive_caps(capnp::List<capnp::rpc::CapDescriptor>::Reader table);
  Cap receive_cap(capnp::rpc::CapDescriptor::Reader descriptor);
  Cap import_locked(std::uint32_t id);
  void begin_answer(std::uint32_t id);
  Returned read_return(capnp::rpc::Return::Reader header);
  Cap answer_cap_locked(capnp::rpc::PromisedAnswer::Reader promised);
  // The target of a pipelined call if the answer is there; nullopt if it was put to wait.
  std::optional<Cap> pipeline_target(std::uint32_t answer, IncomingCall& call);
  static void deliver(Cap target, IncomingCall call);

  // Answering (peer_answer.cpp).
  void reply(std::uint32_t id, std::unique_ptr<OutgoingMessage> message, Connection::Flush flush);
  void deliver_waiting(const std::shared_ptr<Answer>& answer);
  void fill_table(OutgoingMessage& message, capnp::rpc::Payload::Builder payload,
                  std::vector<std::uint32_t>& exports);
  using Released = std::vector<std::shared_ptr<Exported>>;
  void release_locked(std::uint32_t id, std::uint32_t count, Released& released);
  void release_all(const std::vector<std::uint32_t>& ids);
  void send_release(std::uint32_t id, std::uint32_t count);

  Connection connection_;
  std::uint64_t messages_left_ = kNoLimit;
  std::uint64_t answers_max_ = kNoLimit;
  std::shared_ptr<Exported> bootstrap_;
  const std::shared_ptr<ImportSource> source_;

  mutable std::mutex mutex_;
  std::vector<Question> questions_;
  std::vector<std::uint32_t> free_questions_;
  std::atomic<std::size_t> questions_open_{0};
  std::atomic<std::uint64_t> calls_received_{0};
  std::unordered_map<std::uint32_t, std::shared_ptr<Answer>> answers_;
  std::vector<Export> exports_;
  std::vector<std::uint32_t> free_exports_;
  std::unordered_map<const Exported*, std::uint32_t> export_ids_;
  std::unordered_map<std::uint32_t, ImportEntry> imports_;
  std::optional<Error> end_;  // why the connection is gone
};

}  // namespace cppipc
