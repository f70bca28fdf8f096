// SPDX-License-Identifier: Apache-2.0
// The outer form of saved files.
#include "save/blocks.h"

#include <cppipc/error.h>

#include <gtest/gtest.h>

#include "save_files.h"
#include "support/error_of.h"

namespace cppipc::blocks_test {
namespace {

using namespace cppipc::test;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

std::string read_back(const std::string& file, std::size_t size) {
  MemorySource source(file);
  BlockReader reader(source);
  std::string bytes(size, '\0');
  reader.get(std::as_writable_bytes(std::span(bytes)));
  reader.finish();
  return bytes;
}

TEST(Blocks, WhatIsWrittenInAnySizesIsReadInAnyOthers) {
  const std::string bytes = pattern(5'000'000);
  for (const std::size_t written : {1'000u, 16'384u, 70'000u, 1'048'576u, 3'000'000u}) {
    MemorySink sink;
    BlockWriter writer(sink);
    for (std::size_t at = 0; at < bytes.size(); at += written) {
      const auto part = std::string_view(bytes).substr(at, written);
      writer.put(std::as_bytes(std::span(part)));
    }
    writer.finish();
    for (const std::size_t wanted : {999u, 65'536u, 1'048'577u, 5'000'000u}) {
      MemorySource source(sink.file);
      BlockReader reader(source);
      std::string out(bytes.size(), '\0');
      for (std::size_t at = 0; at < out.size(); at += wanted) {
        auto part = std::span(out).subspan(at, std::min(wanted, out.size() - at));
        reader.get(std::as_writable_bytes(part));
      }
      reader.finish();
      ASSERT_EQ(out, bytes) << written << " " << wanted;
    }
  }
}

TEST(Blocks, LargePartsGoToTheFileInPiecesOfOneMebibyte) {
  MemorySink sink;
  BlockWriter writer(sink);
  const std::string bytes = pattern(10 << 20);
  writer.put(std::as_bytes(std::span(bytes)));
  writer.finish();
  EXPECT_EQ(sink.largest, std::size_t{1} << 20);
  EXPECT_EQ(sink.writes, 1 + 10 + 1);  // header, blocks, end
}

TEST(Blocks, AnEmptyContentIsAFileToo) { EXPECT_EQ(read_back(in_blocks(""), 0), ""); }

TEST(Blocks, EveryChangedByteIsNoticed) {
  const std::string bytes = pattern(300);
  const std::string file = in_blocks(bytes);
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const auto kind = kind_of([&] { read_back(changed, bytes.size()); });
    EXPECT_TRUE(kind == ErrorKind::kInvalidArgument || kind == ErrorKind::kNotSupported) << i;
  }
}

TEST(Blocks, EveryCutIsNoticed) {
  const std::string bytes = pattern(300);
  const std::string file = in_blocks(bytes);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(kind_of([&] { read_back(file.substr(0, size), bytes.size()); }),
              ErrorKind::kInvalidArgument)
        << size;
  }
}

TEST(Blocks, BlocksThatChangedPlacesAreNoticed) {
  const std::string bytes = pattern(2 << 20);
  std::string file = in_blocks(bytes);
  constexpr std::size_t kHeader = 16, kBlock = 16 + (1 << 20);
  const std::string swapped = file.substr(0, kHeader) + file.substr(kHeader + kBlock, kBlock) +
                              file.substr(kHeader, kBlock) + file.substr(kHeader + 2 * kBlock);
  ASSERT_EQ(swapped.size(), file.size());
  EXPECT_EQ(error_of([&] { read_back(swapped, bytes.size()); }).text(),
            "the file is damaged (at its block 0)");
}

TEST(Blocks, ErrorsSayWhatIsWrongWithTheFile) {
  const std::string file = in_blocks("content");
  std::string newer = file;
  newer[8] = 2;
  EXPECT_EQ(error_of([&] { read_back(newer, 7); }).text(),
            "the file was written by a newer version (its format is 2, the newest that this server "
            "knows 1)");
  EXPECT_EQ(error_of([&] { read_back("hello", 7); }).text(),
            "the file was not written by Session.save()");
  EXPECT_EQ(error_of([&] { read_back("", 7); }).text(),
            "the file is empty; Session.save() writes files that can be loaded");
  EXPECT_EQ(error_of([&] { read_back(file.substr(0, 20), 7); }).text(),
            "the file ends too early: it was cut short, or saving did not finish");
  EXPECT_EQ(error_of([&] { read_back(file, 6); }).text(), "the file is damaged (at its block 1)");
  EXPECT_EQ(error_of([&] { read_back(file, 8); }).text(), "the file is damaged (at its block 1)");
}

}  // namespace
}  // namespace cppipc::blocks_test
