// SPDX-License-Identifier: Apache-2.0
#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace cppipc::describe_test {
namespace {

using test::MemoryMessage;
using test::NamedObject;

// A description with every field in use.
Description some_description() {
  FunctionDescription constructor{"Counter", "", {{"start", "int", Variant(0), false}}, "", false};
  constructor.overloads = {{"Counter", "From text.", {{"text", "str", {}, false}}, "", false}};
  FunctionDescription increment{
      "increment", "Adds `by`.", {{"by", "int", Variant(1), false}}, "int", false};
  TypeDescription counter{"Counter",
                          "An integer counter, \xc3\xa4.",
                          constructor,
                          {increment, {"reset", "", {}, "None", false}},
                          {{"value", "The current value.", "int", true}}};
  TypeDescription probe{"Probe", "",         std::nullopt, {{"make", "", {}, "Probe", false, true}},
                        {},      {"Counter"}};
  FunctionDescription toolkit{
      "stats.mean",
      "The mean.",
      {{"values", "list[float]", std::nullopt, false}, {"rest", "", std::nullopt, true}},
      "float",
      true};
  FunctionDescription with_null{"f", "", {{"x", "Probe | None", Variant(), false}}, "", false};
  const EnumDescription color{"Color", "Of light.", {{"red", -1}, {"green", 5}}};
  const SettingDescription level{"log.level", "Of the log.", "str", true};
  const ExceptionDescription failed{"io.Failed", "It failed.", "Base", ErrorKind::kInputOutput};
  const ExtensionDescription square{"square", "Squares.", "/lib/square.so", "0123abcd"};
  return {"0.1.0", {counter, probe}, {toolkit, with_null}, {color}, {level}, {failed}, {square}};
}

Description round_trip_description(const Description& description) {
  MemoryMessage message;
  marshal(description, message.init<wire::Description>());
  return unmarshal(message.read<wire::Description>());
}

TEST(Describe, ADescriptionComesBackEqual) {
  EXPECT_TRUE(round_trip_description(some_description()) == some_description());
  EXPECT_TRUE(round_trip_description({}) == Description{});
}

TEST(Describe, DefaultsMayBeOfAnySize) {
  Description description = some_description();
  description.functions[0].parameters[0].default_value = std::string(3 << 20, 'x');
  EXPECT_TRUE(round_trip_description(description) == description);
}

TEST(Describe, HashesOfEqualDescriptionsAreEqual) {
  const std::string hash = hash_of(some_description());
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash, hash_of(some_description()));
  EXPECT_EQ(hash, hash_of(round_trip_description(some_description())));
}

TEST(Describe, TheHashIsTheSameInEveryBuild) {
  // XXH3-128 of the canonical message; a change here makes clients of older servers fetch anew.
  std::string hex;
  for (const unsigned char byte : hash_of({"0.1.0", {}, {}, {}})) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  EXPECT_EQ(hex, "d88a321f358526aab09a59b7f8d73151");
}

TEST(Describe, EveryChangeChangesTheHash) {
  const std::vector<std::function<void(Description&)>> changes = {
      [](Description&) {},
      [](Description& d) { d.version = "0.1.1"; },
      [](Description& d) { d.types[0].name = "Counter2"; },
      [](Description& d) { d.types[0].doc = ""; },
      [](Description& d) { d.types[0].constructor.reset(); },
      [](Description& d) { d.types[0].constructor->parameters.clear(); },
      [](Description& d) { d.types[0].constructor->overloads.clear(); },
      [](Description& d) { d.types[0].constructor->overloads[0].doc = ""; },
      [](Description& d) { d.types[0].bases = {"Probe"}; },
      [](Description& d) { d.types[1].bases.clear(); },
      [](Description& d) { d.types[1].methods[0].is_static = false; },
      [](Description& d) { d.exceptions.clear(); },
      [](Description& d) { d.exceptions[0].name = "Failed"; },
      [](Description& d) { d.exceptions[0].doc = ""; },
      [](Description& d) { d.exceptions[0].base = ""; },
      [](Description& d) { d.exceptions[0].kind = ErrorKind::kRemote; },
      [](Description& d) { d.types[0].methods.pop_back(); },
      [](Description& d) { d.types[0].methods[0].result = "float"; },
      [](Description& d) { d.types[0].methods[0].parameters[0].name = "to"; },
      [](Description& d) { d.types[0].methods[0].parameters[0].type = "float"; },
      [](Description& d) { d.types[0].methods[0].parameters[0].default_value = 2; },
      [](Description& d) { d.types[0].methods[0].parameters[0].default_value = 1.0; },
      [](Description& d) { d.types[0].methods[0].parameters[0].default_value.reset(); },
      [](Description& d) { d.types[0].methods[0].parameters[0].is_variadic = true; },
      [](Description& d) { d.types[0].properties[0].name = "values"; },
      [](Description& d) { d.types[0].properties[0].doc = "Another."; },
      [](Description& d) { d.types[0].properties[0].type = "float"; },
      [](Description& d) { d.types[0].properties[0].is_writable = false; },
      [](Description& d) { d.types.pop_back(); },
      [](Description& d) { d.functions[0].is_toolkit = false; },
      [](Description& d) { d.enumerations[0].name = "Colour"; },
      [](Description& d) { d.enumerations[0].doc = ""; },
      [](Description& d) { d.enumerations[0].members[1].first = "blue"; },
      [](Description& d) { d.enumerations[0].members[1].second = 6; },
      [](Description& d) { d.enumerations.clear(); },
      [](Description& d) { d.extensions[0].name = "cube"; },
      [](Description& d) { d.extensions[0].doc = ""; },
      [](Description& d) { d.extensions[0].file = "/lib/cube.so"; },
      [](Description& d) { d.extensions[0].content_hash = "0123abce"; },
      [](Description& d) { d.extensions.clear(); },
      [](Description& d) { d.functions[1].parameters[0].default_value.reset(); },
  };
  std::set<std::string> hashes;
  for (const auto& change : changes) {
    Description description = some_description();
    change(description);
    hashes.insert(hash_of(description));
    EXPECT_TRUE(round_trip_description(description) == description);
  }
  EXPECT_EQ(hashes.size(), changes.size());
}

ErrorKind kind_of_refusal(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "accepted";
  return ErrorKind::kRemote;
}

TEST(Describe, ObjectsAreNoDefaults) {
  Description description = some_description();
  description.functions[0].parameters[0].default_value =
      ObjectPtr(std::make_shared<NamedObject>("Counter"));
  EXPECT_EQ(kind_of_refusal([&] { hash_of(description); }), ErrorKind::kInvalidArgument);
}

TEST(Describe, NamesThatAreNotUtf8AreRefusedByBothSides) {
  Description description = some_description();
  description.types[0].doc = "\xff";
  EXPECT_EQ(kind_of_refusal([&] { hash_of(description); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of_refusal([] {
              MemoryMessage message;
              message.init<wire::Description>().initTypes(1)[0].setDoc("\xff");
              unmarshal(message.read<wire::Description>());
            }),
            ErrorKind::kProtocol);
}

TEST(Describe, DefaultsThatCarryCapabilitiesAreRefused) {
  EXPECT_EQ(kind_of_refusal([] {
              MemoryMessage message;
              auto function = message.init<wire::Description>().initFunctions(1)[0];
              auto value = function.initParameters(1)[0].getDefault().initValue();
              value.initLargeBytes().setSize(1);
              unmarshal(message.read<wire::Description>());
            }),
            ErrorKind::kProtocol);
}

TEST(Describe, ListsOfEmptyElementsDoNotAmplify) {
  EXPECT_EQ(kind_of_refusal([] {
              MemoryMessage message;
              auto description = message.init<wire::Description>();
              // Text in the place of the list of types: elements of one byte.
              capnp::AnyStruct::Builder any(kj::mv(description));
              any.getPointerSection()[1].setAs<capnp::Data>(
                  {reinterpret_cast<const capnp::byte*>("xxxxxxxx"), 8});
              unmarshal(message.read<wire::Description>());
            }),
            ErrorKind::kProtocol);
}

}  // namespace
}  // namespace cppipc::describe_test
