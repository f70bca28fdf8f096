// SPDX-License-Identifier: Apache-2.0
// Proxies that have the interface of the server's objects: values, objects, errors.
#include <cppipc/proxy.h>

#include <limits>
#include <set>
#include <thread>

#include "support/loopback.h"
#include "support/node_interface.h"

namespace cppipc::proxy_test {
namespace {

using namespace cppipc::test;

class ProxyTest : public BrokerTest {
 protected:
  NodePtr make(std::int64_t value = 0, const std::string& name = "node") {
    return create<Node>(broker_->client(), value, name);
  }

  void SetUp() override {
    BrokerTest::SetUp();
    broker_.emplace(HostOptions(), ConnectOptions(), &nodes);
  }
  void TearDown() override {
    broker_.reset();
    BrokerTest::TearDown();
  }

  std::optional<LoopbackBroker> broker_;
};

// Code that knows only the interface.
std::int64_t count_to_ten(Node& node) {
  while (node.value() < 10) node.add(3);
  return node.value();
}

TEST_F(ProxyTest, CodeForTheInterfaceRunsLocallyAndRemotely) {
  PlainNode local(broker_->stage, 1, "local");
  EXPECT_EQ(count_to_ten(local), 10);
  EXPECT_EQ(count_to_ten(*make(1)), 10);
}

TEST_F(ProxyTest, NoClientIsRefused) {
  const std::shared_ptr<Client> nobody;
  EXPECT_EQ(kind_of([&] { create<Node>(nobody); }), ErrorKind::kInvalidArgument);
}

TEST_F(ProxyTest, ConstructorArgumentsWithADefaultMayBeLeftOut) {
  EXPECT_EQ(create<Node>(broker_->client())->value(), 0);
  EXPECT_EQ(create<Node>(broker_->client())->name(), "node");
  EXPECT_EQ(create<Node>(broker_->client(), 5)->value(), 5);
  EXPECT_EQ(create<Node>(broker_->client(), 5, "five")->name(), "five");
}

TEST_F(ProxyTest, PropertiesAreReadAndWritten) {
  const NodePtr node = make(4, "four");
  EXPECT_EQ(node->name(), "four");
  node->set_value(-9);
  EXPECT_EQ(node->value(), -9);
  EXPECT_EQ(broker_->call(remote_of(node), "value"), Variant(-9));
}

TEST_F(ProxyTest, OverloadsAreToldApartByTheirTypes) {
  const NodePtr node = make();
  EXPECT_EQ(node->twice(21), "42");
  EXPECT_EQ(node->twice("ab"), "abab");
}

TEST_F(ProxyTest, FunctionsCanBeGiven) {
  EXPECT_EQ(make()->apply([](double x) { return x * 1.5; }), 3.0);
}

TEST_F(ProxyTest, AnObjectArrivesAsItself) {
  const NodePtr one = make(1), two = make(2);
  EXPECT_EQ(one->add_from(two), 3);
  EXPECT_EQ(one->add_from(one), 6);
  EXPECT_EQ(one->add_value_of(*two), 8);
  EXPECT_EQ(one->total({two, two, one}), 20);
  EXPECT_EQ(one->total({}), 8);
}

TEST_F(ProxyTest, NullArrivesAsNull) { EXPECT_EQ(make(1)->add_from(nullptr), 1001); }

TEST_F(ProxyTest, AnObjectThatIsReturnedIsAProxyOfTheVeryObject) {
  const NodePtr node = make(1);
  const NodePtr again = node->itself();
  ASSERT_TRUE(again);
  EXPECT_TRUE(same_object(node, again));
  EXPECT_EQ(remote_of(node), remote_of(again));
  again->add(4);
  EXPECT_EQ(node->value(), 5);
}

TEST_F(ProxyTest, NewObjectsAreOthers) {
  const NodePtr node = make(1);
  const NodePtr more = node->plus(2);
  EXPECT_EQ(more->value(), 3);
  EXPECT_FALSE(same_object(node, more));
  EXPECT_EQ(node->nothing(), nullptr);
  EXPECT_FALSE(same_object(node, node->nothing()));
  const std::vector<NodePtr> many = node->many(50);
  ASSERT_EQ(many.size(), 50u);
  EXPECT_EQ(many[49]->value(), 50);
  EXPECT_EQ(node->total(many), 1 + 50 * 51 / 2);
}

TEST_F(ProxyTest, ObjectsTravelInsideContainers) {
  const NodePtr one = make(1), two = make(2);
  const Node::Nested nodes = {{"a", {one, two}}, {"b", {nullptr, std::nullopt}}, {"c", {two, one}}};
  const Node::Nested back = one->nested(nodes);
  ASSERT_EQ(back.size(), 3u);
  EXPECT_TRUE(same_object(back.at("a").first, one));
  EXPECT_TRUE(same_object(*back.at("a").second, two));
  EXPECT_EQ(back.at("b").first, nullptr);
  EXPECT_EQ(back.at("b").second, std::nullopt);
  EXPECT_TRUE(same_object(back.at("c").first, two));
}

TEST_F(ProxyTest, AnObjectLivesAsLongAsAProxyOfIt) {
  NodePtr node = make(), again = node->itself();
  node.reset();
  broker_->client()->ping()->wait(kWaitS);
  EXPECT_EQ(Safe::live, 1);
  again.reset();
  EXPECT_TRUE(eventually([] { return Safe::live == 0; }));
}

TEST_F(ProxyTest, AnObjectOfThisProcessIsRefusedAndNothingIsSent) {
  const NodePtr node = make(1);
  const auto local = std::make_shared<PlainNode>(broker_->stage, 5, "local");
  for (const Error& error : {error_of([&] { node->add_from(local); }), error_of([&] {
                               node->total({node, local});
                             }),
                             error_of([&] { node->add_value_of(*local); })}) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_NE(error.text().find("got one of this process"), std::string_view::npos) << error.text();
    EXPECT_NE(error.text().find("parameter '"), std::string_view::npos) << error.text();
  }
  EXPECT_EQ(node->value(), 1);
  EXPECT_EQ(remote_of(NodePtr(local)), nullptr);
  EXPECT_TRUE(same_object(NodePtr(local), NodePtr(local)));
}

TEST_F(ProxyTest, AnObjectOfAnotherClientIsRefused) {
  const auto other = broker_->connect();
  const NodePtr theirs = create<Node>(other, 1);
  const NodePtr ours = make(2);
  EXPECT_EQ(kind_of([&] { ours->add_from(theirs); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(ours->value(), 2);
  EXPECT_FALSE(same_object(ours, theirs));
  other->close();
}

TEST_F(ProxyTest, OneObjectIsTheSameByTwoClients) {
  const auto other = broker_->connect();
  const NodePtr ours = make(2);
  const auto token = broker_->client()->save(remote_of(ours))->wait(kWaitS).as<Bytes>();
  const auto bytes =
      std::span(reinterpret_cast<const std::uint8_t*>(token.span().data()), token.size());
  const auto theirs = proxy_for<Node>(
      std::dynamic_pointer_cast<RemoteObject>(other->restore(bytes)->wait(kWaitS).as<ObjectPtr>()));
  EXPECT_TRUE(same_object(ours, theirs));
  theirs->add(5);
  EXPECT_EQ(ours->value(), 7);
  other->close();
}

TEST_F(ProxyTest, WhatTheServerThrowsIsThrownHere) {
  const NodePtr node = make();
  const auto kind = [&](const char* name) { return kind_of([&] { node->fail(name); }); };
  EXPECT_EQ(kind("runtime_error"), ErrorKind::kRemote);
  EXPECT_EQ(kind("invalid_argument"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind("bad_alloc"), ErrorKind::kOutOfMemory);
  EXPECT_EQ(kind("Error"), ErrorKind::kStaleReference);
  EXPECT_EQ(kind("int"), ErrorKind::kRemote);
  const Error own = error_of([&] { node->fail("own"); });
  EXPECT_EQ(own.exception_name, "OwnFailure");
  EXPECT_EQ(own.text(), "of its own");
  EXPECT_EQ(own.where, "Node.fail");
  EXPECT_EQ(node->add(1), 1);
}

TEST_F(ProxyTest, NumbersThatDoNotFitAreAnOverflow) {
  const NodePtr node = make();
  EXPECT_EQ(node->small(-128), -128);
  EXPECT_EQ(node->add(std::numeric_limits<std::int64_t>::max()),
            std::numeric_limits<std::int64_t>::max());
  // A server whose `small` gives more than the interface's type holds.
  const Error error = error_of(
      [&] { detail::load_result<std::int8_t>(Variant(300), detail::known<Node>(), "small"); });
  EXPECT_EQ(error.kind(), ErrorKind::kOverflow);
  EXPECT_NE(error.text().find("small() result"), std::string_view::npos) << error.text();
}

TEST_F(ProxyTest, ATypeThatDerivesHasAProxyOfItsOwn) {
  const std::shared_ptr<Leaf> leaf = create<Leaf>(broker_->client(), "green");
  EXPECT_EQ(leaf->colour(), "green");
  EXPECT_EQ(leaf->add(3), 10);
  const NodePtr node = make(1);
  EXPECT_EQ(node->add_from(leaf), 11);
  EXPECT_EQ(leaf->total({node, leaf}), 31);
  EXPECT_TRUE(same_object(leaf, leaf->itself()));
}

TEST_F(ProxyTest, ADerivedObjectMayBeHadByItsBase) {
  const auto value = broker_->run("leaf_as_node", arguments("red"));
  const auto remote = std::dynamic_pointer_cast<RemoteObject>(value.as<ObjectPtr>());
  EXPECT_EQ(remote->type_name(), "plants.Leaf");
  EXPECT_EQ(proxy_for<Node>(remote)->value(), 7);
  EXPECT_EQ(proxy_for<Leaf>(remote)->colour(), "red");
}

TEST_F(ProxyTest, AnObjectOfAnotherTypeIsRefused) {
  const auto probe = broker_->create("Probe");
  const Error error = error_of([&] { proxy_for<Node>(probe); });
  EXPECT_EQ(error.kind(), ErrorKind::kWrongType);
  EXPECT_NE(error.text().find("expected Node or None, got Probe"), std::string_view::npos)
      << error.text();
  EXPECT_EQ(kind_of([&] { proxy_for<Leaf>(remote_of(make())); }), ErrorKind::kWrongType);
  EXPECT_EQ(kind_of([] { proxy_for<Node>(nullptr); }), ErrorKind::kInvalidArgument);
}

TEST_F(ProxyTest, ACallCanBeSentWithoutWaiting) {
  const NodePtr node = make(1);
  std::vector<TypedCall<std::int64_t>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(submit<&Node::add>(node, 1));
  EXPECT_EQ(calls.back().wait(kWaitS), 101);
  EXPECT_EQ(calls.front().wait(kWaitS), 2);
  const TypedCall<NodePtr> more = submit<&Node::plus>(node, 1);
  EXPECT_EQ(more.wait(kWaitS)->value(), 102);
  EXPECT_TRUE(more.is_done());
  EXPECT_EQ(kind_of([&] { submit<&Node::fail>(node, "Error").wait(kWaitS); }),
            ErrorKind::kStaleReference);
  const NodePtr local = std::make_shared<PlainNode>(broker_->stage, 5, "local");
  EXPECT_EQ(kind_of([&] { submit<&Node::add>(local, 1); }), ErrorKind::kInvalidArgument);
}

TEST_F(ProxyTest, AWaitCanBeCancelled) {
  const NodePtr node = make();
  const auto call = submit<&Node::wait>(node, "gate");
  ASSERT_TRUE(broker_->stage.saw("gate"));
  EXPECT_TRUE(call.cancel());
  EXPECT_EQ(kind_of([&] { call.wait(kWaitS); }), ErrorKind::kCancelled);
  broker_->stage.open("gate");
}

TEST_F(ProxyTest, CallsMayHaveALimitOfTime) {
  const NodePtr node = make(1);
  const NodePtr hasty = with_options(node, {.timeout_s = 0.02});
  EXPECT_TRUE(same_object(node, hasty));
  EXPECT_EQ(kind_of([&] { hasty->wait("gate"); }), ErrorKind::kTimeout);
  broker_->stage.open("gate");
  node->wait("gate");
  const NodePtr local = std::make_shared<PlainNode>(broker_->stage, 5, "local");
  EXPECT_EQ(kind_of([&] { with_options(local, {}); }), ErrorKind::kInvalidArgument);
}

TEST_F(ProxyTest, ThreadsShareOneProxy) {
  const NodePtr node = make();
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) {
        node->add(1);
        ASSERT_TRUE(same_object(node, node->itself()));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(node->value(), 600);
}

}  // namespace
}  // namespace cppipc::proxy_test
