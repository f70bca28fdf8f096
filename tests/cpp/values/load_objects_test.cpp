// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "values/calling.h"

namespace cppipc::load_objects_test {
namespace {

using test::call;
using test::create;
using test::local;
using test::refusal;

struct Point {
  int x = 0;
};

struct Other {
  int y = 0;
};

class Shape {
 public:
  virtual ~Shape() = default;
  virtual int corners() const { return 0; }
};

struct Ballast {
  virtual ~Ballast() = default;
  int weight = 7;
};

// Shape is not at the beginning of it.
class Square : public Ballast, public Shape {
 public:
  int corners() const override { return 4; }
};

struct Cargo {
  virtual ~Cargo() = default;
  int weight = 8;
};

class Unregistered : public Cargo, public Square {
 public:
  int corners() const override { return 5; }
};

enum class Color { kRed, kGreen = 7, kBlue };

// Functions that take an exposed object in every way there is.
Registry registry_of_shapes() {
  Registry registry;
  registry.type<Point>("Point").init([](int x) { return Point{x}; }, arg("x") = 0);
  registry.type<Other>("Other").init();
  registry.type<Shape>("Shape").init();
  registry.type<Square>("Square").init().base<Shape>();
  registry.function(
      "by_value", [](Point point) { return ++point.x; }, arg("point"));
  registry.function(
      "by_reference", [](Point& point) { return ++point.x; }, arg("point"));
  registry.function(
      "by_const", [](const Point& point) { return point.x; }, arg("point"));
  registry.function(
      "by_pointer", [](const Point* point) { return point == nullptr ? -1 : point->x; },
      arg("point"));
  registry.function(
      "shared", [](std::shared_ptr<Point> point) { return point ? point->x : -1; },
      arg("point") = nullptr);
  registry.function(
      "all",
      [](const std::vector<std::shared_ptr<Point>>& points) {
        int sum = 0;
        for (const auto& point : points) sum += point->x;
        return sum;
      },
      arg("points"));
  registry.function(
      "corners", [](const Shape& shape) { return shape.corners(); }, arg("shape"));
  registry.function(
      "any", [](const ObjectPtr& object) { return object; }, arg("object"));
  return registry;
}

TEST(ObjectParameter, IsTheVeryObject) {
  const Registry registry = registry_of_shapes();
  const Variant point = create(registry, "Point", {{4}, {}});
  EXPECT_EQ(call(registry, "by_reference", {{point}, {}}), Variant(5));
  EXPECT_EQ(call(registry, "by_const", {{point}, {}}), Variant(5));
  EXPECT_EQ(call(registry, "by_pointer", {{point}, {}}), Variant(5));
  EXPECT_EQ(call(registry, "shared", {{point}, {}}), Variant(5));
}

TEST(ObjectParameter, IsCopiedWhenTakenByValue) {
  const Registry registry = registry_of_shapes();
  const Variant point = create(registry, "Point", {{4}, {}});
  EXPECT_EQ(call(registry, "by_value", {{point}, {}}), Variant(5));
  EXPECT_EQ(call(registry, "by_const", {{point}, {}}), Variant(4));
}

TEST(ObjectParameter, MayBeNoneOnlyForPointers) {
  const Registry registry = registry_of_shapes();
  EXPECT_EQ(call(registry, "shared", {{Variant()}, {}}), Variant(-1));
  EXPECT_EQ(call(registry, "shared"), Variant(-1));
  EXPECT_EQ(call(registry, "by_pointer", {{Variant()}, {}}), Variant(-1));
  EXPECT_EQ(refusal([&] {
              call(registry, "by_reference", {{Variant()}, {}});
            }),
            "wrongType: by_reference() parameter 'point': expected Point, got None");
}

TEST(ObjectParameter, RefusesOtherClassesNamingBoth) {
  const Registry registry = registry_of_shapes();
  const Variant other = create(registry, "Other");
  EXPECT_EQ(refusal([&] {
              call(registry, "by_const", {{other}, {}});
            }),
            "wrongType: by_const() parameter 'point': expected Point, got Other");
  EXPECT_EQ(refusal([&] {
              call(registry, "shared", {{other}, {}});
            }),
            "wrongType: shared() parameter 'point': expected Point or None, got Other");
  EXPECT_EQ(refusal([&] {
              call(registry, "shared", {{1}, {}});
            }),
            "wrongType: shared() parameter 'point': expected Point or None, got int");
}

TEST(ObjectParameter, IsFoundInsideContainers) {
  const Registry registry = registry_of_shapes();
  const Variant two = create(registry, "Point", {{2}, {}});
  const Variant three = create(registry, "Point", {{3}, {}});
  EXPECT_EQ(call(registry, "all", {{List{{two, three}}}, {}}), Variant(5));
  EXPECT_EQ(refusal([&] {
              call(registry, "all", {{List{{two, 1}}}, {}});
            }),
            "wrongType: all() parameter 'points'[1]: expected Point or None, got int");
}

TEST(ObjectParameter, TakesADerivedObjectForItsBase) {
  const Registry registry = registry_of_shapes();
  EXPECT_EQ(call(registry, "corners", {{create(registry, "Shape")}, {}}), Variant(0));
  EXPECT_EQ(call(registry, "corners", {{create(registry, "Square")}, {}}), Variant(4));
}

TEST(ObjectParameter, MayBeOfAnyType) {
  const Registry registry = registry_of_shapes();
  const Variant point = create(registry, "Point");
  EXPECT_EQ(call(registry, "any", {{point}, {}}), point);
  EXPECT_EQ(call(registry, "any", {{Variant()}, {}}), Variant());
  EXPECT_EQ(refusal([&] {
              call(registry, "any", {{1}, {}});
            }),
            "wrongType: any() parameter 'object': expected object, got int");
}

TEST(ObjectParameter, PrefersTheExactTypeAmongAlternatives) {
  using Either = std::variant<std::shared_ptr<Shape>, std::shared_ptr<Square>>;
  Registry registry = registry_of_shapes();
  registry.function(
      "which", [](const Either& either) { return either.index(); }, arg("either"));
  EXPECT_EQ(call(registry, "which", {{create(registry, "Square")}, {}}), Variant(1));
  EXPECT_EQ(call(registry, "which", {{create(registry, "Shape")}, {}}), Variant(0));
}

TEST(ObjectResult, HasTheTypeThatItReallyIs) {
  Registry registry = registry_of_shapes();
  registry.function("make", []() -> std::shared_ptr<Shape> { return std::make_shared<Square>(); });
  const Variant made = call(registry, "make");
  EXPECT_EQ(local(made).type_name(), "Square");
  EXPECT_EQ(call(registry, "corners", {{made}, {}}), Variant(4));
}

TEST(ObjectResult, HasTheMostDerivedTypeThatIsRegistered) {
  Registry registry = registry_of_shapes();
  registry.function("make",
                    []() -> std::unique_ptr<Shape> { return std::make_unique<Unregistered>(); });
  const Variant made = call(registry, "make");
  EXPECT_EQ(local(made).type_name(), "Square");
  EXPECT_EQ(call(registry, "corners", {{made}, {}}), Variant(5));
}

TEST(ObjectResult, HasTheMostDerivedAddress) {
  Registry registry = registry_of_shapes();
  const auto square = std::make_shared<Square>();
  registry.function("as_shape", [square]() -> std::shared_ptr<Shape> { return square; });
  registry.function("as_square", [square] { return square; });
  EXPECT_EQ(local(call(registry, "as_shape")).instance().get(), square.get());
  EXPECT_EQ(local(call(registry, "as_square")).instance().get(), square.get());
}

TEST(ObjectResult, IsNoneForNull) {
  Registry registry = registry_of_shapes();
  registry.function("shared_null", [] { return std::shared_ptr<Point>(); });
  registry.function("unique_null", [] { return std::unique_ptr<Point>(); });
  registry.function("raw_null", []() -> Point* { return nullptr; });
  EXPECT_EQ(call(registry, "shared_null"), Variant());
  EXPECT_EQ(call(registry, "unique_null"), Variant());
  EXPECT_EQ(call(registry, "raw_null"), Variant());
}

TEST(ObjectResult, MayBeInsideContainers) {
  Registry registry = registry_of_shapes();
  registry.function("pair", [] { return std::vector<Point>{{1}, {2}}; });
  const Variant pair = call(registry, "pair");
  const auto& points = pair.as<List>().items;
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(call(registry, "by_const", {{points[1]}, {}}), Variant(2));
}

TEST(ObjectResult, OfAnUnknownTypeIsAnErrorThatNamesIt) {
  Registry registry;
  registry.function("make", [] { return Point{1}; });
  const std::string text = refusal([&] { call(registry, "make"); });
  EXPECT_TRUE(text.starts_with("remote: make() result: C++ type "));
  EXPECT_NE(text.find("Point is not registered"), std::string::npos);
}

TEST(ReferenceResult, IsTheArgumentItRefersTo) {
  Registry registry = registry_of_shapes();
  registry.function(
      "same", [](Point& point) -> Point& { return point; }, arg("point"));
  registry.function(
      "same_pointer", [](Point* point) { return point; }, arg("point"));
  const Variant point = create(registry, "Point");
  EXPECT_EQ(local(call(registry, "same", {{point}, {}})).instance(), local(point).instance());
  EXPECT_EQ(local(call(registry, "same_pointer", {{point}, {}})).instance(),
            local(point).instance());
}

TEST(ReferenceResult, OfNobodysObjectIsAnError) {
  static Point point;
  Registry registry = registry_of_shapes();
  registry.function("unowned", []() -> Point& { return point; });
  EXPECT_EQ(
      refusal([&] { call(registry, "unowned"); }),
      "remote: unowned() result: a reference or pointer to an object that nobody owns; return "
      "a std::shared_ptr");
}

TEST(EnumParameter, TravelsByName) {
  Registry registry;
  registry.enumeration<Color>("Color", {{"red", Color::kRed}, {"green", Color::kGreen}});
  registry.function(
      "same", [](Color color) { return color; }, arg("color") = Color::kGreen);
  registry.function("blue", [] { return Color::kBlue; });
  EXPECT_EQ(call(registry, "same", {{"red"}, {}}), Variant(EnumMember{"Color", "red"}));
  EXPECT_EQ(call(registry, "same", {{EnumMember{"Color", "red"}}, {}}),
            Variant(EnumMember{"Color", "red"}));
  EXPECT_EQ(call(registry, "same"), Variant(EnumMember{"Color", "green"}));
  EXPECT_EQ(refusal([&] {
              call(registry, "same", {{"pink"}, {}});
            }),
            "invalidArgument: same() parameter 'color': expected Color ('red', 'green'), got "
            "'pink'");
  EXPECT_EQ(refusal([&] {
              call(registry, "same", {{EnumMember{"Color", "pink"}}, {}});
            }),
            "invalidArgument: same() parameter 'color': expected Color ('red', 'green'), got "
            "'pink'");
  EXPECT_EQ(refusal([&] {
              call(registry, "same", {{7}, {}});
            }),
            "wrongType: same() parameter 'color': expected Color, got int");
  EXPECT_EQ(refusal([&] {
              call(registry, "same", {{EnumMember{"Tone", "red"}}, {}});
            }),
            "wrongType: same() parameter 'color': expected Color, got Tone");
  EXPECT_EQ(refusal([&] { call(registry, "blue"); }),
            "remote: blue() result: 8 is no registered value of Color");
}

TEST(EnumParameter, IsConvertedFromAName) {
  Registry registry;
  registry.enumeration<Color>("Color", {{"red", Color::kRed}, {"green", Color::kGreen}});
  using Either = std::variant<Color, std::string>;
  registry.function(
      "either", [](const Either& either) { return either; }, arg("x"));
  registry.function(
      "all", [](const std::map<Color, std::vector<Color>>& colors) { return colors; }, arg("x"));
  EXPECT_EQ(call(registry, "either", {{"red"}, {}}), Variant("red"));
  const Variant red = EnumMember{"Color", "red"};
  EXPECT_EQ(call(registry, "either", {{red}, {}}), red);
  EXPECT_EQ(call(registry, "all", {{Dict{{{"red", List{{"red"}}}}}}, {}}),
            Variant(Dict{{{red, List{{red}}}}}));
}

TEST(EnumParameter, NeedsARegistry) {
  EXPECT_TRUE(refusal([] { (void)to_variant(Color::kRed); }).starts_with("logic: "));
}

}  // namespace
}  // namespace cppipc::load_objects_test
