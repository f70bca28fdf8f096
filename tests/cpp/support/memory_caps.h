// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages and their capabilities in memory, without a connection: what the tests of the wire
// room marshal to and unmarshal from.

#include "wire/marshal.h"

#include <capnp/capability.h>
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cppipc::test {

// An object that is only a name and an address.
class NamedObject final : public Object {
 public:
  explicit NamedObject(std::string name) : name_(std::move(name)) {}
  std::string_view type_name() const override { return name_; }

 private:
  std::string name_;
};

// Both ends of the capabilities of messages: what goes out comes in again, found by the
// placeholder that stands for it.
class MemoryCaps final : public OutgoingCaps, public IncomingCaps {
 public:
  capnp::Capability::Client object(const ObjectPtr& object) override {
    return placeholder({object, {}});
  }
  // The address of the object, and eight bytes 0xab.
  std::array<std::uint8_t, 16> object_id(const ObjectPtr& object) override {
    std::array<std::uint8_t, 16> id;
    id.fill(0xab);
    const auto address = reinterpret_cast<std::uintptr_t>(object.get());
    for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<std::uint8_t>(address >> (8 * i));
    return id;
  }
  PlacedBlob blob(BlobSource source) override {
    ++blobs_sent;
    sent_bytes.push_back(source.bytes);
    return {placeholder({nullptr, std::move(source)}), {}};
  }

  ObjectPtr object(const capnp::Capability::Client& client, std::string_view type,
                   std::span<const std::uint8_t> id) override {
    const Entry& entry = find(client);
    if (!entry.object || type != entry.object->type_name()) refuse("not that object");
    const auto expected = object_id(entry.object);
    if (!std::equal(id.begin(), id.end(), expected.begin(), expected.end())) refuse("wrong id");
    return entry.object;
  }
  std::unique_ptr<BlobReader> blob(const capnp::Capability::Client& client) override {
    const Entry& entry = find(client);
    if (!entry.blob.owner) refuse("not a blob");
    return std::make_unique<Reader>(entry.blob);
  }

  std::shared_ptr<MemoryAccount> account() override { return payer; }
  void charge_for_call(std::uint64_t bytes) override { for_call.add(payer, bytes); }

  std::shared_ptr<MemoryAccount> payer;  // null: nothing is charged
  Charge for_call;
  int blobs_sent = 0;
  std::vector<std::span<const std::byte>> sent_bytes;  // of each blob, where it lies

 private:
  struct Entry {
    ObjectPtr object;
    BlobSource blob;
  };
  class Reader final : public BlobReader {
   public:
    explicit Reader(BlobSource source) : source_(std::move(source)) {}
    void read(std::span<std::byte> out, std::uint64_t begin) override {
      if (begin > source_.bytes.size() || out.size() != source_.bytes.size() - begin) {
        refuse("fewer bytes than announced");
      }
      std::copy_n(source_.bytes.begin() + static_cast<std::ptrdiff_t>(begin), out.size(),
                  out.begin());
    }

   private:
    BlobSource source_;
  };

  [[noreturn]] static void refuse(const char* why) { throw Error(ErrorKind::kProtocol, why); }

  capnp::Capability::Client placeholder(Entry entry) {
    kj::Own<capnp::ClientHook> hook = capnp::newBrokenCap("a placeholder is never called");
    entries_.emplace(hook.get(), std::move(entry));
    hooks_.push_back(hook->addRef());
    return capnp::Capability::Client(kj::mv(hook));
  }
  const Entry& find(const capnp::Capability::Client& client) const {
    // Copying a client counts a reference, which is why it asks for one that is not const.
    capnp::Capability::Client copy(const_cast<capnp::Capability::Client&>(client));
    const kj::Own<capnp::ClientHook> hook = capnp::ClientHook::from(kj::mv(copy));
    const auto found = entries_.find(hook.get());
    if (found == entries_.end()) refuse("no such capability");
    return found->second;
  }

  std::map<const capnp::ClientHook*, Entry> entries_;
  std::vector<kj::Own<capnp::ClientHook>> hooks_;
};

// One message that is built, sent as flat words, and read with the limits of a connection.
// Call init() first, then the rest; a message can be read only once.
class MemoryMessage {
 public:
  explicit MemoryMessage(unsigned first_segment_words = 1024) : builder_(first_segment_words) {}

  template <class T>
  typename T::Builder init() {
    return outgoing_.imbue(builder_.getRoot<capnp::AnyPointer>()).template initAs<T>();
  }
  std::size_t segments() { return builder_.getSegmentsForOutput().size(); }

  // Errors: kj::Exception.
  template <class T>
  typename T::Reader read() {
    words_ = capnp::messageToFlatArray(builder_);
    capnp::ReaderOptions options;
    options.traversalLimitInWords = words_.size();
    options.nestingLimit = kNestingLimit;
    reader_ = std::make_unique<capnp::FlatArrayMessageReader>(words_, options);
    auto table =
        kj::heapArrayBuilder<kj::Maybe<kj::Own<capnp::ClientHook>>>(outgoing_.getTable().size());
    for (auto& entry : outgoing_.getTable()) {
      table.add(entry.map([](kj::Own<capnp::ClientHook>& hook) { return hook->addRef(); }));
    }
    incoming_ = std::make_unique<capnp::ReaderCapabilityTable>(table.finish());
    return incoming_->imbue(reader_->getRoot<capnp::AnyPointer>()).template getAs<T>();
  }

 private:
  capnp::MallocMessageBuilder builder_;
  capnp::BuilderCapabilityTable outgoing_;
  kj::Array<capnp::word> words_;
  std::unique_ptr<capnp::FlatArrayMessageReader> reader_;
  std::unique_ptr<capnp::ReaderCapabilityTable> incoming_;
};

// The value as the other side gets it.
inline Variant round_trip(const Variant& value, MemoryCaps& caps,
                          const MarshalLimits& limits = {}) {
  MemoryMessage message;
  measure(value, limits);
  marshal(value, message.init<wire::Variant>(), caps, limits);
  return unmarshal(message.read<wire::Variant>(), caps);
}
inline Variant round_trip(const Variant& value, const MarshalLimits& limits = {}) {
  MemoryCaps caps;
  return round_trip(value, caps, limits);
}

}  // namespace cppipc::test
