// SPDX-License-Identifier: Apache-2.0
#include <cppipc/message.h>
#include <cppipc/variant.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace cppipc::message_test {
namespace {

using testing::HasSubstr;

Bytes words(std::size_t count, char fill) { return Bytes(std::string(8 * count, fill)); }

std::string refusal_of(std::vector<Bytes> segments) {
  try {
    const Message message(std::move(segments));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  return "";
}

std::string framed_refusal_of(const std::string& bytes) {
  try {
    Message::from_framed(Bytes(bytes));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  return "";
}

std::string framed(const Message& message) {
  const auto bytes = message.framed();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Message, HasItsSegments) {
  const Message message({words(2, 'a'), words(0, ' '), words(1, 'b')});
  EXPECT_EQ(message.size(), 3u);
  EXPECT_EQ(message.nbytes(), 24u);
  EXPECT_EQ(message.segment(0).size(), 2u);
  EXPECT_EQ(message.segment(0)[1], 0x6161616161616161u);
  EXPECT_TRUE(message.segment(1).empty());
  EXPECT_THROW(message.segment(3), std::out_of_range);
  EXPECT_TRUE(Message().is_empty());
  EXPECT_TRUE(Message().segments().empty());
}

TEST(Message, SharesWhatIsKeptAndCopiesTheRest) {
  const auto owner = std::make_shared<std::vector<std::uint64_t>>(4, 7);
  const auto bytes = std::as_bytes(std::span(*owner));
  const Message message({Bytes(bytes, owner), Bytes(bytes, nullptr),
                         Bytes(bytes.subspan(4, 8), owner), Bytes(bytes.subspan(8, 8), owner)});
  EXPECT_EQ(message.segment(0).data(), owner->data());
  EXPECT_NE(message.segment(1).data(), owner->data());
  EXPECT_EQ(message.segment(2).size(), 1u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(message.segment(2).data()) % 8, 0u);
  EXPECT_EQ(std::memcmp(message.segment(2).data(), bytes.data() + 4, 8), 0);
  EXPECT_EQ(message.segment(3).data(), owner->data() + 1);
  EXPECT_EQ(owner.use_count(), 3);
}

TEST(Message, WhatIsNoneIsRefused) {
  EXPECT_THAT(refusal_of({}), HasSubstr("no segment"));
  EXPECT_THAT(refusal_of({words(1, 'a'), Bytes("1234567")}),
              HasSubstr("segment 1 has 7 bytes, which are no whole words of 8"));
  EXPECT_EQ(refusal_of(std::vector<Bytes>(512, words(1, 'a'))), "");
  EXPECT_THAT(refusal_of(std::vector<Bytes>(513, words(1, 'a'))), HasSubstr("513 segments"));
}

TEST(Message, IsEqualByItsSegments) {
  const Message message({words(1, 'a'), words(1, 'b')});
  EXPECT_EQ(message, Message({words(1, 'a'), words(1, 'b')}));
  EXPECT_FALSE(message == Message({words(1, 'a'), words(1, 'c')}));
  EXPECT_FALSE(message == Message({words(1, 'a')}));
  EXPECT_FALSE(message == Message());
  EXPECT_EQ(Message(), Message());
}

TEST(Message, FramingGoesThereAndBack) {
  for (std::size_t count = 1; count <= 4; ++count) {
    std::vector<Bytes> segments;
    for (std::size_t i = 0; i < count; ++i)
      segments.push_back(words(i, static_cast<char>('a' + i)));
    const Message message(std::move(segments));
    const std::string bytes = framed(message);
    EXPECT_EQ(bytes.size(), 8 * (count / 2 + 1) + message.nbytes());
    EXPECT_EQ(Message::from_framed(Bytes(bytes)), message) << count;
  }
  EXPECT_EQ(framed(Message({words(1, 'a')})), std::string("\0\0\0\0\1\0\0\0aaaaaaaa", 16));
  EXPECT_EQ(framed(Message()), "");
}

TEST(Message, FramingThatIsNotWholeIsRefused) {
  const std::string whole = framed(Message({words(1, 'a'), words(2, 'b'), words(1, 'c')}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(framed_refusal_of(whole.substr(0, size)), HasSubstr("it ends within")) << size;
  }
  EXPECT_THAT(framed_refusal_of(whole + "x"), HasSubstr("more behind it"));
  EXPECT_THAT(framed_refusal_of(std::string(8, '\xff')), HasSubstr("4294967296 segments"));
  EXPECT_THAT(framed_refusal_of(std::string("\0\0\0\0\xff\xff\xff\xff", 8)),
              HasSubstr("it ends within segment 0"));
}

TEST(Message, IsAVariant) {
  const Message message({words(1, 'a')});
  const Variant value = message;
  EXPECT_EQ(value.kind(), Kind::kMessage);
  EXPECT_EQ(name_of(value.kind()), "message");
  EXPECT_EQ(value.as<Message>(), message);
  EXPECT_TRUE(value == Variant(Message({words(1, 'a')})));
  EXPECT_FALSE(value == Variant(Bytes("aaaaaaaa")));
  EXPECT_TRUE(Variant(Message()).is_null());
  EXPECT_TRUE((Variant(Set{{value}}) == Variant(Set{{Message({words(1, 'a')})}})));
}

}  // namespace
}  // namespace cppipc::message_test
