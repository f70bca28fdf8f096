// SPDX-License-Identifier: Apache-2.0
#include <cppipc/callable.h>
#include <cppipc/convert.h>
#include <cppipc/registry.h>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cppipc::load_functions_test {
namespace {

using Add = std::function<std::int64_t(std::int64_t, std::int64_t)>;

std::string refusal_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kWrongType);
    return std::string(error.text());
  }
  return "nothing was thrown";
}

Variant add() {
  return to_variant(Add([](std::int64_t a, std::int64_t b) { return a + b; }));
}

TEST(LoadFunctions, AFunctionIsCalledWithConvertedValues) {
  const Variant value = add();
  EXPECT_EQ(value.kind(), Kind::kCallable);
  EXPECT_EQ(name_of(value.kind()), "callable");
  EXPECT_EQ(value.as<CallablePtr>()->call({{1, 2}, {}}), Variant(3));
  EXPECT_EQ(from_variant<Add>(value)(3, 4), 7);
}

TEST(LoadFunctions, AFunctionThatCameAsAValueGoesBackAsIt) {
  const Variant value = add();
  EXPECT_EQ(to_variant(from_variant<Add>(value)), value);
  EXPECT_EQ(to_variant(Add()), Variant());
  EXPECT_NE(add(), value);
}

TEST(LoadFunctions, FunctionsMayBeInsideOfOthers) {
  const Variant value = List{{add(), add()}};
  EXPECT_EQ(from_variant<std::vector<Add>>(value).size(), 2u);
  EXPECT_FALSE(from_variant<std::optional<Add>>(Variant()));
  EXPECT_TRUE(from_variant<std::optional<Add>>(add()));
}

TEST(LoadFunctions, RefusalsSayWhat) {
  EXPECT_EQ(refusal_of([] { from_variant<Add>(Variant(1), "f"); }),
            "f: expected function, got int");
  EXPECT_EQ(refusal_of([] { from_variant<std::function<bool(int, int)>>(add(), "f")(1, 2); }),
            "f result: expected bool, got int");
  EXPECT_EQ(refusal_of([] {
              add().as<CallablePtr>()->call({{1}, {}});
            }),
            "the function takes 2 arguments, got 1");
  EXPECT_EQ(refusal_of([] {
              add().as<CallablePtr>()->call({{1, "x"}, {}});
            }),
            "argument[1]: expected int, got str");
  EXPECT_EQ(refusal_of([] {
              add().as<CallablePtr>()->call({{1, 2}, {"b"}});
            }),
            "the function takes no keyword arguments");
}

TEST(LoadFunctions, NamedOnesAreEqualByName) {
  const auto named = [](const char* name) {
    return Variant(CallablePtr(std::make_shared<NamedFunction>(name)));
  };
  EXPECT_EQ(named("a"), named("a"));
  EXPECT_NE(named("a"), named("b"));
  EXPECT_NE(named("a"), add());
  EXPECT_EQ(Set({{named("a"), add()}}).items.size(), 2u);
  EXPECT_THROW(named("a").as<CallablePtr>()->call({}), Error);
}

TEST(LoadFunctions, NoTypeCanHaveTheirName) {
  struct Thing {};
  Registry registry;
  EXPECT_THROW(registry.type<Thing>("function"), std::logic_error);
}

}  // namespace
}  // namespace cppipc::load_functions_test
