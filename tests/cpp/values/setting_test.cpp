// SPDX-License-Identifier: Apache-2.0
#include <cppipc/setting.h>

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "values/calling.h"

namespace cppipc::setting_test {
namespace {

using test::refusal;

enum class Color { kRed, kGreen };

int seven() { return 7; }

// A registry with one setting of each kind that a text can be read as.
struct Settings {
  std::string text = "a";
  std::int8_t small = 1;
  double real = 0.5;
  bool flag = false;
  Color color = Color::kRed;
  std::vector<std::int64_t> numbers;
  std::vector<std::string> texts;
  std::optional<double> maybe;
  Registry registry;

  Settings() {
    registry.enumeration<Color>("Color", {{"red", Color::kRed}, {"green", Color::kGreen}});
    add("text", text);
    add("small", small);
    add("real", real);
    add("flag", flag);
    add("color", color);
    add("numbers", numbers);
    add("texts", texts);
    add("maybe", maybe);
    registry.setting("constant", &seven, "Always seven.");
  }
  template <class T>
  void add(std::string_view name, T& value) {
    registry.setting(
        name, [&value] { return value; }, [&value](const T& given) { value = given; });
  }
  Variant read(std::string_view name) const {
    Context context;
    return registry.read_setting(name, context);
  }
  void write(std::string_view name, Variant value) const {
    Context context;
    registry.write_setting(name, std::move(value), context);
  }
};

TEST(Setting, IsReadAndWrittenByName) {
  const Settings settings;
  settings.write("text", "b");
  settings.write("small", 5);
  EXPECT_EQ(settings.read("text"), Variant("b"));
  EXPECT_EQ(settings.read("small"), Variant(5));
  EXPECT_EQ(settings.read("constant"), Variant(7));
}

TEST(Setting, RefusesValuesWithTheWordsOfAnArgument) {
  const Settings settings;
  EXPECT_EQ(refusal([&] { settings.write("small", "x"); }),
            "wrongType: setting 'small': expected int, got str");
  EXPECT_NE(refusal([&] { settings.write("small", 300); }).find("overflow: setting 'small'"),
            std::string::npos);
  EXPECT_EQ(settings.read("small"), Variant(1));
}

TEST(Setting, ThatHasNoSetterIsReadOnly) {
  EXPECT_EQ(refusal([] { Settings().write("constant", 8); }),
            "wrongType: setting 'constant' is read-only");
  EXPECT_EQ(refusal([] { Settings().registry.start_setting("constant", "8"); }),
            "wrongType: setting 'constant' is read-only");
}

TEST(Setting, OfAnUnknownNameIsAnUnknownKey) {
  EXPECT_EQ(refusal([] { Settings().read("nothing"); }),
            "unknownKey: the server has no setting 'nothing'");
}

TEST(Setting, IsNamedByTheErrorsOfItsFunctions) {
  Registry registry;
  registry.setting(
      "broken", []() -> int { throw std::runtime_error("no"); },
      [](int) { throw std::invalid_argument("not this one"); });
  Context context;
  EXPECT_EQ(refusal([&] { registry.read_setting("broken", context); }),
            "remote: setting 'broken': no");
  EXPECT_EQ(refusal([&] { registry.write_setting("broken", 1, context); }),
            "invalidArgument: setting 'broken': not this one");
}

TEST(Setting, TakesATextAtTheStartForWhatItsTypeWants) {
  Settings settings;
  settings.registry.start_setting("text", "5");
  settings.registry.start_setting("small", "-7");
  settings.registry.start_setting("real", "2");
  settings.registry.start_setting("flag", "true");
  settings.registry.start_setting("color", "green");
  settings.registry.start_setting("numbers", "3,4");
  settings.registry.start_setting("texts", "a,5");
  settings.registry.start_setting("maybe", "1.5");
  EXPECT_EQ(settings.text, "5");
  EXPECT_EQ(settings.small, -7);
  EXPECT_EQ(settings.real, 2.0);
  EXPECT_TRUE(settings.flag);
  EXPECT_EQ(settings.color, Color::kGreen);
  EXPECT_EQ(settings.numbers, (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(settings.texts, (std::vector<std::string>{"a", "5"}));
  EXPECT_EQ(settings.maybe, 1.5);
  settings.registry.start_setting("maybe", "none");
  settings.registry.start_setting("numbers", "");
  EXPECT_EQ(settings.maybe, std::nullopt);
  EXPECT_TRUE(settings.numbers.empty());
}

TEST(Setting, RefusesATextThatItsTypeCannotBe) {
  EXPECT_EQ(refusal([] { Settings().registry.start_setting("small", "many"); }),
            "wrongType: setting 'small': expected int, got the text 'many'");
  EXPECT_NE(refusal([] {
              Settings().registry.start_setting("small", "300");
            }).find("overflow: setting 'small'"),
            std::string::npos);
  EXPECT_EQ(refusal([] { Settings().registry.start_setting("flag", "yes"); }),
            "wrongType: setting 'flag': expected bool, got the text 'yes'");
}

TEST(Setting, OfTheStartIsReadOnlyAfterwards) {
  Registry registry;
  int value = 1;
  registry.setting(
      "threads", [&] { return value; }, [&](int given) { value = given; }, at_start);
  registry.start_setting("threads", "4");
  EXPECT_EQ(value, 4);
  Context context;
  EXPECT_EQ(
      refusal([&] { registry.write_setting("threads", 5, context); }),
      "wrongType: setting 'threads' is read-only while the server runs; give it at the start");
  EXPECT_FALSE(registry.describe("1").settings.at(0).is_writable);
}

TEST(Setting, IsDescribedWithItsType) {
  const Description description = Settings().registry.describe("1");
  ASSERT_EQ(description.settings.size(), 9u);
  EXPECT_EQ(description.settings[0], (SettingDescription{"color", "", "Color", true}));
  EXPECT_EQ(description.settings[1],
            (SettingDescription{"constant", "Always seven.", "int", false}));
}

TEST(Setting, IsRefusedWhenItMakesNoSense) {
  const auto refused = [](void (*fill)(Registry&)) {
    Registry registry;
    registry.setting("taken", &seven);
    return refusal([&] { fill(registry); });
  };
  EXPECT_EQ(refused([](Registry& r) { r.setting("taken", &seven); }),
            "logic: setting 'taken' is registered twice");
  EXPECT_EQ(refused([](Registry& r) { r.setting("x", &seven, at_start); }),
            "logic: setting 'x': without a setter nobody can write it at the start");
  EXPECT_EQ(refused([](Registry& r) { r.setting("x", &seven, arg("y")); }),
            "logic: setting 'x': settings take no arg()");
  EXPECT_EQ(refused([](Registry& r) { r.setting("x", &seven, blocking); }),
            "logic: setting 'x': settings cannot be blocking");
  EXPECT_EQ(refused([](Registry& r) { r.function("f", &seven, at_start); }),
            "logic: f: is no setting, and at_start is for settings");
  EXPECT_NE(refused([](Registry& r) { r.setting("no name", &seven); }), "nothing");
}

}  // namespace
}  // namespace cppipc::setting_test
