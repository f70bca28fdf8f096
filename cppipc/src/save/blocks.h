// SPDX-License-Identifier: Apache-2.0
#pragma once
// The outer form of a saved file: a header, then the content in blocks, each with a checksum.
//
// All numbers are little-endian. The header is the eight bytes of kMagic, the format's number
// (4 bytes) and 4 bytes of zero. A block is its size in bytes (4 bytes, 1 to kBlockBytes), 4 bytes
// of zero, the XXH3-64 of its content with the block's number, from 0 on, as the seed, and the
// content. The last block is empty.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cppipc {

inline constexpr std::size_t kBlockBytes = 1 << 20;
inline constexpr std::uint32_t kSaveFormat = 1;

// What takes the bytes of a file. Errors: kInputOutput, kCancelled.
class SaveSink {
 public:
  virtual ~SaveSink() = default;
  // All of both, one after the other.
  virtual void write(std::span<const std::byte> head, std::span<const std::byte> body) = 0;
};

// What gives the bytes of a file. Errors: kInputOutput, kCancelled.
class SaveSource {
 public:
  virtual ~SaveSource() = default;
  // Fills all of `out`, and returns its size; less at the end of the file only.
  virtual std::size_t read(std::span<std::byte> out) = 0;
  // How many bytes there may be at most until the end; nullopt if nobody knows.
  virtual std::optional<std::uint64_t> bytes_left() const = 0;
};

// Owns: a buffer for what is small. Borrows: the sink.
class BlockWriter {
 public:
  // Writes the header.
  explicit BlockWriter(SaveSink& sink);
  // What is large goes to the sink as it lies.
  void put(std::span<const std::byte> bytes);
  // The rest, and the last block.
  void finish();

 private:
  void flush();
  void put_block(std::span<const std::byte> content);

  SaveSink& sink_;
  std::vector<std::byte> buffer_;
  std::uint64_t blocks_ = 0;
};

// Owns: a buffer for one block. Borrows: the source.
// Errors of all: kInvalidArgument for what no BlockWriter has written, or not all of it;
// kNotSupported for a newer format.
class BlockReader {
 public:
  // Reads the header.
  explicit BlockReader(SaveSource& source);
  void get(std::span<std::byte> out);
  // Nothing but the last block may follow.
  void finish();
  // As SaveSource's, with what is buffered.
  std::optional<std::uint64_t> bytes_left() const;

 private:
  struct Head {
    std::uint32_t size = 0;
    std::uint32_t zero = 0;
    std::uint64_t hash = 0;
  };
  Head next_head();
  void read_whole(std::span<std::byte> out);
  void read_content(const Head& head, std::span<std::byte> out);
  [[noreturn]] void refuse_damaged() const;

  SaveSource& source_;
  std::vector<std::byte> buffer_;
  std::size_t buffer_begin_ = 0;  // of what was not taken yet
  std::uint64_t blocks_ = 0;
};

}  // namespace cppipc
