// SPDX-License-Identifier: Apache-2.0
#pragma once
// Files in memory.

#include <algorithm>
#include <cstring>
#include <string>

#include "save/save.h"

namespace cppipc::test {

class MemorySink final : public SaveSink {
 public:
  void write(std::span<const std::byte> head, std::span<const std::byte> body) override {
    for (const auto part : {head, body}) {
      file.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    writes += 1;
    largest = std::max(largest, body.size());
  }
  std::string file;
  int writes = 0;
  std::size_t largest = 0;
};

class MemorySource final : public SaveSource {
 public:
  explicit MemorySource(std::string file, bool knows_size = true)
      : file_(std::move(file)), knows_size_(knows_size) {}
  std::size_t read(std::span<std::byte> out) override {
    const auto count = std::min(out.size(), file_.size() - place_);
    if (count != 0) std::memcpy(out.data(), file_.data() + place_, count);
    place_ += count;
    return count;
  }
  std::optional<std::uint64_t> bytes_left() const override {
    if (!knows_size_) return std::nullopt;
    return file_.size() - place_;
  }
  std::size_t unread() const { return file_.size() - place_; }

 private:
  const std::string file_;
  const bool knows_size_;
  std::size_t place_ = 0;
};

inline std::string saved(const Variant& value, const Registry& registry) {
  MemorySink sink;
  save_value(value, registry, sink);
  return sink.file;
}

inline Variant loaded(const std::string& file, const Registry& registry, bool knows_size = true) {
  MemorySource source(file, knows_size);
  return load_value(registry, source, nullptr);
}

// The bytes as the content of a file, in blocks with the right checksums.
inline std::string in_blocks(std::string_view content) {
  MemorySink sink;
  BlockWriter writer(sink);
  writer.put(std::as_bytes(std::span(content)));
  writer.finish();
  return sink.file;
}

}  // namespace cppipc::test
