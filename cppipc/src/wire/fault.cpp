// SPDX-License-Identifier: Apache-2.0
// Errors that travel: Error -> Fault and back.

#include "wire/bulk.h"
#include "wire/guard.h"

#include "values/utf8.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace cppipc {
namespace {

// A fault always fits a message, whatever text was thrown.
constexpr std::size_t kMessageBytesMax = 64 << 10;
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

// A newer peer may know more kinds; what they mean here is only that the call failed.
ErrorKind kind_of(std::uint16_t number) {
  constexpr auto kLast = static_cast<std::uint16_t>(ErrorKind::kUnknownKey);
  return number <= kLast ? static_cast<ErrorKind>(number) : ErrorKind::kRemote;
}

}  // namespace

void marshal(const Error& error, wire::Fault::Builder builder) {
  builder.setKind(static_cast<std::uint16_t>(error.kind()));
  builder.setInToolkit(error.in_toolkit);
  const std::string message = shortened(error.what(), kMessageBytesMax);
  builder.setMessage({reinterpret_cast<const capnp::byte*>(message.data()), message.size()});
  builder.setWhere(name_for_wire(error.where).c_str());
  builder.setThrownType(name_for_wire(error.thrown_type).c_str());
  builder.setErrorNumber(error.error_number);
}

Error unmarshal(wire::Fault::Reader reader) {
  return guarded([&] {
    const capnp::Data::Reader message = reader.getMessage();
    const auto* chars = reinterpret_cast<const char*>(message.begin());
    Error error(kind_of(reader.getKind()), std::string(chars, message.size()));
    error.in_toolkit = reader.getInToolkit();
    error.where = checked_text(reader.getWhere());
    error.thrown_type = checked_text(reader.getThrownType());
    error.error_number = reader.getErrorNumber();
    return error;
  });
}

}  // namespace cppipc
