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

// Returns the ids of the objects, in the order of the attachments.
std::vector<std::array<std::uint8_t, 16>> number_capabilities(const ValueWriter& written,
                                                              capnp::AnyPointer::Builder pointer,
                                                              OutgoingCaps& caps) {
  const auto& attachments = written.attachments();
  std::vector<std::array<std::uint8_t, 16>> ids(attachments.size());
  auto stored =
      pointer.initAs<capnp::List<wire::LargeBytes>>(static_cast<unsigned>(attachments.size()));
  for (unsigned i = 0; i < attachments.size(); ++i) {
    const ValueWriter::Attachment& attachment = attachments[i];
    if (attachment.object) {
      stored[i].setBlob(caps.object(attachment.object).castAs<wire::Blob>());
      ids[i] = caps.object_id(attachment.object);
    } else {
      BlobSource source{attachment.bulk.span(), attachment.bulk.owner()};
      stored[i].setBlob(caps.blob(std::move(source)).castAs<wire::Blob>());
    }
  }
  return ids;
}

}  // namespace

void attach(const ValueWriter& written, capnp::AnyStruct::Builder parent, unsigned pointer,
            OutgoingCaps& caps) {
  auto slot = parent.getPointerSection()[pointer];
  // The pointers of a struct lie behind its data.
  auto* raw = reinterpret_cast<std::uint64_t*>(parent.getDataSection().end()) + pointer;
  std::vector<std::array<std::uint8_t, 16>> ids;
  if (!written.attachments().empty()) {
    ids = number_capabilities(written, slot, caps);
    *raw = 0;  // forgotten, not dropped: the numbers stay
  }
  const std::span<const std::uint64_t> words = written.words().subspan(1);  // without the root
  // As words, not as Data, which cannot be longer than 512 MiB.
  auto list =
      slot.initAsAnyList(capnp::ElementSize::EIGHT_BYTES, static_cast<unsigned>(words.size()));
  auto* bytes = const_cast<capnp::byte*>(list.asReader().getRawBytes().begin());
  std::memcpy(bytes, words.data(), words.size_bytes());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const ValueWriter::Place id = written.attachments()[i].id;
    if (id != 0) std::memcpy(bytes + 8 * (id - 1), ids[i].data(), ids[i].size());
  }
  if (words::kind_of(*raw) == words::kFar) {
    // The bytes lie in another segment, with their pointer before them.
    raw = reinterpret_cast<std::uint64_t*>(bytes) - 1;
  }
  *raw = words::pointer(words::kStruct, words::offset_of(*raw),
                        words::upper_of(written.words().front()));
}

}  // namespace cppipc
