// SPDX-License-Identifier: Apache-2.0
#include <cppipc/toolkit.h>

#include <gtest/gtest.h>

#include <string>

#include "values/calling.h"

namespace cppipc::toolkit_test {
namespace {

using test::call;
using test::refusal;

// Answers with what it was given.
ToolkitResponse same(ToolkitInvocation& invocation) { return {invocation.params}; }

Registry with(ToolkitSpecification specification) {
  Registry registry;
  registry.toolkits({std::move(specification)});
  return registry;
}

Variant dict(std::vector<std::pair<Variant, Variant>> entries) {
  Dict dict;
  dict.entries = std::move(entries);
  return dict;
}

TEST(Toolkit, GetsItsParamsWithTheDefaultOptionsFilledIn) {
  const Registry registry = with({"same", &same, {{"a", 1}, {"b", "x"}}});
  EXPECT_EQ(call(registry, "same", {{2, 3}, {"b", "more"}}),
            dict({{"a", 1}, {"b", 2}, {"more", 3}}));
}

TEST(Toolkit, TakesNothingElseIfItSaysWhatIsRequired) {
  const Registry registry = with({"same", &same, {{"a", 1}}, "", {{"x"}}});
  EXPECT_EQ(call(registry, "same", {{5}, {"x"}}), dict({{"a", 1}, {"x", 5}}));
  EXPECT_EQ(refusal([&] {
              call(registry, "same", {{5, 6}, {"x", "other"}});
            }),
            "wrongType: same() got an unexpected keyword argument 'other'");
  EXPECT_EQ(refusal([&] { call(registry, "same"); }),
            "wrongType: same() missing 1 required argument: 'x'");
}

TEST(Toolkit, ThatTakesNothingSaysSo) {
  ToolkitSpecification specification{"same", &same};
  specification.required.emplace();
  const Registry registry = with(specification);
  EXPECT_EQ(call(registry, "same"), dict({}));
  EXPECT_EQ(refusal([&] {
              call(registry, "same", {{5}, {"x"}});
            }),
            "wrongType: same() got an unexpected keyword argument 'x'");
}

TEST(Toolkit, FailureIsAToolkitErrorWithItsMessage) {
  const auto failing = [](const std::string& message) {
    return with({"fail", [message](ToolkitInvocation&) {
                   return ToolkitResponse{{}, false, message};
                 }});
  };
  EXPECT_EQ(refusal([&] { call(failing("no data"), "fail"); }), "toolkit: no data");
  EXPECT_EQ(refusal([&] { call(failing(""), "fail"); }),
            "toolkit: fail() failed and did not say why");
}

TEST(Toolkit, ParamsAreTypedWhenAskedFor) {
  const Registry registry = with({"typed", [](ToolkitInvocation& invocation) {
                                    ToolkitResponse response;
                                    response.params["has"] = invocation.has("x");
                                    response.params["x"] = invocation.get<double>("x") / 2;
                                    return response;
                                  }});
  EXPECT_EQ(call(registry, "typed", {{3}, {"x"}}), dict({{"has", true}, {"x", 1.5}}));
  EXPECT_EQ(refusal([&] {
              call(registry, "typed", {{"a"}, {"x"}});
            }),
            "wrongType: typed() parameter 'x': expected float, got str");
  EXPECT_EQ(refusal([&] { call(registry, "typed"); }),
            "wrongType: typed() parameter 'x' is missing");
}

TEST(Toolkit, IsDescribedWithItsDefaults) {
  const Registry registry = with({"same", &same, {{"a", 1}}, "The same.", {{"x"}}});
  const FunctionDescription described = registry.describe("1").functions.at(0);
  EXPECT_TRUE(described.is_toolkit);
  EXPECT_EQ(described.doc, "The same.");
  ASSERT_EQ(described.parameters.size(), 2u);
  EXPECT_EQ(described.parameters[0].name, "x");
  EXPECT_EQ(described.parameters[1].default_value, Variant(1));
}

TEST(Toolkit, ListsMayHaveAPrefix) {
  Registry registry;
  registry.toolkits({{"a", &same}, {"b", &same}}, "old");
  EXPECT_NE(registry.find_function("old.a"), nullptr);
  EXPECT_NE(registry.find_function("old.b"), nullptr);
}

TEST(Toolkit, IsRefusedWhenItMakesNoSense) {
  EXPECT_EQ(refusal([] { with({"f", nullptr}); }), "logic: toolkit 'f' has no function");
  EXPECT_EQ(refusal([] {
              with({"f", &same, {{"x", 1}}, "", {{"x"}}});
            }),
            "logic: toolkit 'f': 'x' is required and has a default option too");
  EXPECT_EQ(refusal([] {
              Registry registry;
              registry.toolkits({{"f", &same}, {"f", &same}});
            }),
            "logic: toolkit 'f' is registered twice");
}

}  // namespace
}  // namespace cppipc::toolkit_test
