// SPDX-License-Identifier: Apache-2.0
// Results as they came, and arguments that were written before.
#include <array>
#include <thread>

#include "support/loopback.h"

namespace cppipc::reply_test {
namespace {

using namespace cppipc::test;

class ReplyTest : public BrokerTest {};

Variant table(int rows) {
  List list;
  for (int i = 0; i < rows; ++i) {
    list.items.push_back(Dict{{{"name", "row " + std::to_string(i)}, {"score", i / 7.0}}});
  }
  return list;
}

TEST_F(ReplyTest, PlainDataIsReadInItsMessage) {
  LoopbackBroker broker;
  const auto result = broker.client()->run("echo", arguments("some text"))->receive(kWaitS);
  ASSERT_NE(result->reader(), nullptr);
  ASSERT_EQ(ValueReader::form(result->value()), ValueReader::Form::kStr);
  ValueReader reader = *result->reader();
  std::string_view text;
  ASSERT_TRUE(reader.text(result->value(), &text));
  EXPECT_EQ(text, "some text");
  EXPECT_EQ(result->variant(), Variant("some text"));
}

TEST_F(ReplyTest, ItLivesLongerThanItsCallAndItsClient) {
  std::shared_ptr<Result> result;
  {
    LoopbackBroker broker;
    result = broker.client()->run("echo", arguments(table(1000)))->receive(kWaitS);
  }
  ASSERT_NE(result->reader(), nullptr);
  EXPECT_EQ(result->variant(), table(1000));
}

TEST_F(ReplyTest, OfSeveralSegmentsItIsReadToo) {
  LoopbackBroker broker;
  const Variant value = List{{table(40'000), "the end"}};  // beyond the first 8 MiB
  const auto result = broker.client()->run("echo", arguments(value))->receive(kWaitS);
  ASSERT_NE(result->reader(), nullptr);
  ValueReader reader = *result->reader();
  ValueReader::Items items;
  ASSERT_TRUE(reader.items(result->value(), &items));
  ASSERT_EQ(items.count, 2u);
  std::string_view text;
  ASSERT_TRUE(reader.text(items.at(1), &text));
  EXPECT_EQ(text, "the end");
  EXPECT_EQ(result->variant(), value);
}

TEST_F(ReplyTest, ObjectsArraysAndBulkComeAsVariants) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe", arguments(1));
  const AnyArray array = make_array(DType::of<double>(), {3});
  for (const Variant& value :
       {Variant(List{{ObjectPtr(probe), 1}}), Variant(array), Variant(std::string(3 << 20, 'x'))}) {
    const auto result = broker.client()->run("echo", arguments(value))->receive(kWaitS);
    EXPECT_EQ(result->reader(), nullptr) << name_of(value.kind());
    EXPECT_EQ(result->variant(), value);
  }
}

TEST_F(ReplyTest, ManyThreadsMakeOneVariant) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("echo", arguments(table(500)));
  std::array<const Variant*, 4> made{};
  std::vector<std::thread> threads;
  for (const Variant*& variant : made) {
    threads.emplace_back([&] { variant = &call->receive(kWaitS)->variant(); });
  }
  for (auto& thread : threads) thread.join();
  for (const Variant* variant : made) EXPECT_EQ(variant, made[0]);
  EXPECT_EQ(*made[0], table(500));
}

TEST_F(ReplyTest, AFaultIsThrownByTheWait) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("fail", arguments("Error"));
  EXPECT_EQ(kind_of([&] { call->receive(kWaitS); }), ErrorKind::kStaleReference);
}

TEST_F(ReplyTest, WrittenArgumentsAreTaken) {
  LoopbackBroker broker;
  ValueWriter writer;
  writer.put(writer.begin(1, broker.client()->limits()), table(100));
  const auto call = broker.client()->run("echo", writer);
  EXPECT_TRUE(writer.words().data() == nullptr);
  EXPECT_EQ(call->wait(kWaitS), table(100));
}

TEST_F(ReplyTest, WrittenArgumentsPastTheLimitAreRefused) {
  ConnectOptions options;
  options.message_bytes = 1 << 16;
  LoopbackBroker broker({}, options);
  ValueWriter writer;
  writer.put(writer.begin(1, broker.client()->limits()), table(1000));
  EXPECT_EQ(kind_of([&] { broker.client()->run("echo", writer); }), ErrorKind::kTooLarge);
  // One container that is too long is found at once.
  ValueWriter other;
  const auto place = other.begin(1, broker.client()->limits());
  EXPECT_EQ(kind_of([&] { other.put(place, table(10'000)); }), ErrorKind::kTooLarge);
  EXPECT_EQ(broker.client()->run("echo", arguments(1))->wait(kWaitS), Variant(1));
}

TEST_F(ReplyTest, MessagesWithoutAServer) {
  ValueWriter writer;
  writer.put(writer.begin(1), table(10));
  EXPECT_EQ(open_message(writer.words())->variant(), table(10));
  EXPECT_EQ(kind_of([&] { open_message(writer.words().first(3)); }), ErrorKind::kProtocol);
  EXPECT_EQ(kind_of([&] { open_message({}); }), ErrorKind::kProtocol);
  ValueWriter empty;
  empty.begin(0);
  EXPECT_EQ(kind_of([&] { open_message(empty.words()); }), ErrorKind::kProtocol);
}

}  // namespace
}  // namespace cppipc::reply_test
