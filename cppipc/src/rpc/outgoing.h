// SPDX-License-Identifier: Apache-2.0
#pragma once
// A message of the RPC protocol that is being built, with the capabilities in its payload.

#include <capnp/capability.h>
#include <capnp/message.h>
#include <capnp/orphan.h>
#include <capnp/rpc.capnp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rpc/cap.h"

namespace cppipc {

// Threads: one at a time.
class OutgoingMessage {
 public:
  // `size_words` is a guess at the whole size, which saves memory being allocated twice.
  explicit OutgoingMessage(std::uint64_t size_words);
  ~OutgoingMessage();

  capnp::MallocMessageBuilder& builder() { return *builder_; }
  capnp::rpc::Message::Builder root() { return builder_->getRoot<capnp::rpc::Message>(); }
  // The payload's content, ready to take capabilities.
  capnp::AnyPointer::Builder content(capnp::rpc::Payload::Builder payload);
  // A placeholder for `cap`, to be stored in the content.
  capnp::Capability::Client add(Cap cap);

  // Data that is not copied into the message: it refers to `bytes`, whole words at the address of a
  // word, which `keeper` keeps as they are.
  capnp::Orphan<capnp::Data> refer_to(std::span<const std::byte> bytes,
                                      std::shared_ptr<const void> keeper);
  // Null if the message refers to nothing.
  const std::shared_ptr<const void>& keeper() const { return keeper_; }

  bool has_caps() const { return !caps_.empty(); }
  // The capabilities in the order of the payload's table.
  std::vector<Cap> table();
  // The capability that a path of pointers leads to from the content; none if it leads nowhere.
  Cap at(capnp::rpc::Payload::Builder payload,
         capnp::List<capnp::rpc::PromisedAnswer::Op>::Reader path);

 private:
  Cap find(const capnp::ClientHook* hook) const;

  std::unique_ptr<capnp::MallocMessageBuilder> builder_;
  capnp::BuilderCapabilityTable capability_table_;
  std::vector<std::pair<const capnp::ClientHook*, Cap>> caps_;
  std::shared_ptr<const void> keeper_;
};

}  // namespace cppipc
