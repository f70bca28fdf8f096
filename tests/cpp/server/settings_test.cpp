// SPDX-License-Identifier: Apache-2.0
#include "server/settings.h"

#include <cppipc/registry.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cppipc::server::settings_test {
namespace {

struct Registered {
  Options options;
  Log log{LogOptions{}};
  Registry registry;
  int value = 0;

  Registered() {
    register_settings(registry, {options, log, [] { return std::vector<std::string>{"unix:@x"}; }});
    registry.setting(
        "value", [this] { return value; }, [this](int given) { value = given; });
  }
  Variant read(std::string_view name) {
    Context context;
    return registry.read_setting(name, context);
  }
  // What the start is refused with; empty if it is not.
  std::string refused(std::vector<const char*> environment,
                      const std::vector<std::pair<std::string, std::string>>& given = {}) {
    environment.push_back(nullptr);
    try {
      start_settings(registry, environment.data(), given);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }
};

TEST(Settings, OfTheLogChangeIt) {
  Registered server;
  Context context;
  EXPECT_EQ(server.read("log.level"), Variant("info"));
  server.registry.write_setting("log.level", "OFF", context);
  EXPECT_EQ(server.log.level(), LogLevel::kOff);
  EXPECT_EQ(server.read("log.level"), Variant("off"));
}

TEST(Settings, HaveVariablesOfTheirOwn) {
  EXPECT_EQ(variable_of("log.level"), "UNITY_SETTING_LOG_LEVEL");
  EXPECT_EQ(variable_of("a.b_c2"), "UNITY_SETTING_A_B_C2");
}

TEST(Settings, ComeFromTheEnvironmentUnlessAnOptionGivesThem) {
  Registered server;
  EXPECT_EQ(server.refused({"PATH=/bin", "UNITY_SETTING_VALUE=4"}), "");
  EXPECT_EQ(server.value, 4);
  EXPECT_EQ(server.refused({"UNITY_SETTING_VALUE=not read"}, {{"value", "5"}}), "");
  EXPECT_EQ(server.value, 5);
}

TEST(Settings, ThatAreWrongAreNamedWithTheirSource) {
  Registered server;
  EXPECT_EQ(server.refused({"UNITY_SETTING_VALUE=x"}),
            "$UNITY_SETTING_VALUE: setting 'value': expected int, got the text 'x'");
  EXPECT_EQ(server.refused({"UNITY_SETTING_OTHER=x"}),
            "$UNITY_SETTING_OTHER: the server has no setting of that name");
  EXPECT_EQ(server.refused({"UNITY_SETTING_VALUE"}),
            "$UNITY_SETTING_VALUE: setting 'value': expected int, got the text ''");
  EXPECT_EQ(server.refused({}, {{"other", "1"}}), "--set: the server has no setting 'other'");
}

TEST(Settings, WithOneVariableForTwoAreRefused) {
  Registered server;
  server.registry.setting("a.b", [] { return 1; });
  server.registry.setting("a_b", [] { return 1; });
  EXPECT_EQ(server.refused({}),
            "settings 'a.b' and 'a_b' would have one variable, UNITY_SETTING_A_B");
}

}  // namespace
}  // namespace cppipc::server::settings_test
