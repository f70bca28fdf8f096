// SPDX-License-Identifier: Apache-2.0
#include <cppipc/iterator.h>

#include <cppipc/registry.h>

#include <gtest/gtest.h>

#include <map>
#include <ranges>
#include <set>

#include "values/calling.h"

namespace cppipc::iterator_test {
namespace {

using test::call;
using test::call_method;
using test::create;
using test::refusal;

struct Bag {
  std::vector<int> items{1, 2, 3};
  std::map<std::string, int> named{{"a", 1}, {"b", 2}};
  auto begin() { return items.begin(); }
  auto end() { return items.end(); }
};

std::shared_ptr<IteratorSource> iterator_of(const Variant& value) {
  return std::dynamic_pointer_cast<IteratorSource>(value.as<ObjectPtr>());
}

// The items of an exposed Bag that is iterated as `how` registers it.
template <class... How>
List items_of(How... how) {
  Registry registry;
  registry.type<Bag>("Bag").init().iterable(how...);
  const Variant bag = create(registry, "Bag");
  auto [items, is_done] =
      iterator_of(call_method(registry, bag, "__iter__"))->next_batch(IteratorSource::kBatchMax);
  EXPECT_TRUE(is_done);
  return items;
}

TEST(Iterable, GoesThroughWhateverIsARange) {
  const List expected{{1, 2, 3}};
  EXPECT_EQ(items_of(), expected);
  EXPECT_EQ(items_of("With a doc."), expected);
  EXPECT_EQ(items_of(&Bag::items), expected);
  EXPECT_EQ(items_of(&Bag::begin, &Bag::end), expected);
  EXPECT_EQ(items_of([](Bag& bag) { return bag.items; }), expected);
  EXPECT_EQ(items_of([](Bag& bag) { return std::set<int>(bag.begin(), bag.end()); }), expected);
  EXPECT_EQ(items_of([](Bag& bag) { return std::views::reverse(bag.items); }), (List{{3, 2, 1}}));
}

TEST(Iterable, GivesThePairsOfAMap) {
  EXPECT_EQ(items_of(&Bag::named), (List{{Tuple{{"a", 1}}, Tuple{{"b", 2}}}}));
}

TEST(Iterable, CallsAGeneratorForEachItem) {
  EXPECT_EQ(items_of([](Bag&) {
              return [n = 0]() mutable { return n < 2 ? std::optional(n++) : std::nullopt; };
            }),
            (List{{0, 1}}));
}

TEST(Iterable, IsDescribedByItsItems) {
  Registry registry;
  registry.type<Bag>("Bag").iterable(&Bag::named);
  EXPECT_EQ(registry.describe("1").types[0].methods[0].result, "Iterator[tuple[str, int]]");
}

TEST(Iterator, GivesBatchesUntilItIsDone) {
  Registry registry;
  registry.function("count", [] {
    return Iterator<int>([n = 0]() mutable { return n < 5 ? std::optional(n++) : std::nullopt; });
  });
  const auto iterator = iterator_of(call(registry, "count"));
  EXPECT_EQ(iterator->next_batch(3), std::pair(List{{0, 1, 2}}, false));
  EXPECT_EQ(iterator->next_batch(3), std::pair(List{{3, 4}}, true));
  EXPECT_EQ(iterator->next_batch(3), std::pair(List{}, true));
}

TEST(Iterator, ItemsThatCameBeforeAnErrorAreGivenFirst) {
  Registry registry;
  registry.function("fail", [] {
    return Iterator<int>([n = 0]() mutable {
      if (n == 2) throw Error(ErrorKind::kDomain, "too far");
      return std::optional(n++);
    });
  });
  const auto iterator = iterator_of(call(registry, "fail"));
  EXPECT_EQ(iterator->next_batch(10), std::pair(List{{0, 1}}, false));
  EXPECT_EQ(refusal([&] { iterator->next_batch(10); }), "domain: too far");
  EXPECT_EQ(iterator->next_batch(10), std::pair(List{}, true));
}

TEST(Iterator, LargeItemsMakeSmallBatches) {
  Registry registry;
  registry.function("texts", [] {
    return Iterator<std::string>([] { return std::optional(std::string(1 << 20, 'x')); });
  });
  EXPECT_EQ(iterator_of(call(registry, "texts"))->next_batch(100).first.items.size(), 1u);
}

TEST(Iterator, LetsGoOfWhatItNeededAtTheEnd) {
  const auto kept = std::make_shared<int>(1);
  Registry registry;
  registry.function("once", [kept] {
    return Iterator<int>([own = std::make_shared<int>(*kept), kept]() mutable {
      return std::exchange(own, nullptr) ? std::optional(1) : std::nullopt;
    });
  });
  const auto before = kept.use_count();
  const auto iterator = iterator_of(call(registry, "once"));
  EXPECT_EQ(kept.use_count(), before + 1);
  EXPECT_TRUE(iterator->next_batch(10).second);
  EXPECT_EQ(kept.use_count(), before);
}

}  // namespace
}  // namespace cppipc::iterator_test
