// SPDX-License-Identifier: Apache-2.0
// Tokens of objects, from one client to another.
#include "support/loopback.h"

namespace cppipc::save_test {
namespace {

using namespace cppipc::test;

class SaveTest : public BrokerTest {
 protected:
  using Token = std::vector<std::uint8_t>;
  static Token save(const std::shared_ptr<Client>& client, const LoopbackBroker::Ref& object,
                    bool is_once = false) {
    const auto call = is_once ? client->save_once(object) : client->save(object);
    const auto value = call->wait(kWaitS);
    const auto bytes = value.as<Bytes>().view();
    return {bytes.begin(), bytes.end()};
  }
  static LoopbackBroker::Ref restore(const std::shared_ptr<Client>& client, const Token& token) {
    const auto value = client->restore(token)->wait(kWaitS);
    return std::dynamic_pointer_cast<RemoteObject>(value.as<ObjectPtr>());
  }
};

TEST_F(SaveTest, ATokenIsTheObjectInAnotherSession) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto mine = broker.create("Probe");
  const auto theirs = restore(other, save(broker.client(), mine));
  EXPECT_EQ(theirs->object_id(), mine->object_id());
  EXPECT_EQ(theirs->type_name(), "Probe");
  EXPECT_EQ(theirs->client(), other);
  EXPECT_EQ(restore(broker.client(), save(broker.client(), mine)), mine);
  broker.call(mine, "add", arguments(5));
  EXPECT_EQ(broker.call(theirs, "value", {}, other), Variant(5));
  other->close();
}

TEST_F(SaveTest, ATokenKeepsTheObjectUntilTheHostEnds) {
  LoopbackBroker broker;
  auto object = broker.create("Probe");
  const auto token = save(broker.client(), object);
  object.reset();
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 0; }));
  EXPECT_EQ(broker.host().stats().object_tokens, 1u);
  EXPECT_EQ(Probe::live, 1);
  EXPECT_EQ(broker.call(restore(broker.client(), token), "value"), Variant(0));
  broker.end_host();
  EXPECT_EQ(Probe::live, 0);
}

TEST_F(SaveTest, ATokenThatIsGoodOnceIsGoneAfterThat) {
  LoopbackBroker broker;
  const auto object = broker.create("Probe");
  const auto token = save(broker.client(), object, true);
  EXPECT_EQ(restore(broker.client(), token), object);
  EXPECT_EQ(kind_of([&] { restore(broker.client(), token); }), ErrorKind::kStaleReference);
  EXPECT_EQ(broker.host().stats().object_tokens, 0u);
}

TEST_F(SaveTest, AKnownTokenIsRenewedAndNoFurtherOneMade) {
  LoopbackBroker broker;
  const auto object = broker.create("Probe");
  const auto token = save(broker.client(), object);
  const auto again = broker.client()->save(object, token)->wait(kWaitS);
  const auto bytes = again.as<Bytes>().view();
  EXPECT_EQ(Token(bytes.begin(), bytes.end()), token);
  EXPECT_EQ(broker.host().stats().object_tokens, 1u);
}

TEST_F(SaveTest, WhatIsNoTokenIsStale) {
  LoopbackBroker broker;
  for (const auto& token : {Token{}, Token(16), Token(17, 255), Token(100'000)}) {
    EXPECT_EQ(kind_of([&] { restore(broker.client(), token); }), ErrorKind::kStaleReference);
  }
}

TEST_F(SaveTest, AnObjectOfAnotherClientIsRefusedAtOnce) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto object = broker.create("Probe");
  EXPECT_EQ(kind_of([&] { other->save(object); }), ErrorKind::kInvalidArgument);
  other->close();
}

TEST_F(SaveTest, AQuotaOfObjectsHoldsForRestoredOnesToo) {
  HostOptions options;
  options.limits.live_objects = 1;
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  const auto mine = broker.create("Probe");
  const auto token = save(broker.client(), mine);
  auto theirs = broker.create("Probe", {}, other);
  EXPECT_EQ(kind_of([&] { restore(other, token); }), ErrorKind::kQuotaExceeded);
  theirs.reset();
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 1; }));
  EXPECT_EQ(restore(other, token)->object_id(), mine->object_id());
  other->close();
}

}  // namespace
}  // namespace cppipc::save_test
