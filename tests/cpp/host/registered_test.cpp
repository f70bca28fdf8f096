// SPDX-License-Identifier: Apache-2.0
// What types may have beside methods, over a connection.
#include "support/loopback.h"

#include <cppipc/iterator.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"

namespace cppipc::test::registered_test {
namespace {

using Ref = LoopbackBroker::Ref;

class RegisteredTest : public BrokerTest {};

Ref reference_of(const Variant& value) {
  return std::dynamic_pointer_cast<RemoteObject>(value.as<ObjectPtr>());
}

TEST_F(RegisteredTest, ExceptionsOfTheirOwnHaveTheirName) {
  LoopbackBroker broker;
  const Error error = error_of([&] { broker.run("fail", {{"own"}, {}}); });
  EXPECT_EQ(error.exception_name, "OwnFailure");
  EXPECT_EQ(error.kind(), ErrorKind::kRemote);
  EXPECT_EQ(error.text(), "of its own");
  EXPECT_EQ(error.where, "fail");
}

TEST_F(RegisteredTest, StaticMethodsNeedNoObject) {
  LoopbackBroker broker;
  const Ref probe = reference_of(broker.run("Probe::made", {{7}, {}}));
  EXPECT_EQ(broker.call(probe, "value"), Variant(7));
  EXPECT_EQ(error_of([&] { broker.run("Probe::value"); }).kind(), ErrorKind::kUnknownName);
}

TEST_F(RegisteredTest, AStaticMethodDoesNotWaitForTheObjectItIsCalledOn) {
  LoopbackBroker broker;
  const Ref probe = broker.create("Probe");
  const auto waiting = broker.client()->call(probe, "wait", {{"gate"}, {}});
  EXPECT_TRUE(broker.stage.saw("gate"));
  EXPECT_NE(reference_of(broker.call(probe, "made", {{1}, {}})), nullptr);
  broker.stage.open("gate");
  waiting->wait(kWaitS);
}

TEST_F(RegisteredTest, IteratorsGiveTheirItemsInBatches) {
  LoopbackBroker broker;
  const Ref probe = broker.create("Probe", {{5}, {"value"}});
  const Ref iterator = reference_of(broker.call(probe, "__iter__"));
  EXPECT_EQ(iterator->type_name(), "iterator");
  EXPECT_EQ(broker.call(iterator, "next", {{3}, {}}), Variant(Tuple{{List{{4, 3, 2}}, false}}));
  EXPECT_EQ(broker.call(iterator, "next", {{3}, {}}), Variant(Tuple{{List{{1, 0}}, true}}));
  for (const Variant& wrong : {Variant(0), Variant(-1), Variant(1 << 20), Variant("x")}) {
    EXPECT_EQ(error_of([&] {
                broker.call(iterator, "next", {{wrong}, {}});
              }).kind(),
              ErrorKind::kInvalidArgument);
  }
}

TEST_F(RegisteredTest, ABatchHoldsTheObjectThatItComesFrom) {
  LoopbackBroker broker;
  const Ref probe = broker.create("Probe", {{5}, {"value"}});
  const Ref iterator = reference_of(broker.call(probe, "__iter__"));
  const auto waiting = broker.client()->call(probe, "wait", {{"gate"}, {}});
  EXPECT_TRUE(broker.stage.saw("gate"));
  const auto batch = broker.client()->call(iterator, "next", {{9}, {}});
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 1; }));
  EXPECT_FALSE(batch->is_done());
  broker.stage.open("gate");
  waiting->wait(kWaitS);
  EXPECT_EQ(batch->wait(kWaitS), Variant(Tuple{{List{{4, 3, 2, 1, 0}}, true}}));
}

TEST_F(RegisteredTest, AnIteratorKeepsItsObjectAndGoesWhenItIsDropped) {
  LoopbackBroker broker;
  Ref probe = broker.create("Probe", {{5}, {"value"}});
  Ref iterator = reference_of(broker.call(probe, "__iter__"));
  probe.reset();
  EXPECT_EQ(broker.call(iterator, "next", {{1}, {}}), Variant(Tuple{{List{{4}}, false}}));
  iterator.reset();
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 0; }));
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
}

TEST_F(RegisteredTest, AnObjectOfASessionGoesWithIt) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const Ref mine = broker.create("Desk"), again = broker.create("Desk");
  const Ref theirs = broker.create("Desk", {}, other);
  EXPECT_EQ(mine, again);
  EXPECT_NE(mine->object_id(), theirs->object_id());
  EXPECT_EQ(Desk::live, 2);
  other->close();
  EXPECT_TRUE(eventually([] { return Desk::live == 1; }));
}

TEST_F(RegisteredTest, AnObjectOfASessionStaysWithoutReferences) {
  LoopbackBroker broker;
  broker.create("Desk").reset();
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 0; }));
  EXPECT_EQ(Desk::live, 1);
}

}  // namespace
}  // namespace cppipc::test::registered_test
