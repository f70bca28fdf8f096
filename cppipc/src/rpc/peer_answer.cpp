// SPDX-License-Identifier: Apache-2.0
// Replies to the other side's calls, and what we offer in messages.
#include <kj/exception.h>

#include "rpc/peer.h"

namespace cppipc {

namespace rpc = capnp::rpc;

void Peer::fill_table(OutgoingMessage& message, rpc::Payload::Builder payload,
                      std::vector<std::uint32_t>& exports) {
  if (!message.has_caps()) return;
  const auto caps = message.table();
  auto table = payload.initCapTable(static_cast<unsigned>(caps.size()));
  for (unsigned i = 0; i < caps.size(); ++i) {
    auto descriptor = table[i];
    if (const auto* import = std::get_if<std::shared_ptr<Import>>(&caps[i])) {
      descriptor.setReceiverHosted((*import)->id());
      continue;
    }
    const auto* exported = std::get_if<std::shared_ptr<Exported>>(&caps[i]);
    if (exported == nullptr) {
      descriptor.setNone();
      continue;
    }
    std::uint32_t id = 0;
    const auto known = export_ids_.find(exported->get());
    if (known != export_ids_.end()) {
      id = known->second;
    } else if (free_exports_.empty()) {
      id = static_cast<std::uint32_t>(exports_.size());
      exports_.push_back({*exported, 0});
      export_ids_.emplace(exported->get(), id);
    } else {
      id = free_exports_.back();
      free_exports_.pop_back();
      exports_[id] = {*exported, 0};
      export_ids_.emplace(exported->get(), id);
    }
    ++exports_[id].references;
    exports.push_back(id);
    descriptor.setSenderHosted(id);
  }
}

void Peer::release_locked(std::uint32_t id, std::uint32_t count, Released& released) {
  if (id >= exports_.size() || exports_[id].references < count || !exports_[id].exported) {
    throw Error(ErrorKind::kProtocol, "the peer released a capability that it does not hold");
  }
  auto& entry = exports_[id];
  entry.references -= count;
  if (entry.references != 0) return;
  export_ids_.erase(entry.exported.get());
  released.push_back(std::move(entry.exported));
  entry.exported = nullptr;
  free_exports_.push_back(id);
}

void Peer::release_all(const std::vector<std::uint32_t>& ids) {
  Released released;
  {
    std::lock_guard lock(mutex_);
    if (end_) return;
    for (const auto id : ids) release_locked(id, 1, released);
  }
  for (const auto& exported : released) exported->released();
}

void Peer::reply(std::uint32_t id, std::unique_ptr<OutgoingMessage> message,
                 Connection::Flush flush) {
  carry_out_let_go();  // what came with the call; leaves together with the reply
  const std::shared_ptr<OutgoingMessage> results = std::move(message);
  std::shared_ptr<Answer> answer;
  bool is_finished = false;
  bool has_waiting = false;
  {
    std::lock_guard lock(mutex_);
    const auto found = answers_.find(id);
    if (end_ || found == answers_.end()) return;
    answer = found->second;
    is_finished = answer->is_finished;
    has_waiting = !answer->waiting.empty();
    auto header = results->root().getReturn();
    if (is_finished) {
      answers_.erase(found);
    } else if (header.isResults()) {
      fill_table(*results, header.getResults(), answer->result_exports);
    }
    answer->on_cancel = nullptr;
    answer->is_returned = true;
    answer->is_delivering = has_waiting;
    if (has_waiting || (!is_finished && results->has_caps())) answer->results = results;
  }
  // Before the peer has the results: calls that it then makes on what is in them, and no more on
  // the answer, must not overtake those that it made before.
  if (has_waiting) deliver_waiting(answer);
  if (is_finished) {
    // The caller wants no results any more, but the protocol wants a Return.
    capnp::MallocMessageBuilder canceled(16);
    auto header = canceled.initRoot<rpc::Message>().initReturn();
    header.setAnswerId(id);
    header.setReleaseParamCaps(false);
    header.setCanceled();
    connection_.send(canceled, flush);
  } else {
    connection_.send(results->builder(), flush, -1, results->keeper());
  }
}

Cap Peer::Answer::at(capnp::List<rpc::PromisedAnswer::Op>::Reader path) const {
  if (!results) return {};
  auto header = results->root().getReturn();
  return header.isResults() ? results->at(header.getResults(), path) : Cap{};
}

void Peer::deliver_waiting(const std::shared_ptr<Answer>& answer) {
  for (;;) {
    std::vector<IncomingCall> calls;
    std::vector<Cap> targets;
    {
      std::lock_guard lock(mutex_);
      if (answer->waiting.empty()) {
        answer->is_delivering = false;
        return;
      }
      calls.swap(answer->waiting);
      for (auto& call : calls) targets.push_back(answer->at(call.pipeline_path()));
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
      try {
        deliver(std::move(targets[i]), std::move(calls[i]));
      } catch (const kj::Exception&) {
        // Its params are malformed. The call was destroyed on the way here, and so answered with
        // an exception; the thread that answered the call before has nothing to do with it.
      }
    }
  }
}

}  // namespace cppipc
