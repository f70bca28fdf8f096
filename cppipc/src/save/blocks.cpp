// SPDX-License-Identifier: Apache-2.0
#include "save/blocks.h"

#include <cppipc/error.h>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

namespace cppipc {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

// No text begins so, and a transfer that changes line ends shows.
constexpr std::array<char, 8> kMagic = {'\x8f', 'U', 'N', 'I', 'T', 'Y', '\r', '\n'};

struct FileHeader {
  std::array<char, 8> magic = kMagic;
  std::uint32_t format = kSaveFormat;
  std::uint32_t zero = 0;
};

// What is longer goes to the sink as it lies; what is shorter is gathered.
constexpr std::size_t kGatheredBytes = 16 << 10;
constexpr std::size_t kBufferBytes = 64 << 10;

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::uint64_t hash_of(std::span<const std::byte> content, std::uint64_t number) {
  return XXH3_64bits_withSeed(content.data(), content.size(), number);
}

}  // namespace

BlockWriter::BlockWriter(SaveSink& sink) : sink_(sink) {
  buffer_.reserve(kBufferBytes);
  sink_.write(bytes_of(FileHeader()), {});
}

void BlockWriter::put(std::span<const std::byte> bytes) {
  if (bytes.size() < kGatheredBytes) {
    if (bytes.size() > kBufferBytes - buffer_.size()) flush();
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return;
  }
  flush();
  while (!bytes.empty()) {
    const auto size = std::min(bytes.size(), kBlockBytes);
    put_block(bytes.first(size));
    bytes = bytes.subspan(size);
  }
}

void BlockWriter::finish() {
  flush();
  put_block({});
}

void BlockWriter::flush() {
  if (buffer_.empty()) return;
  put_block(buffer_);
  buffer_.clear();
}

void BlockWriter::put_block(std::span<const std::byte> content) {
  struct {
    std::uint32_t size;
    std::uint32_t zero = 0;
    std::uint64_t hash;
  } head{static_cast<std::uint32_t>(content.size()), 0, hash_of(content, blocks_)};
  static_assert(sizeof head == 16);
  sink_.write(bytes_of(head), content);
  ++blocks_;
}

BlockReader::BlockReader(SaveSource& source) : source_(source) {
  FileHeader header;
  const auto size = source_.read(std::as_writable_bytes(std::span(&header, 1)));
  if (size < sizeof header || header.magic != kMagic) {
    throw Error(ErrorKind::kInvalidArgument,
                size == 0 ? "the file is empty; Session.save() writes files that can be loaded"
                          : "the file was not written by Session.save()");
  }
  if (header.format > kSaveFormat) {
    throw Error(ErrorKind::kNotSupported,
                "the file was written by a newer version (its format is " +
                    std::to_string(header.format) + ", the newest that this server knows " +
                    std::to_string(kSaveFormat) + ")");
  }
  if (header.format == 0 || header.zero != 0) refuse_damaged();
}

std::optional<std::uint64_t> BlockReader::bytes_left() const {
  const auto left = source_.bytes_left();
  if (!left) return std::nullopt;
  return *left + (buffer_.size() - buffer_begin_);
}

void BlockReader::get(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto buffered = std::min(out.size(), buffer_.size() - buffer_begin_);
    if (buffered != 0) {
      std::memcpy(out.data(), buffer_.data() + buffer_begin_, buffered);
      buffer_begin_ += buffered;
      out = out.subspan(buffered);
      continue;
    }
    const Head head = next_head();
    if (head.size == 0) refuse_damaged();
    if (head.size <= out.size()) {
      read_content(head, out.first(head.size));
      out = out.subspan(head.size);
    } else {
      buffer_.resize(head.size);
      buffer_begin_ = 0;
      read_content(head, buffer_);
    }
  }
}

void BlockReader::finish() {
  if (buffer_begin_ != buffer_.size() || next_head().size != 0) refuse_damaged();
}

BlockReader::Head BlockReader::next_head() {
  Head head;
  read_whole(std::as_writable_bytes(std::span(&head, 1)));
  if (head.size > kBlockBytes || head.zero != 0) refuse_damaged();
  if (head.size == 0 && head.hash != hash_of({}, blocks_)) refuse_damaged();
  return head;
}

void BlockReader::read_content(const Head& head, std::span<std::byte> out) {
  read_whole(out);
  if (hash_of(out, blocks_) != head.hash) refuse_damaged();
  ++blocks_;
}

void BlockReader::read_whole(std::span<std::byte> out) {
  if (source_.read(out) == out.size()) return;
  throw Error(ErrorKind::kInvalidArgument,
              "the file ends too early: it was cut short, or saving did not finish");
}

void BlockReader::refuse_damaged() const {
  throw Error(ErrorKind::kInvalidArgument,
              "the file is damaged (at its block " + std::to_string(blocks_) + ")");
}

}  // namespace cppipc
