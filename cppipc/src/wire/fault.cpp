// SPDX-License-Identifier: Apache-2.0
// Errors that travel: Error -> Fault and back. A text too long for the message goes beside it, as a
// str would; its beginning stays in the message, for peers that read no blobs.

#include "wire/bulk.h"
#include "wire/guard.h"
#include "wire/sizes.h"

#include "values/utf8.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace cppipc {
namespace {

// Of a text that is cut.
constexpr std::size_t kBeginningBytes = 64 << 10;
constexpr std::size_t kNameBytesMax = 1 << 10;

// The beginning of `text`, not longer than `size_max` bytes, cut between characters.
std::string shortened(std::string_view text, std::size_t size_max) {
  constexpr std::string_view kMark = "...";
  if (text.size() <= size_max) return std::string(text);
  std::size_t size = size_max - kMark.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size)) + std::string(kMark);
}

// A name that is a Text: with '?' for every byte beyond ASCII if it is not UTF-8.
std::string name_for_wire(std::string_view name) {
  std::string text = shortened(name, kNameBytesMax);
  if (is_utf8(text)) return text;
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; }, '?');
  return text;
}

void put(const Error& error, std::string_view message, wire::Fault::Builder& builder) {
  builder.setKind(static_cast<std::uint16_t>(error.kind()));
  builder.setInToolkit(error.in_toolkit);
  builder.setMessage({reinterpret_cast<const capnp::byte*>(message.data()), message.size()});
  builder.setWhere(name_for_wire(error.where).c_str());
  builder.setThrownType(name_for_wire(error.thrown_type).c_str());
  builder.setErrorNumber(error.error_number);
  if (!error.exception_name.empty()) {
    builder.setExceptionName(name_for_wire(error.exception_name).c_str());
  }
}

std::string text_of(wire::Fault::Reader reader, IncomingCaps& caps) {
  if (reader.hasLargeMessage()) return unmarshal_large_chars(reader.getLargeMessage(), caps);
  const capnp::Data::Reader message = reader.getMessage();
  return {reinterpret_cast<const char*>(message.begin()), message.size()};
}

}  // namespace

void marshal(const Error& error, wire::Fault::Builder builder) {
  put(error, shortened(error.text(), kBeginningBytes), builder);
}

void marshal(const Error& error, wire::Fault::Builder builder, OutgoingCaps& caps,
             const MarshalLimits& limits) {
  if (error.raised) builder.setRaised(caps.object(error.raised).castAs<wire::Object>());
  if (error.text().size() <= inline_bytes_of(limits)) return put(error, error.text(), builder);
  marshal(error, builder);
  marshal_large_text(error.text(), builder.initLargeMessage(), caps);
}

Error unmarshal(wire::Fault::Reader reader, IncomingCaps& caps) {
  return guarded([&] {
    Error error(kind_of(reader.getKind()), text_of(reader, caps));
    error.in_toolkit = reader.getInToolkit();
    error.where = checked_text(reader.getWhere());
    error.thrown_type = checked_text(reader.getThrownType());
    error.error_number = reader.getErrorNumber();
    error.exception_name = checked_text(reader.getExceptionName());
    if (reader.hasRaised()) error.raised = caps.object(reader.getRaised(), kRaisedTypeName, {});
    return error;
  });
}

}  // namespace cppipc
