// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::registry_test {
namespace {

using test::refusal;

struct First {};
struct Second {};
enum class Color { kRed };
enum class Tone { kHigh };

int one() { return 1; }
VariantMap same(const VariantMap& map) { return map; }

// What `fill` is refused with after a type, a function and a toolkit have been registered.
std::string refused(void (*fill)(Registry&)) {
  Registry registry;
  registry.type<First>("First");
  registry.function("stats.mean", &one);
  registry.toolkit("demo", &same);
  registry.enumeration<Color>("Color", {{"red", Color::kRed}});
  return refusal([&] { fill(registry); });
}

TEST(Registry, FindsWhatWasRegistered) {
  Registry registry;
  registry.type<First>("First", "The first.");
  registry.function("stats.mean", &one, "One.");
  registry.toolkit("demo", &same);
  ASSERT_NE(registry.find_type("First"), nullptr);
  EXPECT_EQ(registry.find_type("First")->doc, "The first.");
  EXPECT_EQ(registry.find_type(typeid(First)), registry.find_type("First"));
  ASSERT_NE(registry.find_function("stats.mean"), nullptr);
  EXPECT_FALSE(registry.find_function("stats.mean")->description.is_toolkit);
  EXPECT_TRUE(registry.find_function("demo")->description.is_toolkit);
  EXPECT_EQ(registry.types().size(), 1u);
  EXPECT_EQ(registry.functions().size(), 2u);
}

TEST(Registry, FindsNothingUnderOtherNames) {
  const Registry registry;
  EXPECT_EQ(registry.find_type("First"), nullptr);
  EXPECT_EQ(registry.find_type(typeid(First)), nullptr);
  EXPECT_EQ(registry.find_function("f"), nullptr);
  EXPECT_EQ(registry.find_enumeration(typeid(Color)), nullptr);
}

TEST(Registry, KeepsTypesWhereTheyAreWhenMoved) {
  Registry registry;
  registry.type<First>("First");
  const TypeInfo* type = registry.find_type("First");
  const Registry moved = std::move(registry);
  EXPECT_EQ(moved.find_type("First"), type);
  EXPECT_EQ(moved.find_type(typeid(First)), type);
}

TEST(Registry, RefusesATypeNameTwice) {
  EXPECT_EQ(refused([](Registry& registry) { registry.type<Second>("First"); }),
            "logic: type 'First' is registered twice");
}

TEST(Registry, RefusesACppTypeTwice) {
  const std::string text = refused([](Registry& registry) { registry.type<First>("Again"); });
  EXPECT_TRUE(text.starts_with("logic: type 'Again': C++ type ")) << text;
  EXPECT_TRUE(text.ends_with("First is registered as 'First'")) << text;
}

TEST(Registry, RefusesAFunctionTwice) {
  EXPECT_EQ(refused([](Registry& registry) { registry.function("stats.mean", &one); }),
            "logic: stats.mean is registered twice with the same parameter types");
  EXPECT_EQ(refused([](Registry& registry) { registry.toolkit("stats.mean", &same); }),
            "logic: 'stats.mean' is registered as a function and as a toolkit");
}

TEST(Registry, RefusesANameThatIsANamespaceToo) {
  EXPECT_EQ(refused([](Registry& registry) { registry.function("stats", &one); }),
            "logic: function 'stats' clashes with 'stats.mean': one is a namespace of the other");
  EXPECT_EQ(refused([](Registry& registry) { registry.function("demo.x", &one); }),
            "logic: function 'demo.x' clashes with 'demo': one is a namespace of the other");
  EXPECT_EQ(refused([](Registry& registry) { registry.function("stats.median", &one); }),
            "nothing");
}

TEST(Registry, RefusesMalformedNames) {
  EXPECT_EQ(refused([](Registry& registry) { registry.type<Second>(""); }),
            "logic: type name '' is empty");
  EXPECT_EQ(refused([](Registry& registry) { registry.type<Second>("2nd"); }),
            "logic: type name '2nd' is not identifiers joined by dots");
  EXPECT_EQ(refused([](Registry& registry) { registry.function("a-b", &one); }),
            "logic: function name 'a-b' is not identifiers joined by dots");
  EXPECT_EQ(refused([](Registry& registry) { registry.toolkit("a.", &same); }),
            "logic: toolkit name 'a.' is not identifiers joined by dots");
}

TEST(Registry, LeavesNothingBehindWhenItRefuses) {
  Registry registry;
  EXPECT_THROW(registry.function("f", [](int) {}), std::logic_error);
  EXPECT_EQ(registry.find_function("f"), nullptr);
  EXPECT_NO_THROW(registry.function(
      "f", [](int) {}, arg("x")));
}

TEST(Enumeration, RefusesNamesTwice) {
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Color>("Colour", {{"red", Color::kRed}});
            }),
            "logic: enumeration 'Colour' is registered twice");
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Tone>("Color", {{"high", Tone::kHigh}});
            }),
            "logic: enumeration 'Color' is registered twice");
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Tone>("First", {{"high", Tone::kHigh}});
            }),
            "logic: enumeration 'First' is registered twice");
  EXPECT_EQ(refused([](Registry& registry) { registry.type<Second>("Color"); }),
            "logic: type 'Color' is an enumeration already");
}

TEST(Enumeration, RefusesMembersThatAreNone) {
  EXPECT_EQ(refused([](Registry& registry) { registry.enumeration<Tone>("Tone", {}); }),
            "logic: enumeration 'Tone' has no members");
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Tone>("Tone", {{"high", Tone::kHigh}, {"high", Tone::kHigh}});
            }),
            "logic: enumeration 'Tone' has two members 'high'");
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Tone>("Tone", {{"very high", Tone::kHigh}});
            }),
            "logic: enumeration Tone: member name 'very high' is no identifier");
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Tone>("Tone", {{"mro", Tone::kHigh}});
            }),
            "logic: enumeration 'Tone': member name 'mro' is Python's own");
  EXPECT_EQ(refused([](Registry& registry) {
              registry.enumeration<Tone>("Tone", {{"_high", Tone::kHigh}});
            }),
            "logic: enumeration 'Tone': member name '_high' is Python's own");
}

}  // namespace
}  // namespace cppipc::registry_test
