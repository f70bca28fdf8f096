// SPDX-License-Identifier: Apache-2.0
#include "rpc/outgoing.h"

#include <capnp/any.h>

#include <kj/exception.h>

#include <algorithm>

namespace cppipc {
namespace {

constexpr std::uint64_t kFirstSegmentMax = 1 << 20;  // words

unsigned first_segment_words(std::uint64_t size_words) {
  return static_cast<unsigned>(std::min(size_words + 16, kFirstSegmentMax));
}

}  // namespace

OutgoingMessage::OutgoingMessage(std::uint64_t size_words)
    : builder_(std::make_unique<capnp::MallocMessageBuilder>(first_segment_words(size_words))) {
  builder_->initRoot<capnp::rpc::Message>();
}

OutgoingMessage::~OutgoingMessage() = default;

capnp::AnyPointer::Builder OutgoingMessage::content(capnp::rpc::Payload::Builder payload) {
  return capability_table_.imbue(payload.getContent());
}

capnp::Capability::Client OutgoingMessage::add(Cap cap) {
  auto placeholder = capnp::newBrokenCap("a capability in a message");
  caps_.emplace_back(placeholder.get(), std::move(cap));
  return capnp::Capability::Client(kj::mv(placeholder));
}

capnp::Orphan<capnp::Data> OutgoingMessage::refer_to(std::span<const std::byte> bytes,
                                                     std::shared_ptr<const void> keeper) {
  keeper_ = std::move(keeper);
  return builder_->getOrphanage().referenceExternalData(
      {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()});
}

Cap OutgoingMessage::find(const capnp::ClientHook* hook) const {
  for (const auto& [placeholder, cap] : caps_) {
    if (placeholder == hook) return cap;
  }
  return {};
}

std::vector<Cap> OutgoingMessage::table() {
  const auto entries = capability_table_.getTable();
  std::vector<Cap> caps;
  caps.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    KJ_IF_MAYBE (hook, entries[i]) {
      // Nearly always in the order in which they were added.
      const bool is_in_order = i < caps_.size() && caps_[i].first == hook->get();
      caps.push_back(is_in_order ? caps_[i].second : find(hook->get()));
    } else {
      caps.emplace_back();
    }
  }
  return caps;
}

Cap OutgoingMessage::at(capnp::rpc::Payload::Builder payload,
                        capnp::List<capnp::rpc::PromisedAnswer::Op>::Reader path) {
  auto ops = kj::heapArrayBuilder<capnp::PipelineOp>(path.size());
  for (const auto step : path) {
    capnp::PipelineOp op{};
    op.type =
        step.isGetPointerField() ? capnp::PipelineOp::GET_POINTER_FIELD : capnp::PipelineOp::NOOP;
    if (step.isGetPointerField()) op.pointerIndex = step.getGetPointerField();
    ops.add(op);
  }
  try {
    const auto hook = content(payload).asReader().getPipelinedCap(ops.asPtr());
    return find(hook.get());
  } catch (const kj::Exception&) {
    return {};  // the path leads through something that is no struct: nowhere
  }
}

}  // namespace cppipc
