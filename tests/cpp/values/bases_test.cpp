// SPDX-License-Identifier: Apache-2.0
#include "values/bases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::detail::bases_test {
namespace {

using test::call_method;
using test::create;
using test::refusal;

struct Root {
  virtual ~Root() = default;
  int first = 1;
};
struct Left : virtual Root {
  int second = 2;
};
struct Right : virtual Root {
  int third = 3;
};
struct Bottom : Left, Right {};

std::vector<std::string> names(const Registry& registry, const char* type) {
  std::vector<std::string> found;
  for (const TypeInfo* base : bases_in_order(*registry.find_type(type))) {
    found.push_back(base->name);
  }
  return found;
}

Registry diamond() {
  Registry registry;
  registry.type<Root>("Root")
      .method("who", [](Root& self) { return self.first; })
      .method("root", [](Root& self) { return self.first; });
  registry.type<Left>("Left").base<Root>().method("left", [](Left& self) { return self.second; });
  registry.type<Right>("Right").base<Root>().method("who", [](Right& self) { return self.third; });
  registry.type<Bottom>("Bottom").init().base<Left>().base<Right>();
  return registry;
}

TEST(Bases, AreInTheOrderOfPythonsClasses) {
  EXPECT_THAT(names(diamond(), "Bottom"),
              ::testing::ElementsAre("Bottom", "Left", "Right", "Root"));
}

TEST(Bases, TheFirstInThatOrderThatHasAMethodCounts) {
  const Registry registry = diamond();
  const Variant bottom = create(registry, "Bottom");
  EXPECT_EQ(call_method(registry, bottom, "who"), Variant(3));
  EXPECT_EQ(call_method(registry, bottom, "root"), Variant(1));
  EXPECT_EQ(call_method(registry, bottom, "left"), Variant(2));
}

TEST(Bases, AreDescribedAndTheirMembersAreNotRepeated) {
  const Description description = diamond().describe("1");
  EXPECT_THAT(description.types[0].bases, ::testing::ElementsAre("Left", "Right"));
  EXPECT_TRUE(description.types[0].methods.empty());
  ASSERT_EQ(description.types[1].methods.size(), 1u);
  EXPECT_EQ(description.types[1].methods[0].name, "left");
}

TEST(Bases, InAnOrderThatPythonCannotHaveAreRefused) {
  Registry registry;
  registry.type<Root>("Root");
  registry.type<Left>("Left").base<Root>();
  auto bottom = registry.type<Bottom>("Bottom").base<Root>();
  EXPECT_EQ(refusal([&] { bottom.base<Left>(); }),
            "logic: Bottom: its bases are in an order that Python's classes cannot have; name a "
            "derived type before its own base, or leave that base out");
}

TEST(Bases, HaveAllTheirMembersBeforeTypesDeriveFromThem) {
  Registry registry;
  auto root = registry.type<Root>("Root");
  registry.type<Left>("Left").base<Root>();
  EXPECT_EQ(refusal([&] { root.property("first", &Root::first); }),
            "logic: Root: property 'first' comes too late: Left, which derives from it, has been "
            "registered already");
  EXPECT_EQ(refusal([&] { root.method("x", [](Root&) {}); }).substr(0, 38),
            "logic: Root: method 'x' comes too late");
}

}  // namespace
}  // namespace cppipc::detail::bases_test
