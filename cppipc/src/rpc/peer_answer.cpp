// SPDX-License-Identifier: Apache-2.0
// Replies to the other side's calls, and what we offer in messages.
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
  auto header = message->root().getReturn();
  bool has_waiting = false;
  bool is_finished = false;
  {
    std::lock_guard lock(mutex_);
    const auto found = answers_.find(id);
    if (end_ || found == answers_.end()) return;
    auto& answer = found->second;
    is_finished = answer.is_finished;
    if (is_finished) {
      // The caller wants no results any more, but the protocol wants a Return.
      answers_.erase(found);
      header.setCanceled();
    } else {
      if (header.isResults()) fill_table(*message, header.getResults(), answer.result_exports);
      answer.on_cancel = nullptr;
      has_waiting = !answer.waiting.empty();
      // With calls waiting it stays open, so that later ones cannot overtake them.
      answer.is_returned = !has_waiting;
    }
  }
  connection_.send(message->builder(), flush);
  if (is_finished || !(message->has_caps() || has_waiting)) return;
  {
    std::lock_guard lock(mutex_);
    const auto found = answers_.find(id);
    if (found == answers_.end()) return;
    found->second.results = std::move(message);
  }
  if (has_waiting) deliver_waiting(id);
}

void Peer::deliver_waiting(std::uint32_t id) {
  for (;;) {
    std::vector<IncomingCall> calls;
    std::vector<Cap> targets;
    {
      std::lock_guard lock(mutex_);
      const auto found = answers_.find(id);
      if (found == answers_.end()) return;
      auto& answer = found->second;
      if (answer.waiting.empty()) {
        answer.is_returned = true;
        if (answer.is_finished) answers_.erase(found);
        return;
      }
      calls.swap(answer.waiting);
      auto header = answer.results->root().getReturn();
      for (auto& call : calls) {
        targets.push_back(header.isResults()
                              ? answer.results->at(header.getResults(), call.pipeline_path())
                              : Cap{});
      }
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
      deliver(std::move(targets[i]), std::move(calls[i]));
    }
  }
}

}  // namespace cppipc
