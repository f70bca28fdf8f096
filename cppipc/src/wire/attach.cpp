// SPDX-License-Identifier: Apache-2.0
// What was written leads only forward and only within itself, so it can lie anywhere in a segment:
// it is copied into the message as bytes, and the pointer to those bytes made one to a struct.
//
// A capability in what was written is known by its number. Cap'n Proto hands out those numbers in
// the order in which capabilities are stored in a message, so they are stored once, at a pointer
// that is then overwritten.
#include "wire/attach.h"

#include "wire/marshal.h"
#include "wire/words.h"

#include <capnp/list.h>

#include <cstring>

namespace cppipc {
namespace {

constexpr std::size_t kIdWords = 2;

// What is known of an attachment only now: the two words of an object's id, or the four of where
// bulk lies.
using Filling = std::array<std::uint64_t, words::kLargeBytesData - 1>;

Filling filling_of(const BulkPlace& place) {
  return {place.arena, place.offset, place.begin, static_cast<std::uint64_t>(place.access)};
}

// Returns the fillings in the order of the attachments.
std::vector<Filling> number_capabilities(const ValueWriter& written,
                                         capnp::AnyPointer::Builder pointer, OutgoingCaps& caps) {
  const auto& attachments = written.attachments();
  std::vector<Filling> fillings(attachments.size());
  auto stored =
      pointer.initAs<capnp::List<wire::LargeBytes>>(static_cast<unsigned>(attachments.size()));
  for (unsigned i = 0; i < attachments.size(); ++i) {
    const ValueWriter::Attachment& attachment = attachments[i];
    if (attachment.object) {
      stored[i].setBlob(caps.object(attachment.object).castAs<wire::Blob>());
      const auto id = caps.object_id(attachment.object);
      std::memcpy(fillings[i].data(), id.data(), id.size());
    } else {
      PlacedBlob placed =
          caps.blob({attachment.bulk.span(), attachment.bulk.owner(), attachment.is_sole,
                     attachment.is_readonly, attachment.is_message});
      stored[i].setBlob(placed.client.castAs<wire::Blob>());
      fillings[i] = filling_of(placed.place);
    }
  }
  return fillings;
}

}  // namespace

void attach(const ValueWriter& written, capnp::AnyStruct::Builder parent, unsigned pointer,
            OutgoingCaps& caps) {
  auto slot = parent.getPointerSection()[pointer];
  // The pointers of a struct lie behind its data.
  auto* raw = reinterpret_cast<std::uint64_t*>(parent.getDataSection().end()) + pointer;
  std::vector<Filling> fillings;
  if (!written.attachments().empty()) {
    fillings = number_capabilities(written, slot, caps);
    *raw = 0;  // forgotten, not dropped: the numbers stay
  }
  const std::span<const std::uint64_t> words = written.words().subspan(1);  // without the root
  // As words, not as Data, which cannot be longer than 512 MiB.
  auto list =
      slot.initAsAnyList(capnp::ElementSize::EIGHT_BYTES, static_cast<unsigned>(words.size()));
  auto* bytes = const_cast<capnp::byte*>(list.asReader().getRawBytes().begin());
  std::memcpy(bytes, words.data(), words.size_bytes());
  for (std::size_t i = 0; i < fillings.size(); ++i) {
    const ValueWriter::Attachment& attachment = written.attachments()[i];
    const std::size_t count = attachment.object ? kIdWords : fillings[i].size();
    std::memcpy(bytes + 8 * (attachment.fill - 1), fillings[i].data(), 8 * count);
  }
  if (words::kind_of(*raw) == words::kFar) {
    // The bytes lie in another segment, with their pointer before them.
    raw = reinterpret_cast<std::uint64_t*>(bytes) - 1;
  }
  *raw = words::pointer(words::kStruct, words::offset_of(*raw),
                        words::upper_of(written.words().front()));
}

}  // namespace cppipc
