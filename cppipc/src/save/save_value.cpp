// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "save/records.h"
#include "save/save.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

// What is longer lies beside its value's words, and goes to the file as it lies in memory.
constexpr std::uint64_t kBesideBytes = 4096;

MarshalLimits limits() {
  MarshalLimits limits;
  limits.message_bytes = std::numeric_limits<std::uint64_t>::max();
  limits.inline_bytes = kBesideBytes;
  return limits;
}

// Not recursive. Functions of the server would be written by their names, which mean something to
// that server only.
void refuse_functions(const Variant& value) {
  std::vector<const Variant*> left{&value};
  const auto add = [&left](const std::vector<Variant>& items) {
    for (const Variant& item : items) left.push_back(&item);
  };
  while (!left.empty()) {
    const Variant& next = *left.back();
    left.pop_back();
    if (next.kind() == Kind::kCallable) {
      throw Error(ErrorKind::kWrongType,
                  "functions cannot be saved; let the type call them when it is saved");
    }
    if (const auto* list = next.get_if<List>()) add(list->items);
    if (const auto* tuple = next.get_if<Tuple>()) add(tuple->items);
    if (const auto* set = next.get_if<Set>()) add(set->items);
    if (const auto* frozen = next.get_if<FrozenSet>()) add(frozen->items);
    if (const auto* dict = next.get_if<Dict>()) {
      for (const auto& [key, item] : dict->entries) {
        left.push_back(&key);
        left.push_back(&item);
      }
    }
  }
}

class FileWriter final : public SaveWriter {
 public:
  FileWriter(const Registry& registry, SaveSink& sink) : SaveWriter(registry), blocks_(sink) {}

  void write_value(const Variant& value) override;
  void write_elements(const DType& dtype, std::span<const std::byte> bytes) override;
  void finish() { blocks_.finish(); }

 private:
  struct Saved {
    std::shared_ptr<void> instance;  // kept, so that nothing else gets its address
    std::uint64_t number = 0;
    bool is_whole = false;
  };

  void put(RecordTag tag) { put(static_cast<std::uint64_t>(tag)); }
  void put(std::uint64_t number) { blocks_.put(std::as_bytes(std::span(&number, 1))); }
  void put_object(const ObjectPtr& object);
  void put_new(const LocalObject& object, const SaveInfo& saving);

  BlockWriter blocks_;
  std::unordered_map<const void*, Saved> saved_;
  int depth_ = 0;
};

void FileWriter::write_value(const Variant& value) {
  refuse_functions(value);
  detail::Place place;
  place.role = detail::Place::Role::kResult;
  place.function = "save";
  place.registry = &registry();
  ValueWriter written = cppipc::write(detail::store_variant(value, place), limits());
  const auto& attachments = written.attachments();
  // They are this writer's own.
  auto* words = const_cast<std::uint64_t*>(written.words().data());
  for (std::uint64_t i = 0; i < attachments.size(); ++i) {
    std::uint64_t* const fill = words + attachments[i].fill;
    if (attachments[i].object) {
      fill[0] = i;
    } else {
      fill[0] = kAttachmentArena;
      fill[1] = i;
    }
  }
  put(RecordTag::kValue);
  put(written.words().size());
  put(attachments.size());
  blocks_.put(std::as_bytes(written.words()));
  for (const ValueWriter::Attachment& attachment : attachments) {
    if (attachment.object) {
      put_object(attachment.object);
    } else {
      put(RecordTag::kBytes);
      put(attachment.bulk.size());
      blocks_.put(attachment.bulk.span());
    }
  }
}

void FileWriter::write_elements(const DType& dtype, std::span<const std::byte> bytes) {
  std::array<char, 8> text{};
  std::memcpy(text.data(), dtype.text.data(), std::min(dtype.text.size(), text.size()));
  put(RecordTag::kElements);
  blocks_.put(std::as_bytes(std::span(text)));
  put(bytes.size());
  blocks_.put(bytes);
}

void FileWriter::put_object(const ObjectPtr& object) {
  const auto* local = dynamic_cast<const LocalObject*>(object.get());
  if (local == nullptr) {
    throw Error(ErrorKind::kWrongType, "what belongs to a client cannot be saved");
  }
  const TypeInfo& type = local->type();
  if (const auto known = saved_.find(local->instance().get()); known != saved_.end()) {
    if (!known->second.is_whole) {
      throw Error(ErrorKind::kInvalidArgument,
                  "a '" + type.name + "' cannot be saved, because it contains itself");
    }
    put(RecordTag::kSame);
    return put(known->second.number);
  }
  if (type.saving == nullptr) {
    throw Error(ErrorKind::kWrongType, "a '" + type.name +
                                           "' cannot be saved: its type does not say how "
                                           "(TypeBuilder::saveable)");
  }
  put_new(*local, *type.saving);
}

void FileWriter::put_new(const LocalObject& object, const SaveInfo& saving) {
  if (depth_ == kSaveDepthMax) {
    throw Error(ErrorKind::kInvalidArgument, "objects that contain each other more than " +
                                                 std::to_string(kSaveDepthMax) +
                                                 " deep cannot be saved");
  }
  const std::string& name = object.type().name;
  const void* const instance = object.instance().get();
  saved_.emplace(instance, Saved{object.instance(), saved_.size()});
  put(RecordTag::kObject);
  put(name.size());
  blocks_.put(std::as_bytes(std::span(name)));
  put(saving.version);
  ++depth_;
  saving.save(instance, *this);
  --depth_;
  put(RecordTag::kEnd);
  saved_.at(instance).is_whole = true;
}

}  // namespace

detail::Place SaveWriter::place() const {
  detail::Place place;
  place.role = detail::Place::Role::kResult;
  place.function = "save";
  place.registry = &registry_;
  return place;
}

void save_value(const Variant& value, const Registry& registry, SaveSink& sink) {
  FileWriter writer(registry, sink);
  writer.write_value(value);
  writer.finish();
}

}  // namespace cppipc
