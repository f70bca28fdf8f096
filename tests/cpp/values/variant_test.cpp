// SPDX-License-Identifier: Apache-2.0
#include <cppipc/variant.h>

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "values/calling.h"

namespace cppipc::variant_test {
namespace {

using test::refusal;

constexpr int kDeep = 1'000'000;

class Dummy : public Object {
 public:
  explicit Dummy(int& live) : live_(live) { ++live_; }
  ~Dummy() override { --live_; }
  std::string_view type_name() const override { return "Dummy"; }

 private:
  int& live_;
};

// A container that holds both; moved, since a copy of a deep value recurses.
template <class Container>
Variant around(Variant first, Variant second) {
  Container container;
  container.items.push_back(std::move(first));
  container.items.push_back(std::move(second));
  return container;
}

TEST(Variant, IsNullAtFirst) {
  EXPECT_TRUE(Variant().is_null());
  EXPECT_TRUE(Variant(nullptr).is_null());
  EXPECT_TRUE(Variant(ObjectPtr()).is_null());
}

TEST(Variant, TakesTheKindOfWhatItIsMadeOf) {
  EXPECT_EQ(Variant(true).kind(), Kind::kBool);
  EXPECT_EQ(Variant(1).kind(), Kind::kInt);
  EXPECT_EQ(Variant(1u).kind(), Kind::kInt);
  EXPECT_EQ(Variant(std::size_t{1}).kind(), Kind::kInt);
  EXPECT_EQ(Variant(1.5f).kind(), Kind::kFloat);
  EXPECT_EQ(Variant("text").kind(), Kind::kStr);
  EXPECT_EQ(Variant(std::string_view("text")).kind(), Kind::kStr);
  EXPECT_EQ(Variant(Bytes("raw")).kind(), Kind::kBytes);
  EXPECT_EQ(Variant(Dict()).kind(), Kind::kDict);
  EXPECT_EQ(Variant(Uuid()).kind(), Kind::kUuid);
  EXPECT_EQ(Variant(make_array(DType::of<double>(), {1})).kind(), Kind::kArray);
}

TEST(Variant, IsNotMadeOfPointers) {
  EXPECT_FALSE((std::is_constructible_v<Variant, int*>));
  EXPECT_FALSE((std::is_constructible_v<Variant, const void*>));
}

TEST(Variant, RefusesIntegersPast63Bits) {
  EXPECT_EQ(Variant(std::uint64_t{9223372036854775807u}).as<std::int64_t>(),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(refusal([] { Variant v(std::uint64_t{1} << 63); }),
            "overflow: integer 9223372036854775808 does not fit in 64 bits with sign");
}

TEST(Variant, NamesBothKindsWhenAskedForAnother) {
  EXPECT_EQ(refusal([] { (void)Variant("x").as<std::int64_t>(); }),
            "wrongType: expected int, got str");
  EXPECT_EQ(refusal([] { (void)Variant().as<List>(); }), "wrongType: expected list, got null");
  EXPECT_EQ(refusal([] { (void)Variant(1).as_array(); }), "wrongType: expected array, got int");
}

TEST(Variant, ChangesWhatItHolds) {
  Variant value = List{{1, "two"}};
  value.as<List>().items.push_back(3.0);
  EXPECT_EQ(value, Variant(List{{1, "two", 3.0}}));
  EXPECT_EQ(value.get_if<Tuple>(), nullptr);
}

TEST(Variant, SharesBytesAndArraysWhenCopied) {
  const Variant bytes = Bytes("raw");
  const Variant copied = bytes;
  EXPECT_EQ(bytes.as<Bytes>().span().data(), copied.as<Bytes>().span().data());
  const Variant array = make_array(DType::of<double>(), {2});
  const Variant same = array;
  EXPECT_EQ(array.as_array().data, same.as_array().data);
}

TEST(Variant, DropsAListNestedAMillionDeep) {
  int live = 0;
  {
    Variant value = ObjectPtr(std::make_shared<Dummy>(live));
    for (int i = 0; i < kDeep; ++i) {
      List outer;
      outer.items.push_back(std::move(value));
      value = std::move(outer);
    }
    EXPECT_EQ(live, 1);
  }
  EXPECT_EQ(live, 0);
}

TEST(Variant, DropsEveryKindOfContainerNestedDeep) {
  int live = 0;
  {
    Variant value;
    for (int i = 0; i < kDeep / 50; ++i) {
      Variant marker = ObjectPtr(std::make_shared<Dummy>(live));
      value = around<Tuple>(std::move(value), 1);
      value = around<Set>(std::move(value), std::move(marker));
      value = around<FrozenSet>(std::move(value), List{{1, List{{2}}}});
      Dict dict;
      dict.entries.emplace_back("a", List{{1}});
      // Deep by turns in the key and in the value.
      if (i % 2 == 0) {
        dict.entries.emplace_back(std::move(value), Tuple{{1}});
      } else {
        dict.entries.emplace_back(Tuple{{1, Tuple{{2}}}}, std::move(value));
      }
      dict.entries.emplace_back("z", Dict());
      value = std::move(dict);
    }
    EXPECT_EQ(live, kDeep / 50);
  }
  EXPECT_EQ(live, 0);
}

TEST(Variant, DropsADeepValueWhenAnotherTakesItsPlace) {
  Variant value;
  for (int i = 0; i < kDeep / 5; ++i) {
    List outer;
    outer.items.push_back(std::move(value));
    outer.items.push_back(i);
    value = std::move(outer);
  }
  value = 1;
  EXPECT_EQ(value, Variant(1));
}

TEST(Variant, DropsAWideTreeWhole) {
  int live = 0;
  {
    Variant leaf = ObjectPtr(std::make_shared<Dummy>(live));
    for (int level = 0; level < 6; ++level) {
      List outer;
      for (int i = 0; i < 7; ++i) outer.items.push_back(leaf);
      leaf = std::move(outer);
    }
    EXPECT_EQ(leaf.as<List>().items.size(), 7u);
  }
  EXPECT_EQ(live, 0);
}

// A value of random shape with about `budget` containers, each with a marker in it.
Variant random_tree(std::mt19937& random, int& live, int& budget) {
  const Variant marker = ObjectPtr(std::make_shared<Dummy>(live));
  if (--budget <= 0) return marker;
  const auto child = [&] {
    return random() % 3 == 0 ? Variant(1) : random_tree(random, live, budget);
  };
  if (random() % 2 == 0) {
    List list{{marker}};
    while (random() % 4 != 0) list.items.push_back(child());
    return list;
  }
  Dict dict;
  while (random() % 4 != 0) {
    auto key = child();
    dict.entries.emplace_back(std::move(key), child());
  }
  dict.entries.emplace_back("marker", marker);
  return dict;
}

TEST(Variant, DropsDictsThatAreNestedInKeysAndInValues) {
  int live = 0;
  {
    const auto dict = [&](Variant key, Variant value) {
      Dict made;
      made.entries.emplace_back(std::move(key), std::move(value));
      return Variant(made);
    };
    const auto leaf = [&] { return dict(ObjectPtr(std::make_shared<Dummy>(live)), 1); };
    const Variant both = dict(dict(leaf(), leaf()), dict(leaf(), leaf()));
    EXPECT_EQ(live, 4);
  }
  EXPECT_EQ(live, 0);
}

TEST(Variant, DropsTreesOfAnyShape) {
  std::mt19937 random(1);
  int live = 0;
  for (int i = 0; i < 2000; ++i) {
    int budget = 50;
    random_tree(random, live, budget);
    ASSERT_EQ(live, 0);
  }
}

TEST(Dict, FindsTextKeysOnly) {
  Dict dict;
  dict.entries.emplace_back(1, "number");
  dict.entries.emplace_back("1", "text");
  ASSERT_NE(dict.find("1"), nullptr);
  EXPECT_EQ(*dict.find("1"), Variant("text"));
  EXPECT_EQ(dict.find("2"), nullptr);
}

TEST(Bytes, KeepsACopyOfWhatItWasMadeFrom) {
  std::string text("a\0b", 3);
  const Bytes bytes(text);
  text = "xyz";
  EXPECT_EQ(bytes.view(), std::string_view("a\0b", 3));
  EXPECT_EQ(Bytes().size(), 0u);
  EXPECT_EQ(Bytes(), Bytes(""));
}

TEST(Kind, HasTheNameOfThePythonType) {
  EXPECT_EQ(name_of(Kind::kNull), "null");
  EXPECT_EQ(name_of(Kind::kFrozenSet), "frozenset");
  EXPECT_EQ(name_of(Kind::kTimeDelta), "timedelta");
  EXPECT_EQ(name_of(Kind::kObject), "object");
  EXPECT_EQ(name_of(Kind::kEnum), "enum");
}

}  // namespace
}  // namespace cppipc::variant_test
