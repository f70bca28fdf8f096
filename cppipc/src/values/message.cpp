// SPDX-License-Identifier: Apache-2.0
#include <cppipc/error.h>
#include <cppipc/message.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace cppipc {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

[[noreturn]] void refuse_bytes(const std::string& problem) {
  throw Error(ErrorKind::kInvalidArgument, "no message of Cap'n Proto: " + problem);
}

bool is_at_word(std::span<const std::byte> bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % kWord == 0;
}

// The same bytes where a reader can read them.
Bytes placed(Bytes bytes) {
  if (bytes.size() == 0 || (bytes.owner() != nullptr && is_at_word(bytes.span()))) return bytes;
  const auto words = std::make_shared<std::vector<std::uint64_t>>(bytes.size() / kWord);
  std::memcpy(words->data(), bytes.span().data(), bytes.size());
  return Bytes(std::as_bytes(std::span(*words)), words);
}

// Words of a table of segments: a count less one, and the lengths.
std::size_t table_words(std::size_t segments) { return segments / 2 + 1; }

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t i) {
  std::uint32_t number = 0;
  for (std::size_t at = 4; at-- > 0;) {
    number = number << 8 | static_cast<std::uint32_t>(bytes[4 * i + at]);
  }
  return number;
}

}  // namespace

Message::Message(std::vector<Bytes> segments) {
  if (segments.empty()) refuse_bytes("it has no segment");
  if (segments.size() > kSegmentsMax) {
    refuse_bytes("it has " + std::to_string(segments.size()) + " segments; it may have " +
                 std::to_string(kSegmentsMax));
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].size() % kWord != 0) {
      refuse_bytes("segment " + std::to_string(i) + " has " + std::to_string(segments[i].size()) +
                   " bytes, which are no whole words of 8");
    }
    segments[i] = placed(std::move(segments[i]));
  }
  segments_ = std::make_shared<const std::vector<Bytes>>(std::move(segments));
}

Message Message::from_framed(const Bytes& bytes) {
  const std::span<const std::byte> all = bytes.span();
  if (all.size() < kWord) refuse_bytes("it ends within its table of segments");
  const std::uint64_t count = std::uint64_t{number_at(all, 0)} + 1;
  if (count > kSegmentsMax) refuse_bytes("its table names " + std::to_string(count) + " segments");
  std::size_t at = table_words(count) * kWord;
  if (all.size() < at) refuse_bytes("it ends within its table of segments");
  std::vector<Bytes> segments;
  for (std::size_t i = 1; i <= count; ++i) {
    const std::uint64_t size = std::uint64_t{number_at(all, i)} * kWord;
    if (size > all.size() - at) refuse_bytes("it ends within segment " + std::to_string(i - 1));
    segments.emplace_back(all.subspan(at, size), bytes.owner());
    at += size;
  }
  if (at != all.size()) refuse_bytes("there is more behind it");
  return Message(std::move(segments));
}

std::vector<std::byte> Message::framed() const {
  if (is_empty()) return {};
  std::vector<std::byte> out(table_words(size()) * kWord + nbytes());
  const auto put = [&out](std::size_t i, std::size_t number) {
    for (std::size_t byte = 0; byte < 4; ++byte) {
      out[4 * i + byte] = static_cast<std::byte>(number >> (8 * byte) & 0xFF);
    }
  };
  put(0, size() - 1);
  std::size_t at = table_words(size()) * kWord;
  for (std::size_t i = 0; i < size(); ++i) {
    const auto bytes = (*segments_)[i].span();
    put(i + 1, bytes.size() / kWord);
    std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    at += bytes.size();
  }
  return out;
}

std::span<const std::uint64_t> Message::segment(std::size_t i) const {
  const auto bytes = segments_->at(i).span();
  return {reinterpret_cast<const std::uint64_t*>(bytes.data()), bytes.size() / kWord};
}

std::span<const Bytes> Message::segments() const {
  return segments_ ? std::span<const Bytes>(*segments_) : std::span<const Bytes>();
}

std::uint64_t Message::nbytes() const {
  std::uint64_t sum = 0;
  for (const Bytes& segment : segments()) sum += segment.size();
  return sum;
}

bool Message::operator==(const Message& other) const {
  return segments_ == other.segments_ || std::ranges::equal(segments(), other.segments());
}

}  // namespace cppipc
