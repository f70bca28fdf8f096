// SPDX-License-Identifier: Apache-2.0
#include "values/naming.h"

#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::naming_test {
namespace {

using test::refusal;

int twice(int x) { return 2 * x; }

// What registering `twice` with these extras is refused with.
template <class... Extra>
std::string refused(Extra... extra) {
  return refusal([&] {
    Registry registry;
    registry.function("twice", &twice, extra...);
  });
}

TEST(Identifier, IsPythons) {
  for (const char* name : {"x", "_x1", "CamelCase", "__getitem__"}) {
    EXPECT_NO_THROW(detail::check_identifier(name, "method")) << name;
  }
  EXPECT_EQ(refusal([] { detail::check_identifier("", "method"); }),
            "logic: method name '' is empty");
  for (const char* name : {"1x", "a-b", "a b", "a.b", "\u00e9", "a="}) {
    EXPECT_EQ(refusal([&] { detail::check_identifier(name, "method"); }),
              "logic: method name '" + std::string(name) + "' is no identifier");
  }
}

TEST(Identifier, IsNoKeyword) {
  for (const char* name : {"lambda", "from", "None", "async"}) {
    EXPECT_EQ(refusal([&] { detail::check_identifier(name, "method"); }),
              "logic: method name '" + std::string(name) + "' is a keyword of Python");
  }
}

TEST(DottedName, HasIdentifiersBetweenItsDots) {
  EXPECT_NO_THROW(detail::check_dotted("stats.mean", "function"));
  EXPECT_NO_THROW(detail::check_dotted("a.b.c", "function"));
  for (const char* name : {".", "a.", ".a", "a..b", "a.1"}) {
    EXPECT_EQ(refusal([&] { detail::check_dotted(name, "function"); }),
              "logic: function name '" + std::string(name) + "' is not identifiers joined by dots");
  }
  EXPECT_EQ(refusal([] { detail::check_dotted("a.if", "function"); }),
            "logic: function name 'if' is a keyword of Python");
}

TEST(ArgCount, MustBeThatOfTheParameters) {
  EXPECT_EQ(refused(), "logic: twice: has 1 parameter but 0 arg()");
  EXPECT_EQ(refused(arg("a"), arg("b")), "logic: twice: has 1 parameter but 2 arg()");
}

TEST(ArgName, MustBeAnIdentifierAndTheOnlyOneOfItsName) {
  EXPECT_EQ(refused(arg("")), "logic: twice: parameter name '' is no identifier");
  EXPECT_EQ(refused(arg("a b")), "logic: twice: parameter name 'a b' is no identifier");
  EXPECT_EQ(refused(arg("in")), "logic: twice: parameter name 'in' is a keyword of Python");
  EXPECT_EQ(refusal([] {
              Registry registry;
              registry.function(
                  "f", [](int, int) {}, arg("a"), arg("a"));
            }),
            "logic: f: two parameters are named 'a'");
}

TEST(Default, MustConvertToItsParameter) {
  EXPECT_EQ(refused(arg("x") = "text"),
            "logic: twice: the default of parameter 'x' does not convert: twice() parameter 'x': "
            "expected int, got str");
  EXPECT_EQ(refused(arg("x") = 1LL << 40).substr(0, 57),
            "logic: twice: the default of parameter 'x' does not conve");
}

TEST(Default, IsFollowedByDefaultsOnly) {
  EXPECT_EQ(refusal([] {
              Registry registry;
              registry.function(
                  "f", [](int, int) {}, arg("a") = 1, arg("b"));
            }),
            "logic: f: parameter 'b' is required but follows one that has a default");
}

TEST(Default, MayBeAnyValueThatConverts) {
  Registry registry;
  registry.function(
      "f",
      [](double, std::optional<int>, const std::vector<int>&, std::chrono::seconds,
         const std::map<std::string, int>&) {},
      arg("a") = 1, arg("b") = std::nullopt, arg("c") = std::vector<int>{1, 2},
      arg("d") = std::chrono::seconds(3), arg("e") = std::map<std::string, int>());
  const auto& parameters = registry.find_function("f")->description.parameters;
  EXPECT_EQ(parameters[0].default_value, Variant(1));
  EXPECT_EQ(parameters[1].default_value, Variant());
  EXPECT_EQ(parameters[2].default_value, Variant(List{{1, 2}}));
  EXPECT_EQ(parameters[3].default_value, Variant(TimeDelta{0, 3, 0}));
  EXPECT_EQ(parameters[4].default_value, Variant(Dict{}));
}

TEST(Doc, MayStandAnywhereButOnce) {
  Registry registry;
  registry.function("f", &twice, "Doubles.", arg("x"));
  EXPECT_EQ(registry.find_function("f")->description.doc, "Doubles.");
  EXPECT_EQ(refused("one", arg("x"), "two"), "logic: twice: has more than one documentation text");
}

TEST(BlockingTag, MarksAFunctionAsDoesTheChainedCall) {
  Registry registry;
  registry.function("tagged", &twice, arg("x"), blocking, "Doubles.");
  registry.function("chained", &twice, arg("x")).blocking();
  registry.function("plain", &twice, arg("x"));
  EXPECT_TRUE(registry.find_function("tagged")->is_blocking);
  EXPECT_TRUE(registry.find_function("chained")->is_blocking);
  EXPECT_FALSE(registry.find_function("plain")->is_blocking);
}

}  // namespace
}  // namespace cppipc::naming_test
