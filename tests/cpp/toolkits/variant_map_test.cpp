// SPDX-License-Identifier: Apache-2.0
#include "toolkits/variant_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "called.h"
#include "toolkits/counter.h"

namespace cppipc::toolkits::variant_map_test {
namespace {

using testing::HasSubstr;

class VariantMapTest : public testing::Test {
 protected:
  const Called called_{&register_variant_map, &register_counter};
  const CalledObject map_ = called_.create("VariantMap");
};

TEST_F(VariantMapTest, BeginsEmpty) {
  EXPECT_EQ(map_.call("__len__"), Variant(0));
  EXPECT_EQ(map_.call("keys"), Variant(List{}));
  EXPECT_EQ(map_.call("copy"), Variant(Dict{}));
}

TEST_F(VariantMapTest, SetAndGet) {
  map_.call("__setitem__", {"a", 1});
  map_.call("__setitem__", {"a", List{{2}}});
  EXPECT_EQ(map_.call("get", {"a"}), Variant(List{{2}}));
  EXPECT_EQ(map_.call("__len__"), Variant(1));
  EXPECT_EQ(map_.call("__contains__", {"a"}), Variant(true));
  EXPECT_EQ(map_.call("__contains__", {"b"}), Variant(false));
}

TEST_F(VariantMapTest, AMissingKeyGivesTheDefault) {
  EXPECT_EQ(map_.call("get", {"a"}), Variant());
  EXPECT_EQ(map_.call("get", {"a", 5}), Variant(5));
}

TEST_F(VariantMapTest, AMissingKeyIsAFaultForTheOthers) {
  for (const char* method : {"__getitem__", "__delitem__", "pop"}) {
    EXPECT_THAT(refusal_of(ErrorKind::kUnknownKey, [&] { map_.call(method, {"a"}); }),
                HasSubstr("there is no key 'a'"));
  }
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownKey, [&] { map_.call("popitem"); }),
              HasSubstr("the map is empty"));
}

TEST_F(VariantMapTest, BeginsWithWhatItIsGiven) {
  const CalledObject map =
      called_.create("VariantMap", Given({Dict{{{"a", 1}, {2, "b"}}}}, {{"c", nullptr}}));
  EXPECT_EQ(map.call("copy"), Variant(Dict{{{"a", 1}, {2, "b"}, {"c", nullptr}}}));
  EXPECT_EQ(map.call("values"), Variant(List{{1, "b", nullptr}}));
  EXPECT_EQ(map.call("items"),
            Variant(List{{Tuple{{"a", 1}}, Tuple{{2, "b"}}, Tuple{{"c", nullptr}}}}));
}

TEST_F(VariantMapTest, UpdateTakesMappingsAndPairs) {
  map_.call("update", {Dict{{{"a", 1}, {"b", 2}}}});
  map_.call("update", {List{{Tuple{{"b", 3}}, List{{"c", 4}}}}});
  const CalledObject other = called_.create("VariantMap", Given({}, {{"d", 5}}));
  map_.call("update", {other.reference()});
  map_.call("update", {map_.reference()});
  map_.call("update", Given({}, {{"e", 6}}));
  map_.call("update");
  EXPECT_EQ(map_.call("copy"), Variant(Dict{{{"a", 1}, {"b", 3}, {"c", 4}, {"d", 5}, {"e", 6}}}));
}

TEST_F(VariantMapTest, UpdateRefusesEverythingElse) {
  const auto refused = [&](ErrorKind kind, const Given& given, const std::string& why) {
    EXPECT_THAT(refusal_of(kind, [&] { map_.call("update", given); }), HasSubstr(why));
  };
  refused(ErrorKind::kWrongType, {5}, "not int");
  refused(ErrorKind::kWrongType, {List{{5}}}, "items are pairs, not int");
  refused(ErrorKind::kInvalidArgument, {List{{Tuple{{1}}}}}, "not of length 1");
  refused(ErrorKind::kWrongType, {Dict{}, Dict{}}, "not 2");
  refused(ErrorKind::kWrongType, {called_.create("Counter").reference()}, "not object");
}

TEST_F(VariantMapTest, PopAndSetDefault) {
  map_.call("update", {Dict{{{"a", 1}, {"b", 2}, {"c", 3}}}});
  EXPECT_EQ(map_.call("pop", {"a"}), Variant(1));
  EXPECT_EQ(map_.call("pop", {"a", 7}), Variant(7));
  EXPECT_EQ(map_.call("pop", Given({"a"}, {{"default", 8}})), Variant(8));
  EXPECT_EQ(map_.call("pop", {"b", 7}), Variant(2));
  refusal_of(ErrorKind::kWrongType, [&] { map_.call("pop", {"a", 7, 8}); });
  refusal_of(ErrorKind::kWrongType, [&] { map_.call("pop", Given({"a"}, {{"other", 8}})); });
  EXPECT_EQ(map_.call("setdefault", {"c", 9}), Variant(3));
  EXPECT_EQ(map_.call("setdefault", {"d", 9}), Variant(9));
  EXPECT_EQ(map_.call("setdefault", {"e"}), Variant());
  EXPECT_EQ(map_.call("popitem"), Variant(Tuple{{"e", nullptr}}));
  EXPECT_EQ(map_.call("copy"), Variant(Dict{{{"c", 3}, {"d", 9}}}));
}

TEST_F(VariantMapTest, KeepsTheOrderOfTheFirstSet) {
  for (const char* key : {"z", "a", "m"}) map_.call("__setitem__", {key, 0});
  map_.call("__setitem__", {"z", 1});
  EXPECT_EQ(map_.call("keys"), Variant(List{{"z", "a", "m"}}));
  EXPECT_EQ(map_.call("copy"), Variant(Dict{{{"z", 1}, {"a", 0}, {"m", 0}}}));
}

TEST_F(VariantMapTest, RemoveAndClear) {
  for (int i = 0; i < 3; ++i) map_.call("__setitem__", {i, i});
  map_.call("__delitem__", {1});
  EXPECT_EQ(map_.call("keys"), Variant(List{{0, 2}}));
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownKey, [&] { map_.call("__delitem__", {1}); }),
              HasSubstr("no key 1"));
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownKey, [&] { map_.call("__delitem__", {"x"}); }),
              HasSubstr("no key 'x'"));
  map_.call("clear");
  EXPECT_EQ(map_.call("__len__"), Variant(0));
}

TEST_F(VariantMapTest, UnhashableKeysAreRefusedEverywhere) {
  const std::vector<Variant> keys{List{}, Set{}, Dict{}, Tuple{{List{}}}, array_of<double>({1})};
  for (const Variant& key : keys) {
    const auto refused = [&](const std::string& method, const Given& given) {
      EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { map_.call(method, given); }),
                  HasSubstr("unhashable"));
    };
    refused("__setitem__", {key, 1});
    refused("get", {key});
    refused("__getitem__", {key});
    refused("pop", {key, 1});
    refused("setdefault", {key, 1});
    refused("__contains__", {key});
    refused("__delitem__", {key});
  }
}

TEST_F(VariantMapTest, EveryHashableValueIsAKey) {
  const std::vector<Variant> keys{nullptr,
                                  7,
                                  1.5,
                                  std::complex<double>(1, 2),
                                  "text",
                                  Bytes("text"),
                                  Tuple{{1, "a"}},
                                  FrozenSet{{1, 2}},
                                  DateTime{{2026, 1, 2}, {3, 4, 5, 6, 0, {}}},
                                  Date{2026, 1, 2},
                                  TimeOfDay{3, 4, 5, 6, 0, {}},
                                  TimeDelta{1, 2, 3},
                                  Decimal{"1.5"},
                                  Uuid{{1}}};
  for (std::size_t i = 0; i < keys.size(); ++i)
    map_.call("__setitem__", {keys[i], static_cast<int>(i)});
  EXPECT_EQ(map_.call("__len__"), Variant(static_cast<int>(keys.size())));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(map_.call("get", {keys[i]}), Variant(static_cast<int>(i))) << i;
  }
}

TEST_F(VariantMapTest, NumbersThatAreEqualAreOneKey) {
  map_.call("__setitem__", {1, "one"});
  for (const Variant& key : {Variant(true), Variant(1.0), Variant(std::complex<double>(1, 0))}) {
    EXPECT_EQ(map_.call("get", {key}), Variant("one"));
    map_.call("__setitem__", {Tuple{{key}}, "tuple"});
  }
  EXPECT_EQ(map_.call("__len__"), Variant(2));
  EXPECT_EQ(map_.call("__contains__", {std::ldexp(1.0, 63)}), Variant(false));
  map_.call("__setitem__", {0, "zero"});
  EXPECT_EQ(map_.call("get", {-0.0}), Variant("zero"));
  EXPECT_EQ(map_.call("get", {false}), Variant("zero"));
}

TEST_F(VariantMapTest, FrozenSetsAreEqualInAnyOrder) {
  map_.call("__setitem__", {FrozenSet{{1, 2, 3}}, "set"});
  EXPECT_EQ(map_.call("get", {FrozenSet{{3, 1, 2}}}), Variant("set"));
  EXPECT_EQ(map_.call("get", {FrozenSet{{3, 1}}}), Variant());
}

TEST_F(VariantMapTest, ObjectsAreKeysByIdentity) {
  const CalledObject one = called_.create("Counter");
  const CalledObject other = called_.create("Counter");
  map_.call("__setitem__", {one.reference(), "one"});
  // A second reference to the same object.
  const auto& local = dynamic_cast<const LocalObject&>(*one.reference().as<ObjectPtr>());
  const Variant again = ObjectPtr(std::make_shared<LocalObject>(local.instance(), local.type()));
  EXPECT_EQ(map_.call("get", {again}), Variant("one"));
  EXPECT_EQ(map_.call("get", {other.reference()}), Variant());
}

TEST_F(VariantMapTest, HoldsTheVeryObject) {
  const CalledObject counter = called_.create("Counter");
  map_.call("__setitem__", {"counter", counter.reference()});
  EXPECT_EQ(called_.object(map_.call("get", {"counter"})).instance(), counter.instance());
}

TEST_F(VariantMapTest, ManyKeysAreFoundAgain) {
  constexpr int kKeys = 5'000;
  for (int i = 0; i < kKeys; ++i) map_.call("__setitem__", {"key " + std::to_string(i), i});
  for (int i = 0; i < kKeys; i += 2) map_.call("__delitem__", {"key " + std::to_string(i)});
  EXPECT_EQ(map_.call("__len__"), Variant(kKeys / 2));
  for (int i = 0; i < kKeys; ++i) {
    const Variant expected = i % 2 == 0 ? Variant() : Variant(i);
    ASSERT_EQ(map_.call("get", {"key " + std::to_string(i)}), expected) << i;
  }
}

}  // namespace
}  // namespace cppipc::toolkits::variant_map_test
