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

namespace cppipc::toolkits {
namespace {

using testing::HasSubstr;

class VariantMapTest : public testing::Test {
 protected:
  const Called called_{&register_variant_map, &register_counter};
  const CalledObject map_ = called_.create("VariantMap");
};

TEST_F(VariantMapTest, BeginsEmpty) {
  EXPECT_EQ(map_.call("size"), Variant(0));
  EXPECT_EQ(map_.call("keys"), Variant(List{}));
  EXPECT_EQ(map_.call("to_dict"), Variant(Dict{}));
}

TEST_F(VariantMapTest, SetAndGet) {
  map_.call("set", {"a", 1});
  map_.call("set", {"a", List{{2}}});
  EXPECT_EQ(map_.call("get", {"a"}), Variant(List{{2}}));
  EXPECT_EQ(map_.call("size"), Variant(1));
  EXPECT_EQ(map_.call("contains", {"a"}), Variant(true));
  EXPECT_EQ(map_.call("contains", {"b"}), Variant(false));
}

TEST_F(VariantMapTest, AMissingKeyGivesTheDefault) {
  EXPECT_EQ(map_.call("get", {"a"}), Variant());
  EXPECT_EQ(map_.call("get", {"a", 5}), Variant(5));
}

TEST_F(VariantMapTest, KeepsTheOrderOfTheFirstSet) {
  for (const char* key : {"z", "a", "m"}) map_.call("set", {key, 0});
  map_.call("set", {"z", 1});
  EXPECT_EQ(map_.call("keys"), Variant(List{{"z", "a", "m"}}));
  EXPECT_EQ(map_.call("to_dict"), Variant(Dict{{{"z", 1}, {"a", 0}, {"m", 0}}}));
}

TEST_F(VariantMapTest, RemoveAndClear) {
  for (int i = 0; i < 3; ++i) map_.call("set", {i, i});
  map_.call("remove", {1});
  EXPECT_EQ(map_.call("keys"), Variant(List{{0, 2}}));
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownName, [&] { map_.call("remove", {1}); }),
              HasSubstr("no key 1"));
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownName, [&] { map_.call("remove", {"x"}); }),
              HasSubstr("no key 'x'"));
  map_.call("clear");
  EXPECT_EQ(map_.call("size"), Variant(0));
}

TEST_F(VariantMapTest, UnhashableKeysAreRefusedEverywhere) {
  const std::vector<Variant> keys{List{}, Set{}, Dict{}, Tuple{{List{}}}, array_of<double>({1})};
  for (const Variant& key : keys) {
    const auto refused = [&](const std::string& method, const Given& given) {
      EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { map_.call(method, given); }),
                  HasSubstr("unhashable"));
    };
    refused("set", {key, 1});
    refused("get", {key});
    refused("contains", {key});
    refused("remove", {key});
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
  for (std::size_t i = 0; i < keys.size(); ++i) map_.call("set", {keys[i], static_cast<int>(i)});
  EXPECT_EQ(map_.call("size"), Variant(static_cast<int>(keys.size())));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(map_.call("get", {keys[i]}), Variant(static_cast<int>(i))) << i;
  }
}

TEST_F(VariantMapTest, NumbersThatAreEqualAreOneKey) {
  map_.call("set", {1, "one"});
  for (const Variant& key : {Variant(true), Variant(1.0), Variant(std::complex<double>(1, 0))}) {
    EXPECT_EQ(map_.call("get", {key}), Variant("one"));
    map_.call("set", {Tuple{{key}}, "tuple"});
  }
  EXPECT_EQ(map_.call("size"), Variant(2));
  EXPECT_EQ(map_.call("contains", {std::ldexp(1.0, 63)}), Variant(false));
  map_.call("set", {0, "zero"});
  EXPECT_EQ(map_.call("get", {-0.0}), Variant("zero"));
  EXPECT_EQ(map_.call("get", {false}), Variant("zero"));
}

TEST_F(VariantMapTest, FrozenSetsAreEqualInAnyOrder) {
  map_.call("set", {FrozenSet{{1, 2, 3}}, "set"});
  EXPECT_EQ(map_.call("get", {FrozenSet{{3, 1, 2}}}), Variant("set"));
  EXPECT_EQ(map_.call("get", {FrozenSet{{3, 1}}}), Variant());
}

TEST_F(VariantMapTest, ObjectsAreKeysByIdentity) {
  const CalledObject one = called_.create("Counter");
  const CalledObject other = called_.create("Counter");
  map_.call("set", {one.reference(), "one"});
  // A second reference to the same object.
  const auto& local = dynamic_cast<const LocalObject&>(*one.reference().as<ObjectPtr>());
  const Variant again = ObjectPtr(std::make_shared<LocalObject>(local.instance(), local.type()));
  EXPECT_EQ(map_.call("get", {again}), Variant("one"));
  EXPECT_EQ(map_.call("get", {other.reference()}), Variant());
}

TEST_F(VariantMapTest, HoldsTheVeryObject) {
  const CalledObject counter = called_.create("Counter");
  map_.call("set", {"counter", counter.reference()});
  EXPECT_EQ(called_.object(map_.call("get", {"counter"})).instance(), counter.instance());
}

TEST_F(VariantMapTest, ManyKeysAreFoundAgain) {
  constexpr int kKeys = 5'000;
  for (int i = 0; i < kKeys; ++i) map_.call("set", {"key " + std::to_string(i), i});
  for (int i = 0; i < kKeys; i += 2) map_.call("remove", {"key " + std::to_string(i)});
  EXPECT_EQ(map_.call("size"), Variant(kKeys / 2));
  for (int i = 0; i < kKeys; ++i) {
    const Variant expected = i % 2 == 0 ? Variant() : Variant(i);
    ASSERT_EQ(map_.call("get", {"key " + std::to_string(i)}), expected) << i;
  }
}

}  // namespace
}  // namespace cppipc::toolkits
