// SPDX-License-Identifier: Apache-2.0
#include "values/overloads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::overloads_test {
namespace {

using test::call;
using test::call_method;
using test::create;
using test::refusal;

struct Number {
  double value = 0;
};

Registry overloaded() {
  Registry registry;
  registry.function(
      "f", [](double) { return "float"; }, arg("x"), "A number.");
  registry.function(
      "f", [](std::int64_t) { return "int"; }, arg("x"));
  registry.function(
      "f", [](const std::vector<std::int64_t>&) { return "ints"; }, arg("items"));
  registry.function(
      "f", [](std::int64_t, std::optional<std::string>) { return "two"; }, arg("x"),
      arg("text") = Variant());
  registry.type<Number>("Number")
      .init()
      .init([](double value) { return Number{value}; }, arg("value"))
      .method(
          "add", [](Number& self, double by) { return self.value += by; }, arg("by"))
      .method(
          "add", [](Number& self, Number& other) { return self.value += other.value; }, arg("by"));
  return registry;
}

TEST(Overloads, TheFirstThatFitsWithoutAConversionIsRun) {
  const Registry registry = overloaded();
  EXPECT_EQ(call(registry, "f", {{1}, {}}), Variant("int"));
  EXPECT_EQ(call(registry, "f", {{1.5}, {}}), Variant("float"));
  EXPECT_EQ(call(registry, "f", {{List{{1, 2}}}, {}}), Variant("ints"));
  EXPECT_EQ(call(registry, "f", {{1, "x"}, {}}), Variant("two"));
  EXPECT_EQ(call(registry, "f", {{1, "x"}, {"text"}}), Variant("two"));
}

TEST(Overloads, ElseTheFirstThatFitsWithOne) {
  const Registry registry = overloaded();
  EXPECT_EQ(call(registry, "f", {{Tuple{{1, 2}}}, {}}), Variant("ints"));
  EXPECT_EQ(call(registry, "f", {{true}, {}}), Variant("int"));
}

TEST(Overloads, ArgumentsThatFitNoneAreRefusedWithAllReasons) {
  EXPECT_EQ(refusal([] {
              call(overloaded(), "f", {{"x", 2}, {"y"}});
            }),
            "wrongType: f() does not take (str, y=int); it is one of\n"
            "  f(x: float): has no parameter 'y'\n"
            "  f(x: int): has no parameter 'y'\n"
            "  f(items: list[int]): has no parameter 'y'\n"
            "  f(x: int, text: str | None = None): has no parameter 'y'");
  EXPECT_EQ(refusal([] {
              call(overloaded(), "f", {{Variant()}, {}});
            }),
            "wrongType: f() does not take (None); it is one of\n"
            "  f(x: float): parameter 'x': expected float, got None\n"
            "  f(x: int): parameter 'x': expected int, got None\n"
            "  f(items: list[int]): parameter 'items': expected list[int], got None\n"
            "  f(x: int, text: str | None = None): parameter 'x': expected int, got None");
  const std::string text = refusal([] { call(overloaded(), "f"); });
  EXPECT_THAT(text, ::testing::HasSubstr("f(x: float): needs parameter 'x'"));
  EXPECT_THAT(refusal([] {
                call(overloaded(), "f", {{1, 2, 3}, {}});
              }),
              ::testing::HasSubstr("f(x: int): takes 1 positional argument, not 3"));
}

TEST(Overloads, OfMethodsAndConstructors) {
  const Registry registry = overloaded();
  const Variant two = create(registry, "Number", {{2.0}, {}});
  const Variant zero = create(registry, "Number");
  EXPECT_EQ(call_method(registry, zero, "add", {{1.5}, {}}), Variant(1.5));
  EXPECT_EQ(call_method(registry, zero, "add", {{two}, {}}), Variant(3.5));
}

TEST(Overloads, AreDescribedInTheirOrder) {
  const Description description = overloaded().describe("1");
  const FunctionDescription& f = description.functions[0];
  EXPECT_EQ(f.parameters[0].type, "float");
  EXPECT_EQ(f.doc, "A number.");
  ASSERT_EQ(f.overloads.size(), 3u);
  EXPECT_EQ(f.overloads[0].parameters[0].type, "int");
  EXPECT_EQ(f.overloads[1].parameters[0].type, "list[int]");
  EXPECT_TRUE(f.overloads[1].overloads.empty());
  ASSERT_EQ(description.types[0].constructor->overloads.size(), 1u);
  EXPECT_EQ(description.types[0].constructor->overloads[0].result, "Number");
}

TEST(Overloads, WithEqualParameterTypesAreRefused) {
  Registry registry = overloaded();
  EXPECT_EQ(refusal([&] {
              registry.function(
                  "f", [](double) {}, arg("other"));
            }),
            "logic: f is registered twice with the same parameter types");
}

TEST(Overloads, AStaticMethodDoesNotGoWithAnother) {
  Registry registry;
  auto number = registry.type<Number>("Number").method("f", [](Number&) {});
  EXPECT_EQ(refusal([&] {
              number.static_method(
                  "f", [](int) {}, arg("x"));
            }),
            "logic: Number.f is registered both as a static method and as one that needs an "
            "object; give them two names");
}

}  // namespace
}  // namespace cppipc::overloads_test
