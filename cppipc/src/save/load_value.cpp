// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include <capnp/any.h>
#include <capnp/capability.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "save/records.h"
#include "save/save.h"
#include "wire/bulk.h"
#include "wire/marshal.h"
#include "wire/sizes.h"

namespace cppipc {
namespace {

// Where nobody knows how long the file is, memory is made for so much at once.
constexpr std::uint64_t kTrustedBytes = 64 << 20;
constexpr std::uint64_t kNameBytesMax = 4096;

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ErrorKind::kInvalidArgument, text);
}

[[noreturn]] void refuse_content(std::string_view detail = "what it holds cannot have been saved") {
  refuse("the file is damaged: " + std::string(detail));
}

struct Attachment {
  ObjectPtr object;
  std::shared_ptr<std::byte> memory;
  std::uint64_t size_bytes = 0;
};

// What the words of a value refer to, by numbers instead of capabilities (see kAttachmentArena).
class LoadedCaps final : public IncomingCaps {
 public:
  LoadedCaps(std::vector<Attachment> attachments, std::shared_ptr<MemoryAccount> account)
      : attachments_(std::move(attachments)), account_(std::move(account)) {}

  ObjectPtr object(const capnp::Capability::Client&, std::string_view,
                   std::span<const std::uint8_t> id) override {
    std::uint64_t number = 0;
    if (id.size() < sizeof number) refuse_content();
    std::memcpy(&number, id.data(), sizeof number);
    if (number >= attachments_.size() || !attachments_[number].object) refuse_content();
    return attachments_[number].object;
  }
  std::unique_ptr<BlobReader> blob(const capnp::Capability::Client&) override { refuse_content(); }
  std::optional<SharedBytes> shared(const capnp::Capability::Client&,
                                    const BulkPlace& place) override {
    if (place.arena != kAttachmentArena || place.offset >= attachments_.size()) refuse_content();
    const Attachment& found = attachments_[place.offset];
    if (!found.memory || found.size_bytes != place.size_bytes) refuse_content();
    SharedBytes bytes;
    bytes.data = found.memory.get();
    bytes.owner = found.memory;
    bytes.is_writable = true;
    bytes.is_fixed = true;
    return bytes;
  }
  // Nothing is called that has only a name.
  CallablePtr function(std::string_view) override {
    throw Error(ErrorKind::kWrongType, "functions cannot be loaded");
  }
  std::shared_ptr<MemoryAccount> account() override { return account_; }

 private:
  const std::vector<Attachment> attachments_;
  const std::shared_ptr<MemoryAccount> account_;
};

// What Cap'n Proto wants to find where words have a capability; nobody looks at them.
kj::Array<kj::Maybe<kj::Own<capnp::ClientHook>>> placeholders(std::size_t count) {
  auto hooks = kj::heapArrayBuilder<kj::Maybe<kj::Own<capnp::ClientHook>>>(count);
  for (std::size_t i = 0; i < count; ++i) hooks.add(capnp::newBrokenCap("a saved object"));
  return hooks.finish();
}

class FileReader final : public SaveReader {
 public:
  FileReader(const Registry& registry, SaveSource& source, std::shared_ptr<MemoryAccount> account)
      : SaveReader(registry), blocks_(source), account_(std::move(account)) {}

  Variant read_value() override;
  void read_elements(const DType& dtype, const Resize& resize) override;
  std::uint32_t version() const override { return version_; }
  void finish() { blocks_.finish(); }

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    blocks_.get(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  RecordTag tag() { return static_cast<RecordTag>(number()); }
  // A number of bytes, or of things of at least `unit` bytes, that must follow.
  std::uint64_t count(std::uint64_t unit);
  void expect(RecordTag wanted);
  // The next bytes, so many, in memory that `account` pays for.
  std::shared_ptr<std::byte> memory_of(std::uint64_t size_bytes,
                                       const std::shared_ptr<MemoryAccount>& account);
  Attachment attachment();
  ObjectPtr new_object();

  BlockReader blocks_;
  const std::shared_ptr<MemoryAccount> account_;
  std::vector<ObjectPtr> objects_;  // by number; null while it is loaded
  std::uint32_t version_ = 0;
  std::string_view loading_;  // the type whose load() runs; empty for none
  int depth_ = 0;
};

std::uint64_t FileReader::count(std::uint64_t unit) {
  const std::uint64_t value = number();
  const auto left = blocks_.bytes_left();
  const auto most = left.value_or(kBlobBytesMax) / unit;
  if (value > most) {
    refuse(left ? "the file ends too early: it was cut short, or saving did not finish"
                : "the file is damaged: it announces more than 1 TiB");
  }
  return value;
}

void FileReader::expect(RecordTag wanted) {
  const RecordTag found = tag();
  if (found == wanted) return;
  if (loading_.empty()) refuse_content();
  const char* what = found == RecordTag::kEnd    ? "reads more than"
                     : wanted == RecordTag::kEnd ? "reads less than"
                                                 : "reads something else than";
  refuse("load() of '" + std::string(loading_) + "' " + what + " its save() wrote");
}

std::shared_ptr<std::byte> FileReader::memory_of(std::uint64_t size_bytes,
                                                 const std::shared_ptr<MemoryAccount>& account) {
  const auto first = blocks_.bytes_left() ? size_bytes : std::min(size_bytes, kTrustedBytes);
  std::shared_ptr<std::byte> memory = charged_memory(first, account);
  blocks_.get({memory.get(), first});
  for (std::uint64_t done = first; done < size_bytes;) {
    const std::uint64_t end = std::min(size_bytes, 2 * done);
    std::shared_ptr<std::byte> larger = charged_memory(end, account);
    std::memcpy(larger.get(), memory.get(), done);
    memory = std::move(larger);
    blocks_.get({memory.get() + done, end - done});
    done = end;
  }
  return memory;
}

Variant FileReader::read_value() {
  expect(RecordTag::kValue);
  const std::uint64_t words = count(sizeof(std::uint64_t));
  std::uint64_t attachments = count(2 * sizeof(std::uint64_t));
  const auto memory = memory_of(words * sizeof(std::uint64_t), nullptr);
  std::vector<Attachment> loaded;
  for (; attachments != 0; --attachments) loaded.push_back(attachment());
  const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(memory.get()),
                                                words);
  capnp::ReaderOptions options;
  options.traversalLimitInWords = std::numeric_limits<std::uint64_t>::max();
  options.nestingLimit = kNestingLimit;
  capnp::ReaderCapabilityTable table(placeholders(loaded.size()));
  LoadedCaps caps(std::move(loaded), account_);
  try {
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(&segment, 1), options);
    return unmarshal(table.imbue(message.getRoot<capnp::AnyPointer>()).getAs<wire::Variant>(),
                     caps);
  } catch (const kj::Exception& broken) {
    refuse_content(broken.getDescription().cStr());
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kProtocol) refuse_content(error.text());
    throw;
  }
}

void FileReader::read_elements(const DType& dtype, const Resize& resize) {
  expect(RecordTag::kElements);
  std::array<char, 8> text{};
  blocks_.get(std::as_writable_bytes(std::span(text)));
  const std::string_view saved(text.data(), ::strnlen(text.data(), text.size()));
  if (saved != dtype.text) {
    refuse("load() of '" + std::string(loading_) + "' reads elements of " + dtype.text +
           " where its save() wrote " + std::string(saved));
  }
  const std::uint64_t size_bytes = count(1);
  if (size_bytes % dtype.itemsize != 0) refuse_content();
  // An announcement alone must not take memory.
  const std::uint64_t step = blocks_.bytes_left() ? size_bytes : kTrustedBytes;
  for (std::uint64_t done = 0; done < size_bytes;) {
    const std::uint64_t end = std::min(size_bytes, std::max(step, 2 * done));
    std::byte* const out = resize(end);
    blocks_.get({out + done, end - done});
    done = end;
  }
}

Attachment FileReader::attachment() {
  Attachment loaded;
  switch (tag()) {
    case RecordTag::kBytes:
      loaded.size_bytes = count(1);
      loaded.memory = memory_of(loaded.size_bytes, account_);
      return loaded;
    case RecordTag::kSame: {
      const std::uint64_t known = number();
      if (known >= objects_.size() || !objects_[known]) refuse_content();
      loaded.object = objects_[known];
      return loaded;
    }
    case RecordTag::kObject:
      loaded.object = new_object();
      return loaded;
    default:
      refuse_content();
  }
}

ObjectPtr FileReader::new_object() {
  const std::uint64_t size = number();
  if (size > kNameBytesMax) refuse_content();
  std::string name(size, '\0');
  blocks_.get(std::as_writable_bytes(std::span(name)));
  const std::uint64_t version = number();
  if (depth_ == kSaveDepthMax || version > std::numeric_limits<std::uint32_t>::max()) {
    refuse_content();
  }
  const TypeInfo* const type = registry().find_type(name);
  if (type == nullptr || !type->saving) {
    throw Error(ErrorKind::kUnknownName,
                "the file holds a '" + name + "', " +
                    (type == nullptr ? "a type that this server does not have"
                                     : "which this server cannot load: the type does not say how"));
  }
  if (version > type->saving->version) {
    throw Error(ErrorKind::kNotSupported, "the file holds a '" + name + "' of version " +
                                              std::to_string(version) +
                                              ", which is newer than this server knows (" +
                                              std::to_string(type->saving->version) + ")");
  }
  const std::size_t place = objects_.size();
  objects_.emplace_back();
  ++depth_;
  const auto version_before = std::exchange(version_, static_cast<std::uint32_t>(version));
  const auto loading_before = std::exchange(loading_, std::string_view(type->name));
  const Variant object = type->saving->load(*this, registry());
  if (object.kind() != Kind::kObject) {
    throw Error(ErrorKind::kRemote, "load() of '" + name + "' has returned no object");
  }
  expect(RecordTag::kEnd);
  loading_ = loading_before;
  version_ = version_before;
  --depth_;
  return objects_[place] = *object.get_if<ObjectPtr>();
}

}  // namespace

detail::Place SaveReader::place() const {
  detail::Place place;
  place.name = "value";
  place.registry = &registry_;
  place.may_move = true;
  return place;
}

Variant load_value(const Registry& registry, SaveSource& source,
                   std::shared_ptr<MemoryAccount> account) {
  FileReader reader(registry, source, std::move(account));
  Variant value = reader.read_value();
  reader.finish();
  return value;
}

}  // namespace cppipc
