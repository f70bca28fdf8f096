// SPDX-License-Identifier: Apache-2.0
#include "wire/sizes.h"

#include <gtest/gtest.h>

namespace cppipc::sizes_test {
namespace {

TEST(Sizes, AreSpelledInBytesAndMebibytes) {
  EXPECT_EQ(spell_bytes(0), "0 bytes");
  EXPECT_EQ(spell_bytes(1), "1 byte");
  EXPECT_EQ(spell_bytes(999), "999 bytes");
  EXPECT_EQ(spell_bytes(1000), "1,000 bytes");
  EXPECT_EQ(spell_bytes(1 << 20), "1 MiB (1,048,576 bytes)");
  EXPECT_EQ(spell_bytes(64ull << 20), "64 MiB (67,108,864 bytes)");
  EXPECT_EQ(spell_bytes(3ull << 19), "1.5 MiB (1,572,864 bytes)");
  EXPECT_EQ(spell_bytes((2ull << 20) - 1), "2 MiB (2,097,151 bytes)");
  EXPECT_EQ(spell_bytes(1ull << 40), "1,048,576 MiB (1,099,511,627,776 bytes)");
}

TEST(Sizes, LimitsNeverPassWhatAMessageCanHold) {
  const MarshalLimits huge{~0ull, ~0ull};
  EXPECT_EQ(inline_bytes_of(huge), kTextBytesMax);
  EXPECT_EQ(message_bytes_of(huge), kMessageBytesMax);
  const MarshalLimits small{4096, 16};
  EXPECT_EQ(inline_bytes_of(small), 16u);
  EXPECT_EQ(message_bytes_of(small), 4096u);
}

}  // namespace
}  // namespace cppipc::sizes_test
