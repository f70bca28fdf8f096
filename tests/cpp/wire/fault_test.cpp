// SPDX-License-Identifier: Apache-2.0
#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cppipc::fault_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;

Error round_trip_error(const Error& error) {
  MemoryMessage message;
  MemoryCaps caps;
  marshal(error, message.init<wire::Fault>());
  return unmarshal(message.read<wire::Fault>(), caps);
}

Error round_trip_whole(const Error& error, MemoryCaps& caps) {
  MemoryMessage message;
  marshal(error, message.init<wire::Fault>(), caps, {});
  return unmarshal(message.read<wire::Fault>(), caps);
}

TEST(Fault, EveryFieldComesBack) {
  Error error(ErrorKind::kInputOutput, "no such file: /tmp/\xc3\xa4");
  error.in_toolkit = true;
  error.where = "Counter.increment";
  error.thrown_type = "std::ios_base::failure";
  error.error_number = 2;
  error.exception_name = "files.NotThere";
  const Error back = round_trip_error(error);
  EXPECT_EQ(back.kind(), ErrorKind::kInputOutput);
  EXPECT_STREQ(back.what(), error.what());
  EXPECT_TRUE(back.in_toolkit);
  EXPECT_EQ(back.where, error.where);
  EXPECT_EQ(back.thrown_type, error.thrown_type);
  EXPECT_EQ(back.error_number, 2);
  EXPECT_EQ(back.exception_name, "files.NotThere");
}

TEST(Fault, EveryKindComesBack) {
  for (std::uint16_t i = 0; i <= static_cast<std::uint16_t>(ErrorKind::kNotPermitted); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    EXPECT_EQ(round_trip_error(Error(kind, "x")).kind(), kind);
  }
}

TEST(Fault, KindsOfANewerPeerAreRemoteErrors) {
  MemoryMessage message;
  message.init<wire::Fault>().setKind(60'000);
  MemoryCaps caps;
  EXPECT_EQ(unmarshal(message.read<wire::Fault>(), caps).kind(), ErrorKind::kRemote);
}

TEST(Fault, MessagesNeedNotBeUtf8) {
  EXPECT_STREQ(round_trip_error(Error(ErrorKind::kRemote, "\xff\xfe")).what(), "\xff\xfe");
}

TEST(Fault, MessagesMayHaveNuls) {
  const std::string text("a\0b\0", 4);
  EXPECT_EQ(round_trip_error(Error(ErrorKind::kRemote, text)).text(), text);
}

TEST(Fault, AMessageOfAnySizeComesWhole) {
  const std::string invalid = std::string(3 << 20, '\xff') + '\0' + "end";
  for (const std::string& text : {std::string("short"), std::string(100'000, 'x'), invalid}) {
    MemoryCaps caps;
    Error error(ErrorKind::kOutOfRange, text);
    error.where = "f";
    const Error back = round_trip_whole(error, caps);
    EXPECT_EQ(back.text(), text);
    EXPECT_EQ(back.where, "f");
    EXPECT_EQ(back.kind(), ErrorKind::kOutOfRange);
    EXPECT_EQ(caps.blobs_sent, text.size() > MarshalLimits{}.inline_bytes ? 1 : 0);
  }
}

TEST(Fault, BesideALongMessageGoesItsBeginning) {
  MemoryMessage message;
  MemoryCaps caps;
  marshal(Error(ErrorKind::kRemote, std::string(2 << 20, 'x')), message.init<wire::Fault>(), caps,
          {});
  const auto fault = message.read<wire::Fault>();
  EXPECT_TRUE(fault.hasLargeMessage());
  EXPECT_EQ(fault.getMessage().size(), 64u << 10);
}

TEST(Fault, LongMessagesAreCutBetweenCharacters) {
  std::string text = "x";
  while (text.size() < (1 << 20)) text += "\xe2\x82\xac";
  const std::string back = round_trip_error(Error(ErrorKind::kRemote, text)).what();
  EXPECT_LE(back.size(), 64u << 10);
  EXPECT_GT(back.size(), 63u << 10);
  EXPECT_TRUE(back.ends_with("\xe2\x82\xac..."));
  EXPECT_TRUE(text.starts_with(back.substr(0, back.size() - 3)));
}

TEST(Fault, NamesAreMadeUtf8) {
  Error error(ErrorKind::kRemote, "x");
  error.where = "a\xff";
  error.thrown_type = "\x80" + std::string(5000, 'T');
  const Error back = round_trip_error(error);
  EXPECT_EQ(back.where, "a?");
  EXPECT_LE(back.thrown_type.size(), 1024u);
  EXPECT_TRUE(back.thrown_type.starts_with("?T"));
  EXPECT_TRUE(back.thrown_type.ends_with("T..."));
}

TEST(Fault, NamesThatAreNotUtf8AreRefused) {
  MemoryMessage message;
  message.init<wire::Fault>().setWhere("\xff");
  MemoryCaps caps;
  try {
    unmarshal(message.read<wire::Fault>(), caps);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
    EXPECT_THAT(error.what(), testing::HasSubstr("UTF-8"));
  }
}

}  // namespace
}  // namespace cppipc::fault_test
