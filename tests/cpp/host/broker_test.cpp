// SPDX-License-Identifier: Apache-2.0
// What a session answers: creating, calling, properties, functions, and what there is none of.
#include <unistd.h>

#include <algorithm>

#include "support/loopback.h"

namespace cppipc::broker_test {
namespace {

using namespace cppipc::test;

TEST_F(BrokerTest, AnObjectIsCreatedCalledAndDropped) {
  LoopbackBroker broker;
  auto probe = broker.create("Probe", arguments(5));
  EXPECT_EQ(probe->type_name(), "Probe");
  EXPECT_EQ(Probe::live, 1);
  EXPECT_EQ(broker.call(probe, "add", arguments(3)), Variant(8));
  EXPECT_EQ(broker.host().stats().live_objects, 1u);
  probe.reset();
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 0; }));
}

TEST_F(BrokerTest, DefaultsAndNamesOfArgumentsWork) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  EXPECT_EQ(broker.call(probe, "add"), Variant(1));
  EXPECT_EQ(broker.call(probe, "add", Arguments{{Variant(5)}, {"by"}}), Variant(6));
}

TEST_F(BrokerTest, PropertiesAreReadAndWritten) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe", arguments(5));
  EXPECT_EQ(broker.call(probe, "value"), Variant(5));
  EXPECT_TRUE(broker.call(probe, "value=", arguments(9)).is_null());
  EXPECT_EQ(broker.call(probe, "value"), Variant(9));
}

TEST_F(BrokerTest, FunctionsAndToolkitsRun) {
  LoopbackBroker broker;
  EXPECT_EQ(broker.run("length", arguments("four")), Variant(4));
  const auto result = broker.run("add_one", Arguments{{Variant(5)}, {"x"}});
  ASSERT_TRUE(result.get_if<Dict>());
  EXPECT_EQ(*result.as<Dict>().find("x"), Variant(6));
}

TEST_F(BrokerTest, NamesThatDoNotExistAreNamed) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto check = [](const Error& error, const std::string& name) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnknownName);
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  };
  check(error_of([&] { broker.create("Nothing"); }), "Nothing");
  check(error_of([&] { broker.create(""); }), "");
  check(error_of([&] { broker.create("Stage"); }), "Stage");  // without a constructor
  check(error_of([&] { broker.run("nothing"); }), "nothing");
  check(error_of([&] { broker.run("Probe"); }), "Probe");
  check(error_of([&] { broker.call(probe, "nothing"); }), "nothing");
  check(error_of([&] { broker.call(probe, "nothing="); }), "nothing=");
  check(error_of([&] { broker.call(probe, ""); }), "Probe");
  check(error_of([&] { broker.call(probe, "="); }), "=");
  check(error_of([&] { broker.call(probe, "fixed=", arguments(1)); }), "fixed=");
  check(error_of([&] { broker.call(probe, "add=", arguments(1)); }), "add=");
  EXPECT_EQ(broker.call(probe, "fixed"), Variant(0));
}

TEST_F(BrokerTest, ArgumentsThatDoNotFitAreRefusedNamingTheMethod) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto check = [](const Error& error, const std::string& where) {
    EXPECT_EQ(error.kind(), ErrorKind::kWrongType) << error.what();
    EXPECT_EQ(error.where, where);
  };
  check(error_of([&] { broker.create("Probe", arguments("text")); }), "Probe");
  check(error_of([&] { broker.create("Probe", arguments(1, 2)); }), "Probe");
  check(error_of([&] { broker.call(probe, "add", arguments(1, 2)); }), "Probe.add");
  check(error_of([&] { broker.call(probe, "add", arguments(1.5)); }), "Probe.add");
  check(error_of([&] { broker.call(probe, "plus"); }), "Probe.plus");
  check(error_of([&] {
          broker.call(probe, "add", Arguments{{Variant(1)}, {"by_whom"}});
        }),
        "Probe.add");
  check(error_of([&] { broker.call(probe, "add_from", arguments(7)); }), "Probe.add_from");
  check(error_of([&] { broker.run("length", arguments(1)); }), "length");
  EXPECT_EQ(broker.call(probe, "value"), Variant(0));
}

TEST_F(BrokerTest, WhateverAMethodThrowsComesBack) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto thrown = [&](const char* kind) {
    return error_of([&] { broker.call(probe, "fail", arguments(kind)); });
  };
  EXPECT_EQ(thrown("runtime_error").kind(), ErrorKind::kRemote);
  EXPECT_STREQ(thrown("runtime_error").what(), "it broke");
  EXPECT_EQ(thrown("runtime_error").thrown_type, "std::runtime_error");
  EXPECT_EQ(thrown("runtime_error").where, "Probe.fail");
  EXPECT_EQ(thrown("invalid_argument").kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(thrown("bad_alloc").kind(), ErrorKind::kOutOfMemory);
  EXPECT_EQ(thrown("Error").kind(), ErrorKind::kStaleReference);
  EXPECT_STREQ(thrown("Error").what(), "it is old");
  EXPECT_EQ(thrown("string").kind(), ErrorKind::kRemote);
  EXPECT_EQ(thrown("42").kind(), ErrorKind::kRemote);
  EXPECT_EQ(thrown("42").thrown_type, "int");
  EXPECT_FALSE(thrown("42").in_toolkit);
  EXPECT_EQ(broker.call(probe, "add"), Variant(1));
}

TEST_F(BrokerTest, AToolkitThatFailsSaysThatItIsOne) {
  LoopbackBroker broker;
  const auto error = error_of([&] { broker.run("fail_toolkit"); });
  EXPECT_EQ(error.kind(), ErrorKind::kToolkit);
  EXPECT_TRUE(error.in_toolkit);
  EXPECT_EQ(error.where, "fail_toolkit");
}

TEST_F(BrokerTest, PingIsAnswered) {
  LoopbackBroker broker;
  EXPECT_TRUE(broker.client()->ping()->wait(kWaitS).is_null());
}

TEST_F(BrokerTest, StatsCountWhatThereIs) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto probe = broker.create("Probe");
  // A call is counted after its reply was sent.
  ASSERT_TRUE(broker.host_has(
      [](const HostStats& now) { return now.calls == 1 && now.calls_running == 0; }));
  const auto stats = broker.client()->stats()->wait(kWaitS).as<Dict>();
  const auto number = [&](const char* name) {
    const auto* value = stats.find(name);
    return value == nullptr ? -1 : value->as<std::int64_t>();
  };
  EXPECT_EQ(number("sessions"), 2);
  EXPECT_EQ(number("live_objects"), 1);
  EXPECT_EQ(number("calls"), 1);
  EXPECT_EQ(number("calls_running"), 0);
  EXPECT_EQ(number("calls_waiting"), 0);
  EXPECT_GT(number("bytes_inline"), 0);
  EXPECT_EQ(number("bytes_copied"), 0);
  EXPECT_GE(number("threads"), 1);
  EXPECT_EQ(number("fds"), static_cast<std::int64_t>(open_descriptors()));
  other->close();
  EXPECT_TRUE(broker.host_has([](const HostStats& now) { return now.sessions == 1; }));
}

TEST_F(BrokerTest, CallsThatFailAreCountedToo) {
  LoopbackBroker broker;
  EXPECT_THROW(broker.run("fail", arguments("42")), Error);
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls == 1; }));
}

TEST_F(BrokerTest, TheDescriptionTellsWhatIsExposed) {
  HostOptions options;
  options.version = "7.8.9";
  LoopbackBroker broker(std::move(options));
  const auto offer = broker.client()->offer();
  const Description& description = offer->description;
  EXPECT_EQ(description.version, "7.8.9");
  const auto type =
      std::find_if(description.types.begin(), description.types.end(),
                   [](const TypeDescription& candidate) { return candidate.name == "Probe"; });
  ASSERT_NE(type, description.types.end());
  ASSERT_TRUE(type->constructor);
  EXPECT_EQ(type->constructor->parameters.at(0).name, "value");
  const auto other = broker.connect();
  EXPECT_EQ(other->offer()->description, description);
  EXPECT_EQ(other->offer()->hash, offer->hash);
  EXPECT_EQ(offer->hash.size(), 16u);
}

TEST_F(BrokerTest, TheWelcomeTellsWhoServes) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  EXPECT_EQ(other->server_pid(), ::getpid());
  EXPECT_EQ(other->server_id(), broker.client()->server_id());
  LoopbackBroker another;
  EXPECT_NE(another.client()->server_id(), other->server_id());
}

TEST_F(BrokerTest, LinesForTheLogNameTheCall) {
  std::mutex mutex;
  std::vector<std::string> lines;
  HostOptions options;
  options.log = [&](HostOptions::LogLevel, const std::string& line) {
    std::lock_guard lock(mutex);
    lines.push_back(line);
  };
  LoopbackBroker broker(std::move(options));
  broker.run("log", arguments("half way"));
  std::lock_guard lock(mutex);
  EXPECT_EQ(lines, (std::vector<std::string>{"log: half way"}));
}

TEST_F(BrokerTest, SessionsBeginAndEndWithTheirReasons) {
  std::mutex mutex;
  std::vector<std::string> events;
  const auto note = [&](const std::string& text) {
    std::lock_guard lock(mutex);
    events.push_back(text);
  };
  HostOptions options;
  options.session_began = [&](std::uint64_t id, const std::string& peer) {
    note("+" + std::to_string(id) + " " + peer);
  };
  options.session_ended = [&](std::uint64_t id, const std::string& reason) {
    note("-" + std::to_string(id) + " " + (reason.empty() ? "in order" : "broken"));
  };
  const auto count = [&] {
    std::lock_guard lock(mutex);
    return events.size();
  };
  LoopbackBroker broker(std::move(options));
  { const auto second = broker.connect_raw(); }
  EXPECT_TRUE(eventually([&] { return count() == 3; }));
  const auto third = broker.connect_raw();
  const std::vector<std::byte> garbage(16, std::byte{0xff});
  write_all(third.get(), garbage);
  EXPECT_TRUE(eventually([&] { return count() == 5; }));
  std::lock_guard lock(mutex);
  EXPECT_EQ(events, (std::vector<std::string>{"+1 test", "+2 test", "-2 in order", "+3 test",
                                              "-3 broken"}));
}

}  // namespace
}  // namespace cppipc::broker_test
