// SPDX-License-Identifier: Apache-2.0
#include "rpc/frame.h"

#include <cppipc/error.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace cppipc::frame_test {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// The segment table of a frame whose segments have these sizes in words.
std::vector<std::byte> table(const std::vector<std::uint32_t>& sizes) {
  std::vector<std::uint32_t> words{static_cast<std::uint32_t>(sizes.size() - 1)};
  words.insert(words.end(), sizes.begin(), sizes.end());
  if (words.size() % 2 != 0) words.push_back(0);
  std::vector<std::byte> bytes;
  for (const auto word : words) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::byte>(word >> (8 * i)));
  }
  return bytes;
}

ErrorKind refusal(const std::vector<std::byte>& bytes, std::uint64_t limit = kNoLimit) {
  try {
    measure_frame(bytes, limit);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "the frame was accepted";
  return ErrorKind::kRemote;
}

TEST(Frame, FewerBytesThanAFirstWordAskForAWholeTable) {
  const auto bytes = table({1});
  for (std::size_t size = 0; size < 4; ++size) {
    const auto frame = measure_frame({bytes.data(), size}, kNoLimit);
    EXPECT_FALSE(frame.is_complete_table);
    EXPECT_EQ(frame.bytes, 8u);
  }
}

TEST(Frame, TheTableIsCompleteAtItsLastByteAndNotBefore) {
  for (const std::size_t segments : {1u, 2u, 3u, 4u, 5u, 511u, 512u}) {
    const auto bytes = table(std::vector<std::uint32_t>(segments, 2));
    for (const std::size_t missing : {bytes.size() - 4, std::size_t{1}}) {
      const auto part = measure_frame({bytes.data(), bytes.size() - missing}, kNoLimit);
      EXPECT_FALSE(part.is_complete_table) << segments;
      EXPECT_EQ(part.bytes, bytes.size());
    }
    const auto whole = measure_frame(bytes, kNoLimit);
    EXPECT_TRUE(whole.is_complete_table) << segments;
    EXPECT_EQ(whole.bytes, bytes.size() + segments * 16);
  }
}

TEST(Frame, BytesBehindTheTableDoNotMatter) {
  auto bytes = table({1});
  bytes.resize(1000, std::byte{0xff});
  EXPECT_EQ(measure_frame(bytes, kNoLimit).bytes, 16u);
}

TEST(Frame, ASegmentOfNothingIsAFrame) {
  const auto frame = measure_frame(table({0}), kNoLimit);
  EXPECT_TRUE(frame.is_complete_table);
  EXPECT_EQ(frame.bytes, 8u);
}

TEST(Frame, AFirstWordOfAllOnesIsRefused) {
  const std::vector<std::byte> ones(8, std::byte{0xff});
  EXPECT_EQ(refusal(ones), ErrorKind::kProtocol);
  EXPECT_EQ(refusal({ones.begin(), ones.begin() + 4}), ErrorKind::kProtocol);
}

TEST(Frame, TooManySegmentsAreRefusedAtTheFirstWord) {
  const auto most = table(std::vector<std::uint32_t>(kSegmentsMax, 1));
  EXPECT_NO_THROW(measure_frame({most.data(), 4}, kNoLimit));
  const auto more = table(std::vector<std::uint32_t>(kSegmentsMax + 1, 1));
  EXPECT_EQ(refusal({more.begin(), more.begin() + 4}), ErrorKind::kProtocol);
}

TEST(Frame, TheLimitCountsTheWholeFrame) {
  const auto bytes = table({10});
  EXPECT_EQ(measure_frame(bytes, 88).bytes, 88u);
  EXPECT_EQ(refusal(bytes, 87), ErrorKind::kTooLarge);
}

TEST(Frame, SizesThatWouldOverflow32BitsAreAddedIn64) {
  const std::vector<std::uint32_t> sizes(512, 0xffffffffu);
  const auto bytes = table(sizes);
  EXPECT_EQ(measure_frame(bytes, kNoLimit).bytes, bytes.size() + 512ull * 0xffffffffull * 8);
  EXPECT_EQ(refusal(bytes, 64 << 20), ErrorKind::kTooLarge);
}

TEST(Frame, ARefusalNamesSizeAndLimit) {
  try {
    measure_frame(table({1000}), 100);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("8008"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("100"), std::string::npos) << error.what();
  }
}

TEST(Frame, TheFirstBytesOfTlsAreSaidToBeThat) {
  const auto text = [](std::vector<std::byte> bytes) -> std::string {
    try {
      measure_frame(bytes, kNoLimit);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
      EXPECT_TRUE(error.is_tls);
      return error.what();
    }
    return "the frame was accepted";
  };
  const std::byte three{3}, none{0};
  EXPECT_NE(
      text({std::byte{22}, three, std::byte{1}, std::byte{2}, none}).find("client speaks TLS"),
      std::string::npos);
  EXPECT_NE(text({std::byte{21}, three, three, none, std::byte{2}}).find("server speaks TLS"),
            std::string::npos);
}

}  // namespace
}  // namespace cppipc::frame_test
