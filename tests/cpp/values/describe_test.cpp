// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "values/calling.h"

namespace cppipc::describe_test {
namespace {

using test::refusal;

struct Probe {
  int value = 0;
};
struct Hidden {};
enum class Color { kRed, kGreen };

VariantMap same(const VariantMap& map) { return map; }

// The spelling of a type, where Probe is known by another name.
template <class T>
std::string spelt() {
  Registry registry;
  registry.type<Probe>("app.Sonde");
  registry.enumeration<Color>("Color", {{"red", Color::kRed}, {"green", Color::kGreen}});
  registry.function(
      "f", [](T) {}, arg("x"));
  return registry.describe("1").functions.at(0).parameters.at(0).type;
}

TEST(Describe, SpellsTypesAsPythonDoes) {
  EXPECT_EQ(spelt<std::uint8_t>(), "int");
  EXPECT_EQ(spelt<float>(), "float");
  EXPECT_EQ(spelt<bool>(), "bool");
  EXPECT_EQ(spelt<std::complex<float>>(), "complex");
  EXPECT_EQ(spelt<std::string_view>(), "str");
  EXPECT_EQ(spelt<const char*>(), "str");
  EXPECT_EQ(spelt<std::filesystem::path>(), "str");
  EXPECT_EQ(spelt<Bytes>(), "bytes");
  EXPECT_EQ(spelt<Variant>(), "object");
  EXPECT_EQ(spelt<VariantMap>(), "dict[str, object]");
  EXPECT_EQ(spelt<Color>(), "Color");
  EXPECT_EQ(spelt<std::chrono::seconds>(), "timedelta");
  EXPECT_EQ(spelt<std::chrono::system_clock::time_point>(), "datetime");
  EXPECT_EQ(spelt<Decimal>(), "Decimal");
}

TEST(Describe, SpellsContainersAndArrays) {
  EXPECT_EQ(spelt<std::vector<int>>(), "list[int]");
  EXPECT_EQ((spelt<std::array<double, 3>>()), "list[float]");
  EXPECT_EQ((spelt<std::map<std::string, double>>()), "dict[str, float]");
  EXPECT_EQ(spelt<std::unordered_set<int>>(), "set[int]");
  EXPECT_EQ((spelt<std::tuple<int, std::string>>()), "tuple[int, str]");
  EXPECT_EQ(spelt<std::tuple<>>(), "tuple[()]");
  EXPECT_EQ(spelt<std::optional<int>>(), "int | None");
  EXPECT_EQ((spelt<std::variant<int, std::string>>()), "int | str");
  EXPECT_EQ(spelt<ArrayView<double>>(), "ndarray[float64]");
  EXPECT_EQ(spelt<Array<std::int32_t>>(), "ndarray[int32]");
  EXPECT_EQ(spelt<AnyArray>(), "ndarray");
}

TEST(Describe, SpellsExposedTypesByTheirRegisteredName) {
  EXPECT_EQ(spelt<const Probe&>(), "app.Sonde");
  EXPECT_EQ(spelt<std::shared_ptr<Probe>>(), "app.Sonde | None");
  EXPECT_EQ(spelt<Probe*>(), "app.Sonde | None");
  EXPECT_EQ(spelt<std::vector<std::shared_ptr<Probe>>>(), "list[app.Sonde | None]");
  EXPECT_EQ(spelt<std::optional<std::shared_ptr<Probe>>>(), "app.Sonde | None");
}

TEST(Describe, KnowsTypesThatAreRegisteredAfterTheirUse) {
  Registry registry;
  registry.function("make", [] { return std::make_shared<Probe>(); });
  registry.type<Probe>("Probe");
  EXPECT_EQ(registry.describe("1").functions[0].result, "Probe | None");
}

TEST(Describe, NamesTheFunctionThatUsesAnUnregisteredType) {
  Registry registry;
  registry.type<Probe>("Probe").method(
      "hide", [](Probe&, const Hidden&) {}, arg("hidden"));
  const std::string text = refusal([&] { (void)registry.describe("1"); });
  EXPECT_TRUE(text.starts_with("logic: Probe.hide: C++ type ")) << text;
  EXPECT_TRUE(text.ends_with("Hidden is not registered")) << text;
  Registry other;
  other.function("color", [] { return Color::kRed; });
  EXPECT_TRUE(
      refusal([&] { (void)other.describe("1"); }).starts_with("logic: color: enumeration "));
}

TEST(Describe, GivesTypesWithAllTheirMembers) {
  Registry registry;
  registry.type<Probe>("Probe", "A probe.")
      .init([](int value) { return Probe{value}; }, arg("value") = 3, "Makes one.")
      .method(
          "beta", [](Probe&) {}, "Does nothing.")
      .method(
          "alpha", [](Probe& probe, double x) { return probe.value + x; }, arg("x"))
      .property("value", &Probe::value, &Probe::value, "Its value.")
      .property("constant", [](const Probe&) { return std::string("c"); });
  const Description description = registry.describe("0.1.0");
  EXPECT_EQ(description.version, "0.1.0");
  ASSERT_EQ(description.types.size(), 1u);
  const TypeDescription& type = description.types[0];
  EXPECT_EQ(type.doc, "A probe.");
  ASSERT_TRUE(type.constructor);
  EXPECT_EQ(*type.constructor,
            (FunctionDescription{
                "Probe", "Makes one.", {{"value", "int", Variant(3), false}}, "Probe", false}));
  ASSERT_EQ(type.methods.size(), 2u);
  EXPECT_EQ(type.methods[0],
            (FunctionDescription{"alpha", "", {{"x", "float", {}, false}}, "float", false}));
  EXPECT_EQ(type.methods[1], (FunctionDescription{"beta", "Does nothing.", {}, "None", false}));
  ASSERT_EQ(type.properties.size(), 2u);
  EXPECT_EQ(type.properties[0], (PropertyDescription{"constant", "", "str", false}));
  EXPECT_EQ(type.properties[1], (PropertyDescription{"value", "Its value.", "int", true}));
}

TEST(Describe, HasNoConstructorForTypesWithoutInit) {
  Registry registry;
  registry.type<Probe>("Probe");
  EXPECT_FALSE(registry.describe("1").types[0].constructor);
}

TEST(Describe, SortsFunctionsAndHidesContexts) {
  Registry registry;
  registry.function(
      "b", [](Context&, int) {}, arg("x"));
  registry.function(
      "a.z", [] { return 1; }, "Doc.");
  const auto functions = registry.describe("1").functions;
  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[0], (FunctionDescription{"a.z", "Doc.", {}, "int", false}));
  EXPECT_EQ(functions[1].parameters, (std::vector<ParameterDescription>{{"x", "int", {}, false}}));
}

TEST(Describe, TellsWhichParametersTakeTheRest) {
  Registry registry;
  registry.function(
      "rest", [](int, const Args&) {}, arg("first"));
  registry.toolkit("toolkit", &same);
  registry.toolkit("with_args", &same, arg("x"), arg("y") = 1);
  const auto functions = registry.describe("1").functions;
  EXPECT_EQ(functions[0].parameters,
            (std::vector<ParameterDescription>{{"first", "int", {}, false},
                                               {"*args", "object", {}, true},
                                               {"kwargs", "object", {}, true}}));
  EXPECT_EQ(functions[1],
            (FunctionDescription{
                "toolkit", "", {{"kwargs", "object", {}, true}}, "dict[str, object]", true}));
  EXPECT_EQ(functions[2].parameters, (std::vector<ParameterDescription>{
                                         {"x", "", {}, false}, {"y", "", Variant(1), false}}));
}

}  // namespace
}  // namespace cppipc::describe_test
