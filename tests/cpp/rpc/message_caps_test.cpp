// SPDX-License-Identifier: Apache-2.0
// Objects and blobs in messages, from a value on one side to a value on the other.
#include "rpc/message_caps.h"

#include <gtest/gtest.h>

#include "rpc/blob.h"
#include "support/leak_check.h"
#include "support/peers.h"
#include "wire/marshal.h"

namespace cppipc::message_caps_test {
namespace {

using test::PeerPair;
using test::Reply;
using test::Servant;

// An object of a test: what stands for a servant on one side and for an import on the other.
struct Thing final : Object {
  explicit Thing(Cap cap) : cap(std::move(cap)) {}
  std::string_view type_name() const override { return "Thing"; }
  Cap cap;
};

class Things final : public ObjectMap {
 public:
  Cap cap_of(const ObjectPtr& object) override { return static_cast<Thing&>(*object).cap; }
  std::array<std::uint8_t, 16> id_of(const ObjectPtr&) override { return {1, 2, 3}; }
  ObjectPtr object_of(const Cap& cap, std::string_view type,
                      std::span<const std::uint8_t> id) override {
    EXPECT_EQ(type, "Thing");
    EXPECT_EQ(id.size(), 16u);
    if (std::holds_alternative<std::monostate>(cap)) throw Error(ErrorKind::kProtocol, "no cap");
    return std::make_shared<Thing>(cap);
  }
  void wait(Waiter&) override { ADD_FAILURE() << "nothing to wait for"; }
  void count_bulk(std::uint64_t bytes) override { counted += bytes; }
  std::uint64_t counted = 0;
};

class MessageCapsTest : public test::LeakCheck {
 protected:
  // Sends a value from left to right, as the params of a call.
  void send(const Variant& value, const MarshalLimits& limits = {}) {
    auto builder = pair_.left->begin_call(pair_.target, test::kInterface, 7, 64);
    OutgoingMessageCaps caps(builder.message(), things_);
    marshal(value, builder.params<wire::Variant>(), caps, limits);
    pair_.left->send(std::move(builder), std::make_shared<Reply>(), Connection::Flush::kNow);
    pair_.pump();
  }
  Variant receive() {
    auto& call = pair_.bootstrap->calls.front();
    IncomingMessageCaps caps(call.peer(), call.caps(), things_);
    return unmarshal(caps.imbue(call.params()).getAs<wire::Variant>(), caps);
  }

  PeerPair pair_;
  Things things_;
};

TEST_F(MessageCapsTest, ObjectsKeepTheirPlacesInAValue) {
  std::vector<std::shared_ptr<Servant>> servants;
  List list;
  for (int i = 0; i < 20; ++i) {
    servants.push_back(std::make_shared<Servant>());
    list.items.emplace_back(std::make_shared<Thing>(Cap(std::shared_ptr<Exported>(servants[i]))));
    list.items.emplace_back(i);
  }
  send(Variant(list));
  const auto received = receive();
  const auto& items = received.as<List>().items;
  ASSERT_EQ(items.size(), 40u);
  for (std::size_t i = 0; i < 20; ++i) {
    const auto& thing = static_cast<const Thing&>(*items[2 * i].as<ObjectPtr>());
    const auto import = std::get<std::shared_ptr<Import>>(thing.cap);
    test::call(*pair_.right, import, "you");
    pair_.pump();
    EXPECT_EQ(servants[i]->calls.size(), 1u);
    servants[i]->calls.clear();
  }
  pair_.bootstrap->calls.clear();
}

TEST_F(MessageCapsTest, AnObjectTwiceInAValueIsOneExport) {
  const auto servant = std::make_shared<Servant>();
  const auto thing = std::make_shared<Thing>(Cap(std::shared_ptr<Exported>(servant)));
  send(Variant(List{{Variant(thing), Variant(thing)}}));
  {
    const auto received = receive();
    const auto& items = received.as<List>().items;
    EXPECT_EQ(
        std::get<std::shared_ptr<Import>>(static_cast<const Thing&>(*items[0].as<ObjectPtr>()).cap),
        std::get<std::shared_ptr<Import>>(
            static_cast<const Thing&>(*items[1].as<ObjectPtr>()).cap));
  }
  pair_.bootstrap->calls.clear();
  pair_.pump();
  EXPECT_EQ(servant->releases, 1);
}

TEST_F(MessageCapsTest, AnObjectOfTheOtherSideGoesHome) {
  send(Variant(std::make_shared<Thing>(Cap(pair_.target))));
  const auto received = receive();
  const auto& thing = static_cast<const Thing&>(*received.as<ObjectPtr>());
  EXPECT_EQ(std::get<std::shared_ptr<Exported>>(thing.cap), pair_.bootstrap);
}

TEST_F(MessageCapsTest, AnObjectThatIsNoneIsRefused) {
  send(Variant(std::make_shared<Thing>(Cap())));
  EXPECT_THROW(receive(), Error);
}

TEST_F(MessageCapsTest, BulkBecomesABlobAndIsCounted) {
  MarshalLimits limits;
  limits.inline_bytes = 10;
  send(Variant(std::string(1000, 'x')), limits);
  EXPECT_EQ(things_.counted, 1000u);
  EXPECT_TRUE(pair_.left->has_transfers());
  EXPECT_EQ(pair_.bootstrap->calls.front().caps().size(), 1u);
}

TEST_F(MessageCapsTest, ABlobThatIsAnObjectOfOursIsRefused) {
  auto builder = pair_.left->begin_call(pair_.target, test::kInterface, 7, 64);
  auto large = builder.params<wire::Variant>().initLargeStr();
  large.setSize(10);
  large.setBlob(builder.message().add(pair_.target).castAs<wire::Blob>());
  pair_.left->send(std::move(builder), std::make_shared<Reply>(), Connection::Flush::kNow);
  pair_.pump();
  try {
    receive();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
  }
}

TEST_F(MessageCapsTest, ACapabilityOutsideTheTableIsRefused) {
  // A pointer to a capability of an index that the payload's table does not have.
  auto [one, other] = test::socket_pair();
  const auto peer = std::make_shared<Peer>(std::move(one), test::kMessageBytes, nullptr);
  test::RawSide raw(std::move(other));
  const auto root = std::make_shared<Servant>();
  peer->offer(root);
  raw.bootstrap(0);
  raw.send([](capnp::rpc::Message::Builder m) {
    auto call = m.initCall();
    call.setQuestionId(1);
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    capnp::BuilderCapabilityTable table;
    auto content = table.imbue(call.initParams().getContent());
    auto reference = content.initAs<wire::Variant>().initObject();
    reference.setType("Thing");
    reference.initId(16);
    reference.setObject(
        capnp::Capability::Client(capnp::newBrokenCap("nobody")).castAs<wire::Object>());
  });
  peer->receive();
  ASSERT_EQ(root->calls.size(), 1u);
  {
    auto& call = root->calls.front();
    IncomingMessageCaps caps(call.peer(), call.caps(), things_);
    EXPECT_ANY_THROW(unmarshal(caps.imbue(call.params()).getAs<wire::Variant>(), caps));
  }
  root->calls.clear();
  peer->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
}

}  // namespace
}  // namespace cppipc::message_caps_test
