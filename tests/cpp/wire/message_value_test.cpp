// SPDX-License-Identifier: Apache-2.0
// Messages of Cap'n Proto as values: inside the message and beside it, whole and malformed.
#include <capnp/schema.capnp.h>
#include <cppipc/interop/capnp.h>
#include <cppipc/value_writer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/memory_caps.h"
#include "wire/attach.h"

namespace cppipc::message_value_test {
namespace {

using interop::make_message;
using interop::MessageReader;
using test::MemoryCaps;
using test::MemoryMessage;
using test::round_trip;

const MarshalLimits kSmall{64 << 20, 100, nullptr};

Message message_of(std::initializer_list<std::size_t> sizes) {
  std::vector<Bytes> segments;
  char fill = 'a';
  for (const std::size_t size : sizes) segments.emplace_back(std::string(size, fill++));
  return Message(std::move(segments));
}

// What some program makes that knows nothing of us: any schema will do.
std::unique_ptr<capnp::MessageBuilder> built(unsigned first_segment_words) {
  auto builder = std::make_unique<capnp::MallocMessageBuilder>(first_segment_words);
  auto node = builder->initRoot<capnp::schema::Node>();
  node.setDisplayName("a node");
  auto nested = node.initNestedNodes(50);
  for (unsigned i = 0; i < 50; ++i) nested[i].setName("nested " + std::to_string(i));
  return builder;
}

// There and back, as a ValueWriter writes it.
Variant written_round_trip(const Variant& value, MemoryCaps& caps) {
  MemoryMessage message;
  auto outcome = message.init<wire::Outcome>();
  attach(write(value, kSmall), kj::mv(outcome), 0, caps);
  return unmarshal(message.read<wire::Outcome>().getValue(), caps);
}

TEST(MessageValue, ComesBackEqualInsideAndBeside) {
  for (const auto& [message, blobs] :
       {std::pair(message_of({8}), 0), std::pair(message_of({0}), 0),
        std::pair(message_of({96, 104, 8, 2000}), 2), std::pair(message_of({0, 0, 8}), 0)}) {
    const Variant value = List{{1, message, "after"}};
    MemoryCaps built_caps;
    EXPECT_TRUE(round_trip(value, built_caps, kSmall) == value);
    EXPECT_EQ(built_caps.blobs_sent, blobs);
    MemoryCaps written_caps;
    EXPECT_TRUE(written_round_trip(value, written_caps) == value);
    EXPECT_EQ(written_caps.blobs_sent, blobs);
    EXPECT_GE(measure(value, kSmall), 3u);
  }
}

TEST(MessageValue, ItsLargeSegmentsAreNotCopiedOnTheirWayOut) {
  const Message message = message_of({8, 4096});
  MemoryCaps caps;
  written_round_trip(message, caps);
  ASSERT_EQ(caps.sent_bytes.size(), 1u);
  EXPECT_EQ(caps.sent_bytes[0].data(), message.segments()[1].span().data());
}

TEST(MessageValue, WhatArrivesIsReadWithCapnp) {
  const Message message = make_message(built(8));
  EXPECT_GT(message.size(), 1u);
  MemoryCaps caps;
  const Variant back = written_round_trip(message, caps);
  MessageReader reader(back.as<Message>());
  const auto node = reader.root<capnp::schema::Node>();
  EXPECT_STREQ(node.getDisplayName().cStr(), "a node");
  EXPECT_STREQ(node.getNestedNodes()[49].getName().cStr(), "nested 49");
}

using Build = std::function<void(capnp::List<wire::Variant>::Builder, MemoryCaps&)>;

void expect_refused(unsigned count, const Build& build, const char* part) {
  MemoryCaps caps;
  MemoryMessage message;
  build(message.init<wire::Variant>().initMessage(count), caps);
  try {
    unmarshal(message.read<wire::Variant>(), caps);
    ADD_FAILURE() << "accepted, though " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

TEST(MessageValue, MalformedOnesAreRefused) {
  const capnp::byte nine[9] = {};
  expect_refused(
      0, [](auto, auto&) {}, "no segment, or too many");
  expect_refused(
      513, [](auto, auto&) {}, "no segment, or too many");
  expect_refused(
      2, [](auto, auto&) {}, "something else than bytes");
  expect_refused(
      1, [](auto list, auto&) { list[0].setStr("12345678"); }, "something else than bytes");
  expect_refused(
      1, [](auto list, auto&) { list[0].initMessage(1); }, "something else than bytes");
  expect_refused(
      1,
      [&](auto list, auto&) {
        list[0].setBytes({nine, 9});
      },
      "of whole words");
  for (const std::uint64_t size : {std::uint64_t{12}, (std::uint64_t{1} << 40) + 8}) {
    expect_refused(
        1,
        [&](auto list, MemoryCaps& caps) {
          auto large = list[0].initLargeBytes();
          large.setSize(size);
          large.setBlob(caps.blob({std::as_bytes(std::span(nine)), nullptr})
                            .client.template castAs<wire::Blob>());
        },
        size == 12 ? "of whole words" : "larger than 1 TiB");
  }
}

TEST(Interop, ABuilderIsKeptAndNotCopied) {
  auto builder = built(4096);
  const auto* words = builder->getSegmentsForOutput()[0].begin();
  const Message message = make_message(std::move(builder));
  EXPECT_EQ(static_cast<const void*>(message.segment(0).data()), words);
}

TEST(Interop, ABuilderThatStaysIsCopied) {
  const auto builder = built(4096);
  const Message message = make_message(*builder);
  builder->getRoot<capnp::schema::Node>().setDisplayName("b");
  MessageReader reader(message);
  EXPECT_STREQ(reader.root<capnp::schema::Node>().getDisplayName().cStr(), "a node");
}

TEST(Interop, APartIsAMessageOfItsOwn) {
  const auto builder = built(8);
  const auto part = builder->getRoot<capnp::schema::Node>().asReader().getNestedNodes()[7];
  const Message message = make_message(part);
  EXPECT_EQ(message.size(), 1u);
  EXPECT_EQ(message.nbytes(), 8 * (part.totalSize().wordCount + 1));
  MessageReader reader(message);
  EXPECT_STREQ(reader.root<capnp::schema::Node::NestedNode>().getName().cStr(), "nested 7");
}

TEST(Interop, AnEmptyBuilderIsNoMessage) {
  capnp::MallocMessageBuilder builder;
  EXPECT_THROW(make_message(builder), Error);
}

TEST(Interop, ReadingIsBounded) {
  const Message message = make_message(built(8));
  MessageReader reader(message, {.words = 10});
  EXPECT_THROW(
      {
        const auto node = reader.root<capnp::schema::Node>();
        for (const auto nested : node.getNestedNodes()) nested.getName();
      },
      std::exception);
}

TEST(Interop, HostileSegmentsRaise) {
  // A struct far outside, a far pointer to nowhere, a pointer to itself.
  for (const std::uint64_t root :
       {0x0000'ffff'0000'1000ull, 0x0000'0009'0000'0002ull, 0x0001'0000'ffff'fffcull}) {
    MessageReader reader(Message({Bytes(std::as_bytes(std::span(&root, 1)), nullptr)}));
    EXPECT_THROW(
        {
          auto node = reader.root<capnp::schema::Brand::Binding>();
          for (int i = 0; i < 100'000; ++i) node.getType().getList().getElementType();
          auto type = node.getType();
          for (int i = 0; i < 100'000; ++i) type = type.getList().getElementType();
        },
        std::exception)
        << std::hex << root;
  }
}

}  // namespace
}  // namespace cppipc::message_value_test
