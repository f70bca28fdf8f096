// SPDX-License-Identifier: Apache-2.0
// What a client makes of capabilities: one reference each, whatever the server says of it.
#include "client/reference.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::reference_test {
namespace {

using namespace cppipc::test;
using Id = std::array<std::uint8_t, 16>;

constexpr Id kOne{1}, kTwo{2};

Id id_of(const Reference& reference) { return reference.object_id(); }

class ReferenceTest : public LeakCheck {
 protected:
  std::shared_ptr<ReferenceSource> source_ = std::make_shared<ReferenceSource>(nullptr);
};

TEST_F(ReferenceTest, AnImportIsOneReference) {
  const auto import = source_->make(7);
  const auto reference = source_->reference_of(import, "Counter", kOne);
  EXPECT_EQ(reference->id(), 7u);
  EXPECT_EQ(reference->type_name(), "Counter");
  EXPECT_EQ(id_of(*reference), kOne);
  EXPECT_EQ(source_->reference_of(import, "Counter", kOne), reference);
  EXPECT_EQ(std::shared_ptr<Import>(reference), import);
  EXPECT_EQ(import->connection(), source_.get());
}

TEST_F(ReferenceTest, AnotherTypeOrIdIsRefusedAndChangesNothing) {
  const auto import = source_->make(7);
  const auto reference = source_->reference_of(import, "Counter", kOne);
  const auto refused = [&](const char* type, const Id& id) {
    return kind_of([&] { source_->reference_of(import, type, id); });
  };
  EXPECT_EQ(refused("Map", kOne), ErrorKind::kProtocol);
  EXPECT_EQ(refused("Counte", kOne), ErrorKind::kProtocol);
  EXPECT_EQ(refused("", kOne), ErrorKind::kProtocol);
  EXPECT_EQ(refused("Counter", kTwo), ErrorKind::kProtocol);
  EXPECT_EQ(reference->type_name(), "Counter");
  EXPECT_EQ(id_of(*reference), kOne);
}

TEST_F(ReferenceTest, TwoCapabilitiesAreTwoReferencesWhateverTheirIds) {
  const auto one = source_->reference_of(source_->make(1), "Counter", kOne);
  const auto other = source_->reference_of(source_->make(2), "Counter", kOne);
  EXPECT_NE(one, other);
  EXPECT_EQ(&*one->type_name().data(), &*other->type_name().data());  // one string for all
}

TEST_F(ReferenceTest, ItsTypeOutlivesEverythingElse) {
  auto reference = source_->reference_of(source_->make(7), "Counter", kOne);
  std::weak_ptr<ReferenceSource> weak = source_;
  source_.reset();
  EXPECT_EQ(reference->type_name(), "Counter");
  EXPECT_EQ(reference->client(), nullptr);
  EXPECT_FALSE(weak.expired());
  reference.reset();
  EXPECT_TRUE(weak.expired());
}

TEST_F(ReferenceTest, AServerCannotFillTheClientWithNamesOfTypes) {
  const std::string name(100'000, 'x');
  int types = 0;
  const auto error = error_of([&] {
    for (; types < 1000; ++types) {
      source_->reference_of(source_->make(1), name + std::to_string(types), kOne);
    }
  });
  EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
  EXPECT_GT(types, 10);
  // Those that are known can still be used.
  EXPECT_EQ(source_->reference_of(source_->make(1), name + "0", kOne)->type_name(), name + "0");
}

// Two threads meet the same import in two messages that say different things of it.
TEST_F(ReferenceTest, OneOfTwoTypesWinsTheRace) {
  constexpr int kRounds = 2000;
  std::vector<std::shared_ptr<Import>> imports;
  for (std::uint32_t i = 0; i < kRounds; ++i) imports.push_back(source_->make(i));
  std::barrier begin(2);
  std::atomic<int> refused{0};
  const auto unmarshal_all = [&](const std::string& type, const Id& id) {
    for (const auto& import : imports) {
      begin.arrive_and_wait();
      try {
        const auto reference = source_->reference_of(import, type, id);
        EXPECT_EQ(reference->type_name(), type);
        EXPECT_EQ(id_of(*reference), id);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
        ++refused;
      }
    }
  };
  std::thread other(unmarshal_all, "Map", kTwo);
  unmarshal_all("Counter", kOne);
  other.join();
  EXPECT_EQ(refused, kRounds);
}

// A server whose functions return a list of references to one and the same object. A reference is
// of the type that the function's name begins with, and of the id that its letter stands for:
// run("Counter aab") gives three.
class StrangeServer {
 public:
  StrangeServer() {
    auto [ours, theirs] = socket_pair();
    thread_ = std::thread([this, socket = std::move(theirs)]() mutable { serve(socket); });
    client_ = Client::adopt(ours.release());
  }
  ~StrangeServer() {
    client_.reset();
    thread_.join();
  }

  Variant run(const std::string& function) { return client_->run(function, {})->wait(kWaitS); }
  // Ends the client before the server.
  void close() { client_.reset(); }

 private:
  void serve(Descriptor& socket) {
    const auto peer = std::make_shared<Peer>(std::move(socket), kMessageBytes, nullptr);
    peer->offer(std::make_shared<Servant>([this](IncomingCall call) { open(std::move(call)); }));
    EXPECT_TRUE(eventually([&] { return peer->receive() == Connection::State::kEnded; }));
    peer->disconnect(Error(ErrorKind::kConnectionLost, "over"));
  }
  void open(IncomingCall call) {
    auto reply = call.begin_reply(64);
    auto results = reply.results<wire::Broker::OpenResults>();
    const auto session = std::make_shared<Servant>([this](IncomingCall call) {
      if (call.method_id() == 0) return describe(std::move(call));
      answer_run(std::move(call));
    });
    results.setSession(reply.message().add(session).castAs<wire::Session>());
    auto welcome = results.initWelcome();
    welcome.setProtocol(wire::PROTOCOL);
    welcome.initServerId(16);
    welcome.initDescriptionHash(16);
    welcome.setMessageBytes(1 << 20);
    welcome.setInlineBytes(1 << 20);
    call.reply(std::move(reply));
  }
  static void describe(IncomingCall call) {
    auto reply = call.begin_reply(64);
    reply.results<wire::Session::DescribeResults>().initDescription();
    call.reply(std::move(reply));
  }
  void answer_run(IncomingCall call) {
    const std::string name(call.params().getAs<wire::Session::RunParams>().getFunction().cStr());
    const auto type = name.substr(0, name.find(' '));
    const auto ids = name.substr(type.size() + 1);
    auto reply = call.begin_reply(256);
    auto list = reply.results<wire::Session::RunResults>().initOutcome().initValue().initList(
        static_cast<unsigned>(ids.size()));
    for (unsigned i = 0; i < ids.size(); ++i) {
      auto reference = list[i].initObject();
      reference.setObject(reply.message().add(object_).castAs<wire::Object>());
      reference.setType(type);
      reference.initId(16)[0] = static_cast<std::uint8_t>(ids[i]);
    }
    call.reply(std::move(reply));
  }

  std::shared_ptr<Exported> object_ = std::make_shared<Servant>();
  std::thread thread_;
  std::shared_ptr<Client> client_;
};

using StrangeServerTest = LeakCheck;

TEST_F(StrangeServerTest, OneCapabilityIsOneReference) {
  StrangeServer server;
  const auto first = server.run("Counter aa");
  const auto& items = first.as<List>().items;
  EXPECT_EQ(items[0].as<ObjectPtr>(), items[1].as<ObjectPtr>());
  EXPECT_EQ(server.run("Counter a").as<List>().items[0].as<ObjectPtr>(), items[0].as<ObjectPtr>());
}

TEST_F(StrangeServerTest, OneCapabilityWithTwoIdsOrTypesBreaksTheProtocol) {
  StrangeServer server;
  const auto kept = server.run("Counter a");
  EXPECT_EQ(kind_of([&] { server.run("Counter ab"); }), ErrorKind::kProtocol);
  EXPECT_EQ(kind_of([&] { server.run("Map a"); }), ErrorKind::kProtocol);
  const auto& object = kept.as<List>().items[0].as<ObjectPtr>();
  EXPECT_EQ(object->type_name(), "Counter");
  EXPECT_EQ(server.run("Counter a").as<List>().items[0].as<ObjectPtr>(), object);
}

TEST_F(StrangeServerTest, AfterItsReferenceACapabilityMayBeSomethingElse) {
  StrangeServer server;
  for (const char* function : {"Counter a", "Map b", "Counter b", "Map a"}) {
    const auto value = server.run(function);
    const auto& object = value.as<List>().items[0].as<ObjectPtr>();
    EXPECT_TRUE(std::string(function).starts_with(object->type_name()));
  }
}

TEST_F(StrangeServerTest, AReferenceOutlivesItsClient) {
  StrangeServer server;
  auto value = server.run("Counter a");
  auto object = std::dynamic_pointer_cast<RemoteObject>(value.as<List>().items[0].as<ObjectPtr>());
  value = {};
  server.close();
  // The thread that read the reply may have been the last to let go of the client.
  EXPECT_TRUE(eventually([&] { return object->client() == nullptr; }));
  EXPECT_EQ(object->type_name(), "Counter");
  EXPECT_EQ(object->object_id()[0], 'a');
  object.reset();
}

}  // namespace
}  // namespace cppipc::reference_test
