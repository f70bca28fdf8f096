// SPDX-License-Identifier: Apache-2.0
// A host that is given more to offer while it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::test::additions_test {
namespace {

using testing::HasSubstr;

// A type of the extension, of which there is one in each of its versions.
struct Tally {
  std::int64_t version = 0;
  std::int64_t count = 0;
};

struct Overfull : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What version `version` of "square" offers. Methods named "only_N" are of version N only.
std::shared_ptr<const Registry> square(std::int64_t version, Stage* stage = nullptr) {
  auto registry = std::make_shared<Registry>();
  registry->type<Tally>("square.Tally", "Counts.")
      .init([version] {
        return std::make_shared<Tally>(Tally{version, 0});
      })
      .method("count", [version](Tally& self) { return version * 100 + ++self.count; })
      .method("only_" + std::to_string(version), [](Tally& self) { return self.version; });
  registry->function("square.version", [version] { return version; });
  registry->function("square.tally", [version] {
    return std::make_shared<Tally>(Tally{version, 50});
  });
  registry->function(
      "square.call",
      [](const CallablePtr& f) {
        return f->call({{to_variant(std::make_shared<Tally>())}, {}});
      },
      arg("f"));
  registry->exception<Overfull>("square.Overfull");
  registry->function("square.fail", []() -> std::int64_t { throw Overfull("full"); });
  registry->function("square.wait", [version, stage] {
    stage->wait("in square");
    return version;
  });
  return registry;
}

ExtensionDescription about(std::int64_t version) {
  return {"square", "Squares.", "/lib/square.so", "hash " + std::to_string(version)};
}

void add(LoopbackBroker& broker, std::int64_t version) {
  broker.host().add({about(version), square(version, &broker.stage)});
}

bool has_type(const Client& client, const std::string& name) {
  const auto offer = client.offer();
  const auto& types = offer->description.types;
  return std::any_of(types.begin(), types.end(),
                     [&](const TypeDescription& type) { return type.name == name; });
}

class AdditionsTest : public BrokerTest {};

TEST_F(AdditionsTest, WhatIsAddedCanBeCalledAndCreated) {
  LoopbackBroker broker;
  EXPECT_EQ(error_of([&] { broker.run("square.version"); }).kind(), ErrorKind::kUnknownName);
  add(broker, 1);
  EXPECT_EQ(broker.run("square.version"), Variant(1));
  const auto tally = broker.create("square.Tally");
  EXPECT_EQ(tally->type_name(), "square.Tally");
  EXPECT_EQ(broker.call(tally, "count"), Variant(101));
  const auto returned = broker.run("square.tally");
  const auto other = std::dynamic_pointer_cast<RemoteObject>(returned.as<ObjectPtr>());
  EXPECT_EQ(other->type_name(), "square.Tally");
  EXPECT_EQ(broker.call(other, "count"), Variant(151));
  EXPECT_EQ(broker.call(broker.create("Probe"), "add"), Variant(1));
}

TEST_F(AdditionsTest, ObjectsOfAnAdditionCrossToFunctionsOfTheClient) {
  LoopbackBroker broker;
  add(broker, 1);
  class Name final : public Callable {
   public:
    Variant call(Arguments arguments) override {
      return std::string(arguments.values.at(0).as<ObjectPtr>()->type_name());
    }
  };
  EXPECT_EQ(broker.run("square.call", arguments(CallablePtr(std::make_shared<Name>()))),
            Variant("square.Tally"));
}

TEST_F(AdditionsTest, ExceptionsOfAnAdditionHaveTheirNames) {
  LoopbackBroker broker;
  add(broker, 1);
  const Error error = error_of([&] { broker.run("square.fail"); });
  EXPECT_EQ(error.exception_name, "square.Overfull");
  EXPECT_TRUE(eventually([&] {
    const auto offer = broker.client()->offer();
    const auto& exceptions = offer->description.exceptions;
    return std::any_of(exceptions.begin(), exceptions.end(), [](const ExceptionDescription& known) {
      return known.name == "square.Overfull";
    });
  }));
}

TEST_F(AdditionsTest, FunctionsOfAnAdditionAreValues) {
  LoopbackBroker broker;
  add(broker, 1);
  const CallablePtr version = std::make_shared<NamedFunction>("square.version");
  EXPECT_EQ(broker.run("call", arguments(version)), Variant(1));
}

TEST_F(AdditionsTest, EverySessionHearsOfIt) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto before = other->offer();
  EXPECT_EQ(other->offer_version(), before->version);
  add(broker, 1);
  for (const auto& client : {broker.client(), other}) {
    EXPECT_TRUE(eventually([&] { return has_type(*client, "square.Tally"); }));
    const auto offer = client->offer();
    EXPECT_EQ(client->offer_version(), offer->version);
    EXPECT_GT(offer->version, before->version);
    EXPECT_NE(offer->hash, before->hash);
    ASSERT_EQ(offer->description.extensions.size(), 1u);
    EXPECT_EQ(offer->description.extensions[0], about(1));
  }
  EXPECT_TRUE(before->description.extensions.empty());
  const auto late = broker.connect();
  EXPECT_EQ(late->offer()->hash, other->offer()->hash);
  EXPECT_EQ(late->offer()->description, other->offer()->description);
}

TEST_F(AdditionsTest, WhoeverAsksForItHasItWithTheReply) {
  std::atomic<std::int64_t> version{0};
  HostOptions options;
  options.load_extension = [&](const std::string& path, const std::string& folder) {
    EXPECT_EQ(folder + "/" + path, "/tmp/square.so");
    ++version;
    return LoadedExtension{about(version), square(version)};
  };
  LoopbackBroker broker(std::move(options));
  for (int i = 1; i <= 200; ++i) {
    const auto names = broker.run("$load_extension", arguments("square.so", "/tmp"));
    EXPECT_EQ(names, Variant(List{{"square.Overfull", "square.Tally", "square.call", "square.fail",
                                   "square.tally", "square.version", "square.wait"}}));
    const auto offer = broker.client()->offer();
    ASSERT_EQ(offer->description.extensions.at(0).content_hash, "hash " + std::to_string(i));
  }
}

TEST_F(AdditionsTest, AHostLoadsNothingForItsClientsUnlessItIsTold) {
  LoopbackBroker broker;
  const Error error =
      error_of([&] { broker.run("$load_extension", arguments("square.so", "/tmp")); });
  EXPECT_EQ(error.kind(), ErrorKind::kNotPermitted);
  EXPECT_EQ(error.where, "Session.load_extension");
}

TEST_F(AdditionsTest, ALaterVersionTakesThePlaceOfAnEarlierOne) {
  LoopbackBroker broker;
  add(broker, 1);
  const auto old_one = broker.create("square.Tally");
  EXPECT_EQ(broker.call(old_one, "count"), Variant(101));
  add(broker, 2);
  EXPECT_EQ(broker.run("square.version"), Variant(2));
  const auto new_one = broker.create("square.Tally");
  EXPECT_EQ(broker.call(new_one, "count"), Variant(201));
  EXPECT_EQ(broker.call(new_one, "only_2"), Variant(2));
  // The object keeps the code it was made by.
  EXPECT_EQ(broker.call(old_one, "count"), Variant(102));
  EXPECT_EQ(broker.call(old_one, "only_1"), Variant(1));
  const Error error = error_of([&] { broker.call(old_one, "only_2"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnknownName);
  EXPECT_THAT(std::string(error.text()), HasSubstr("an earlier version of the extension 'square'"));
  const Error unknown = error_of([&] { broker.call(new_one, "only_1"); });
  EXPECT_THAT(std::string(unknown.text()), testing::Not(HasSubstr("earlier")));
  EXPECT_TRUE(eventually([&] {
    const auto offer = broker.client()->offer();
    const auto& extensions = offer->description.extensions;
    return extensions.size() == 1 && extensions[0].content_hash == "hash 2";
  }));
}

TEST_F(AdditionsTest, ACallThatRunsEndsInTheVersionItBeganIn) {
  LoopbackBroker broker;
  add(broker, 1);
  const auto call = broker.client()->run("square.wait", Arguments());
  ASSERT_TRUE(broker.stage.saw("in square"));
  add(broker, 2);
  broker.stage.open("in square");
  EXPECT_EQ(call->wait(kWaitS), Variant(1));
  EXPECT_EQ(broker.run("square.wait"), Variant(2));
}

TEST_F(AdditionsTest, TheSameContentAgainChangesNothing) {
  LoopbackBroker broker;
  add(broker, 1);
  ASSERT_TRUE(eventually([&] { return has_type(*broker.client(), "square.Tally"); }));
  const auto version = broker.client()->offer_version();
  broker.host().add({about(1), square(5)});
  EXPECT_EQ(broker.run("square.version"), Variant(1));
  EXPECT_EQ(broker.connect()->offer_version(), version);
}

TEST_F(AdditionsTest, WhatDoesNotFitIsRefusedAndNothingChanges) {
  LoopbackBroker broker;
  const auto before = broker.client()->offer();
  const auto refusal = [&](const std::string& name, auto&& fill) {
    auto registry = std::make_shared<Registry>();
    fill(*registry);
    const Error error = error_of([&] { broker.host().add({{name, "", "x.so", "1"}, registry}); });
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << name;
    EXPECT_THAT(std::string(error.text()), HasSubstr("extension '" + name + "'"));
    return std::string(error.text());
  };
  const auto one = [] { return 1; };
  EXPECT_THAT(refusal("echo", [&](Registry& r) { r.function("echo.one", one); }),
              HasSubstr("has the function 'echo'"));
  EXPECT_THAT(refusal("Probe", [&](Registry& r) { r.function("Probe.one", one); }),
              HasSubstr("has the type 'Probe'"));
  EXPECT_THAT(refusal("cube", [&](Registry& r) { r.function("square.one", one); }),
              HasSubstr("must begin with 'cube.'"));
  EXPECT_THAT(refusal("cube", [&](Registry& r) { r.function("cube", one); }),
              HasSubstr("must begin with 'cube.'"));
  EXPECT_THAT(refusal("cube",
                      [&](Registry& r) {
                        r.function(
                            "cube.f", [](const std::shared_ptr<Tally>&) {}, arg("x"));
                      }),
              HasSubstr("not registered"));
  EXPECT_THAT(refusal("a.b", [&](Registry& r) { r.function("a.b.one", one); }),
              HasSubstr("no identifier"));
  EXPECT_EQ(broker.connect()->offer_version(), before->version);
}

TEST_F(AdditionsTest, SessionsThatComeAndGoMeanwhileMissNothing) {
  LoopbackBroker broker;
  std::atomic<bool> is_over{false};
  std::thread adds([&] {
    for (std::int64_t version = 1; version <= 100; ++version) add(broker, version);
    is_over = true;
  });
  while (!is_over) {
    const auto client = broker.connect();
    const auto first = client->offer_version();
    broker.run("echo", arguments(1), client);
    EXPECT_GE(client->offer_version(), first);
  }
  adds.join();
  EXPECT_TRUE(eventually([&] {
    const auto offer = broker.client()->offer();
    const auto& extensions = offer->description.extensions;
    return !extensions.empty() && extensions[0].content_hash == "hash 100";
  }));
}

// Of a client that takes its time to answer. Threads: that which reads the peer.
class SlowFollower final : public Exported {
 public:
  void call(IncomingCall call) override { calls.push_back(std::move(call)); }
  std::vector<IncomingCall> calls;
};

TEST_F(AdditionsTest, AClientThatDoesNotAnswerIsToldNothingMoreUntilItDoes) {
  LoopbackBroker broker;
  const auto follower = std::make_shared<SlowFollower>();
  const auto peer = std::make_shared<Peer>(broker.connect_raw(), kMessageBytes, nullptr);
  const auto reads_until = [&](const auto& condition) {
    return eventually([&] {
      peer->receive();
      return condition();
    });
  };
  const auto broker_of_host = [&] {
    const auto reply = std::make_shared<Reply>();
    peer->ask_bootstrap(reply);
    EXPECT_TRUE(reads_until([&] { return reply->count == 1; }));
    return reply->import();
  };
  auto opening = peer->begin_call(broker_of_host(), capnp::typeId<wire::Broker>(), 0, 32);
  auto params = opening.params<wire::Broker::OpenParams>();
  params.setProtocol(wire::PROTOCOL);
  params.setMessageBytes(8 << 20);
  params.setInlineBytes(1 << 20);
  params.setFollower(
      opening.message().add(std::shared_ptr<Exported>(follower)).castAs<wire::Follower>());
  const auto opened = std::make_shared<Reply>();
  peer->send(std::move(opening), opened, Connection::Flush::kNow);
  ASSERT_TRUE(reads_until([&] { return opened->count == 1; }));
  const auto before = broker.client()->offer_version();
  for (std::int64_t version = 1; version <= 100; ++version) add(broker, version);
  broker_of_host();  // what was sent before has come
  ASSERT_EQ(follower->calls.size(), 1u);
  auto first = std::move(follower->calls.front());
  follower->calls.clear();
  auto reply = first.begin_reply(8);
  reply.results<wire::Follower::ChangedResults>();
  first.reply(std::move(reply));
  ASSERT_TRUE(reads_until([&] { return !follower->calls.empty(); }));
  EXPECT_EQ(follower->calls.front().params().getAs<wire::Follower::ChangedParams>().getVersion(),
            before + 100);
  peer->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
  follower->calls.clear();
}

TEST_F(AdditionsTest, TheFileOfAnAdditionIsToldOfItsCalls) {
  std::mutex mutex;
  std::vector<std::string> calls;
  HostOptions options;
  options.call_began = [&](std::uint64_t, std::string_view where, std::string_view file) {
    std::lock_guard lock(mutex);
    calls.push_back(std::string(where) + " " + std::string(file));
  };
  LoopbackBroker broker(std::move(options));
  add(broker, 1);
  const auto tally = broker.create("square.Tally");
  broker.call(tally, "count");
  broker.run("echo", arguments(1));
  std::lock_guard lock(mutex);
  EXPECT_EQ(calls, (std::vector<std::string>{"square.Tally /lib/square.so",
                                             "square.Tally.count /lib/square.so", "echo "}));
}

}  // namespace
}  // namespace cppipc::test::additions_test
