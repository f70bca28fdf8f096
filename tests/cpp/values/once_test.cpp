// SPDX-License-Identifier: Apache-2.0
#include "values/once.h"

#include <cppipc/registry.h>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/eventually.h"
#include "values/calling.h"

namespace cppipc::detail::once_test {
namespace {

using test::create;
using test::local;
using test::refusal;

struct Thing {};

Variant new_thing(const Registry& registry, Context& context) {
  Invocation invocation{nullptr, {}, context, registry};
  return registry.find_type("Thing")->constructor->invoke(invocation);
}

TEST(Singleton, IsOneObject) {
  Registry registry;
  registry.type<Thing>("Thing").singleton("The only one.");
  const Variant first = create(registry, "Thing");
  EXPECT_EQ(local(first).instance(), local(create(registry, "Thing")).instance());
  EXPECT_EQ(registry.describe("1").types[0].constructor->doc, "The only one.");
}

TEST(Singleton, ErrorsOfItsFactoryGoToTheCallerAndTheNextOneTriesAgain) {
  Registry registry;
  int calls = 0;
  registry.type<Thing>("Thing").singleton([&calls]() -> std::shared_ptr<Thing> {
    if (++calls == 1) throw Error(ErrorKind::kDomain, "not yet");
    return calls == 2 ? nullptr : std::make_shared<Thing>();
  });
  EXPECT_EQ(refusal([&] { create(registry, "Thing"); }), "domain: not yet");
  EXPECT_EQ(refusal([&] { create(registry, "Thing"); }),
            "remote: the factory of Thing has returned no object");
  EXPECT_EQ(local(create(registry, "Thing")).type_name(), "Thing");
  create(registry, "Thing");
  EXPECT_EQ(calls, 3);
}

TEST(Singleton, ThreadsThatComeAtOnceGetOneObject) {
  Registry registry;
  test::Gate gate;
  std::atomic<int> calls{0};
  registry.type<Thing>("Thing").singleton([&] {
    ++calls;
    gate.wait();
    return std::make_shared<Thing>();
  });
  std::vector<Variant> made(4);
  std::vector<std::thread> threads;
  for (Variant& one : made) {
    threads.emplace_back([&registry, &one] { one = create(registry, "Thing"); });
  }
  EXPECT_TRUE(test::eventually([&] { return calls == 1; }));
  gate.open();
  for (auto& thread : threads) thread.join();
  for (const Variant& one : made) EXPECT_EQ(local(one).instance(), local(made[0]).instance());
  EXPECT_EQ(calls, 1);
}

TEST(Singleton, WhoeverWaitsForItCanBeCancelled) {
  Registry registry;
  test::Gate gate;
  std::atomic<bool> has_begun{false};
  registry.type<Thing>("Thing").singleton([&] {
    has_begun = true;
    gate.wait();
    return std::make_shared<Thing>();
  });
  std::thread maker([&] { create(registry, "Thing"); });
  EXPECT_TRUE(test::eventually([&] { return has_begun.load(); }));
  std::stop_source stop;
  Context context(stop.get_token(), std::nullopt);
  stop.request_stop();
  EXPECT_EQ(refusal([&] { new_thing(registry, context); }).substr(0, 10), "cancelled:");
  gate.open();
  maker.join();
}

TEST(Singleton, AFactoryThatNeedsItsOwnObjectIsRefused) {
  Registry registry;
  registry.type<Thing>("Thing").singleton([&registry] {
    create(registry, "Thing");
    return std::make_shared<Thing>();
  });
  EXPECT_EQ(refusal([&] { create(registry, "Thing"); }),
            "remote: the factory of Thing asks for the Thing that it is about to make");
}

TEST(Singleton, TakesNoParametersAndNoOtherConstructor) {
  Registry registry;
  auto thing = registry.type<Thing>("Thing");
  EXPECT_EQ(refusal([&] { thing.singleton([](int) { return Thing(); }, arg("x")); }),
            "logic: Thing: what makes its one object takes no parameters");
  thing.singleton();
  EXPECT_EQ(refusal([&] { thing.init(); }),
            "logic: Thing has a constructor already, that of its one object");
}

TEST(PerSession, EachSessionHasItsOwnUntilItEnds) {
  Registry registry;
  registry.type<Thing>("Thing").per_session();
  Context one, two;
  one.session_objects = std::make_shared<SessionObjects>();
  two.session_objects = std::make_shared<SessionObjects>();
  const Variant mine = new_thing(registry, one);
  EXPECT_EQ(local(mine).instance(), local(new_thing(registry, one)).instance());
  EXPECT_NE(local(mine).instance(), local(new_thing(registry, two)).instance());
  const auto closed = one.session_objects->close();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(local(closed[0]).instance(), local(mine).instance());
  EXPECT_EQ(refusal([&] { new_thing(registry, one); }), "connectionLost: the session is over");
  Context none;
  EXPECT_EQ(refusal([&] { new_thing(registry, none); }), "remote: a Thing belongs to a session");
}

}  // namespace
}  // namespace cppipc::detail::once_test
