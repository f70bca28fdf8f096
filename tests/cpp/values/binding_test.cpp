// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::binding_test {
namespace {

using test::call;
using test::refusal;

Dict dict_of(std::vector<std::pair<Variant, Variant>> entries) { return {std::move(entries)}; }

VariantMap same(const VariantMap& map) { return map; }

Registry registry_of_functions() {
  Registry registry;
  registry.function(
      "text",
      [](int a, const std::string& b, double c) {
        return std::to_string(a) + b + std::to_string(c).substr(0, 3);
      },
      arg("a"), arg("b") = "-", arg("c") = 1.5);
  registry.function("none", [] {});
  registry.function(
      "one", [](int x) { return x; }, arg("x"));
  registry.function(
      "rest",
      [](int first, const Args& rest) {
        return std::make_tuple(first, List{rest.values}, rest.keywords);
      },
      arg("first"));
  registry.toolkit("free", &same);
  registry.toolkit("named", &same, arg("a"), arg("b") = 2);
  registry.toolkit(
      "typed",
      [](int n) {
        return VariantMap{{"n", n + 1}};
      },
      arg("n"));
  return registry;
}

TEST(Binding, TakesPositionsAndNames) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(call(registry, "text", {{1, "x", 2.5}, {}}), Variant("1x2.5"));
  EXPECT_EQ(call(registry, "text", {{1, 2.5}, {"c"}}), Variant("1-2.5"));
  EXPECT_EQ(call(registry, "text", {{2.5, "x", 1}, {"c", "b", "a"}}), Variant("1x2.5"));
}

TEST(Binding, FillsInDefaults) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(call(registry, "text", {{1}, {}}), Variant("1-1.5"));
  EXPECT_EQ(call(registry, "none"), Variant());
}

TEST(Binding, RefusesTooManyArguments) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(refusal([&] {
              call(registry, "one", {{1, 2, 3}, {}});
            }),
            "wrongType: one() takes 1 positional argument but 3 were given");
  EXPECT_EQ(refusal([&] {
              call(registry, "none", {{1}, {}});
            }),
            "wrongType: none() takes 0 positional arguments but 1 was given");
  EXPECT_EQ(refusal([&] {
              call(registry, "text", {{1, 2, 3, 4}, {}});
            }),
            "wrongType: text() takes from 1 to 3 positional arguments but 4 were given");
}

TEST(Binding, RefusesUnknownNames) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(refusal([&] {
              call(registry, "one", {{1}, {"y"}});
            }),
            "wrongType: one() got an unexpected keyword argument 'y'");
}

TEST(Binding, RefusesAnArgumentGivenTwice) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(refusal([&] {
              call(registry, "one", {{1, 2}, {"x"}});
            }),
            "wrongType: one() got multiple values for argument 'x'");
  EXPECT_EQ(refusal([&] {
              call(registry, "one", {{1, 2}, {"x", "x"}});
            }),
            "wrongType: one() got multiple values for argument 'x'");
  EXPECT_EQ(refusal([&] {
              call(registry, "free", {{1, 2}, {"x", "x"}});
            }),
            "wrongType: free() got multiple values for argument 'x'");
}

TEST(Binding, NamesWhatIsMissing) {
  Registry registry = registry_of_functions();
  registry.function(
      "three", [](int, int, int) {}, arg("a"), arg("b"), arg("c"));
  EXPECT_EQ(refusal([&] { call(registry, "one"); }),
            "wrongType: one() missing 1 required argument: 'x'");
  EXPECT_EQ(refusal([&] {
              call(registry, "three", {{1}, {"b"}});
            }),
            "wrongType: three() missing 2 required arguments: 'a' and 'c'");
  EXPECT_EQ(refusal([&] { call(registry, "three"); }),
            "wrongType: three() missing 3 required arguments: 'a', 'b', and 'c'");
}

TEST(Binding, RefusesMoreNamesThanArguments) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(refusal([&] {
              call(registry, "one", {{1}, {"x", "y"}});
            }),
            "protocol: one() got more names than arguments");
}

TEST(Binding, RefusesTheFirstWrongArgument) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(refusal([&] {
              call(registry, "text", {{"bad", 7, "bad"}, {}});
            }),
            "wrongType: text() parameter 'a': expected int, got str");
  EXPECT_EQ(refusal([&] {
              call(registry, "text", {{1, 7, "bad"}, {}});
            }),
            "wrongType: text() parameter 'b': expected str, got int");
}

TEST(Args, TakeWhatIsLeftOver) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(call(registry, "rest", {{1, 2, "x", 4}, {"k"}}),
            Variant(Tuple{{1, List{{2, "x"}}, dict_of({{"k", 4}})}}));
  EXPECT_EQ(call(registry, "rest", {{1}, {"first"}}), Variant(Tuple{{1, List{}, Dict{}}}));
  EXPECT_EQ(refusal([&] { call(registry, "rest"); }),
            "wrongType: rest() missing 1 required argument: 'first'");
}

TEST(Toolkit, TakesAnyKeywordsIfNoneAreDeclared) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(call(registry, "free", {{1, "y"}, {"a", "b"}}),
            Variant(dict_of({{"a", 1}, {"b", "y"}})));
  EXPECT_EQ(call(registry, "free"), Variant(Dict{}));
  EXPECT_EQ(refusal([&] {
              call(registry, "free", {{1}, {}});
            }),
            "wrongType: free() takes keyword arguments only, but 1 positional argument was given");
}

TEST(Toolkit, TakesItsDeclaredArguments) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(call(registry, "named", {{1}, {"a"}}), Variant(dict_of({{"a", 1}, {"b", 2}})));
  EXPECT_EQ(call(registry, "named", {{1, "x"}, {}}), Variant(dict_of({{"a", 1}, {"b", "x"}})));
  EXPECT_EQ(refusal([&] { call(registry, "named"); }),
            "wrongType: named() missing 1 required argument: 'a'");
  EXPECT_EQ(refusal([&] {
              call(registry, "named", {{1, 2}, {"a", "c"}});
            }),
            "wrongType: named() got an unexpected keyword argument 'c'");
}

TEST(Toolkit, MayHaveTypedParameters) {
  const Registry registry = registry_of_functions();
  EXPECT_EQ(call(registry, "typed", {{1}, {"n"}}), Variant(dict_of({{"n", 2}})));
  EXPECT_EQ(refusal([&] {
              call(registry, "typed", {{"x"}, {"n"}});
            }),
            "wrongType: typed() parameter 'n': expected int, got str");
}

TEST(ContextParameter, IsFilledInWhereverItStands) {
  Registry registry;
  registry.function(
      "first", [](Context& context, int x) { return x + (context.cancelled() ? 1 : 0); }, arg("x"));
  registry.function(
      "last", [](int x, const Context& context) { return x + int(context.call_id); }, arg("x"));
  registry.toolkit("map", [](const VariantMap& map, Context&) { return map; });
  registry.toolkit(
      "map_last", [](Context&, const VariantMap& map) { return map; }, arg("a"));
  EXPECT_EQ(call(registry, "first", {{1}, {}}), Variant(1));
  EXPECT_EQ(call(registry, "last", {{1}, {}}), Variant(1));
  EXPECT_EQ(call(registry, "map", {{1}, {"a"}}), Variant(dict_of({{"a", 1}})));
  EXPECT_EQ(call(registry, "map_last", {{1}, {}}), Variant(dict_of({{"a", 1}})));
}

TEST(Invoke, PassesOnWhatTheFunctionThrows) {
  Registry registry;
  registry.function("fails", []() -> int { throw std::domain_error("no"); });
  EXPECT_THROW(call(registry, "fails"), std::domain_error);
}

TEST(Invoke, TakesFunctionsThatCannotThrow) {
  Registry registry;
  registry.function(
      "abs", +[](int x) noexcept { return x < 0 ? -x : x; }, arg("x"));
  EXPECT_EQ(call(registry, "abs", {{-3}, {}}), Variant(3));
}

TEST(Invoke, MovesArgumentsIntoTheFunction) {
  Registry registry;
  registry.function(
      "take", [](std::vector<std::string>&& texts) { return texts.size(); }, arg("texts"));
  EXPECT_EQ(call(registry, "take", {{List{{"a", "b"}}}, {}}), Variant(2));
}

}  // namespace
}  // namespace cppipc::binding_test
