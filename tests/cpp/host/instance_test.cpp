// SPDX-License-Identifier: Apache-2.0
#include "host/instance.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>

namespace cppipc::instance_test {
namespace {

struct Named final : Ticket {
  explicit Named(std::string name) : name(std::move(name)) {}
  std::string name;
};
using Objects = std::vector<std::shared_ptr<Instance>>;
using Names = std::vector<std::string>;

class InstanceTest : public testing::Test {
 protected:
  InstanceTest() { safe_.is_thread_safe = true; }

  std::shared_ptr<Instance> object(bool is_safe = false) {
    const auto thing = std::make_shared<int>(0);
    return instances_->find_or_add(LocalObject(thing, is_safe ? safe_ : plain_));
  }
  // True if it may run at once; it then runs until end().
  bool enter(const std::string& name, const Objects& objects, std::uint64_t session = 1,
             std::uint64_t chain = 0) {
    auto ticket = order_.enter(std::make_unique<Named>(name), objects, session, chain);
    if (!ticket) return false;
    running_[name] = std::move(ticket);
    return true;
  }
  // Ends a running one; the names of those that run now because of that.
  Names end(const std::string& name) {
    const auto ticket = std::move(running_.at(name));
    running_.erase(name);
    return run(order_.leave(*ticket));
  }
  Names run(std::vector<std::unique_ptr<Ticket>> tickets) {
    Names names;
    for (auto& ticket : tickets) {
      names.push_back(static_cast<Named&>(*ticket).name);
      running_[names.back()] = std::move(ticket);
    }
    return names;
  }

  TypeInfo plain_, safe_;
  std::shared_ptr<Instances> instances_ = std::make_shared<Instances>();
  Order order_;
  std::map<std::string, std::unique_ptr<Ticket>> running_;
};

TEST_F(InstanceTest, OneObjectIsOneInstanceWhileItLives) {
  const auto thing = std::make_shared<int>(0);
  auto first = instances_->find_or_add(LocalObject(thing, plain_));
  EXPECT_EQ(instances_->find_or_add(LocalObject(thing, plain_)), first);
  EXPECT_EQ(first->object(), thing);
  EXPECT_NE(instances_->find_or_add(LocalObject(std::make_shared<int>(0), plain_)), first);
  const auto id = first->id();
  first.reset();
  // Exposed anew, it is a new one.
  EXPECT_NE(instances_->find_or_add(LocalObject(thing, plain_))->id(), id);
}

TEST_F(InstanceTest, AnObjectAndItsFirstMemberAreTwoInstances) {
  const auto thing = std::make_shared<int>(0);
  TypeInfo member;
  const auto whole = instances_->find_or_add(LocalObject(thing, plain_));
  auto first = instances_->find_or_add(LocalObject(thing, member));
  EXPECT_NE(first, whole);
  EXPECT_EQ(&first->type(), &member);
  first.reset();
  EXPECT_EQ(instances_->find_or_add(LocalObject(thing, plain_)), whole);
  EXPECT_NE(instances_->find_or_add(LocalObject(thing, member)), whole);
}

// Threads let go of an object's instance while others expose it anew.
TEST_F(InstanceTest, AnObjectNeverHasTwoInstancesAtOneTime) {
  const auto thing = std::make_shared<int>(0);
  const LocalObject object(thing, plain_);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const auto one = instances_->find_or_add(object);
        const auto other = instances_->find_or_add(object);
        ASSERT_EQ(one, other);
        ASSERT_EQ(one->object(), thing);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(thing.use_count(), 2);  // ours and that of `object`
}

TEST_F(InstanceTest, AnInstanceSharesItsObject) {
  auto thing = std::make_shared<int>(0);
  std::weak_ptr<int> weak = thing;
  auto instance = instances_->find_or_add(LocalObject(thing, plain_));
  thing.reset();
  EXPECT_FALSE(weak.expired());
  instance.reset();
  EXPECT_TRUE(weak.expired());
}

TEST_F(InstanceTest, IdsDiffer) {
  std::set<std::array<std::uint8_t, 16>> ids;
  Objects kept;
  for (int i = 0; i < 100; ++i) {
    kept.push_back(object());
    EXPECT_TRUE(ids.insert(kept.back()->id()).second);
  }
}

TEST_F(InstanceTest, CallsOnOneObjectRunOneByOneInTheOrderTheyCame) {
  const auto a = object();
  EXPECT_TRUE(enter("1", {a}));
  EXPECT_FALSE(enter("2", {a}));
  EXPECT_FALSE(enter("3", {a}, 2));
  EXPECT_EQ(order_.waiting(), 2u);
  EXPECT_EQ(end("1"), (Names{"2"}));
  EXPECT_EQ(end("2"), (Names{"3"}));
  EXPECT_EQ(end("3"), (Names{}));
  EXPECT_EQ(order_.waiting(), 0u);
  EXPECT_TRUE(enter("4", {a}));
  end("4");
}

TEST_F(InstanceTest, ManyCallsWaitForOneObjectAndSomeOfThemGo) {
  const auto a = object();
  Names wanted;
  EXPECT_TRUE(enter("first", {a}));
  for (int i = 0; i < 100; ++i) {
    const auto name = std::to_string(i);
    EXPECT_FALSE(enter(name, {a}, i % 3 == 0 ? 2 : 1));
    if (i % 3 != 0) wanted.push_back(name);
  }
  std::vector<std::unique_ptr<Ticket>> freed;
  EXPECT_EQ(order_.drop(2, freed).size(), 34u);
  EXPECT_TRUE(freed.empty());
  Names seen;
  for (auto next = end("first"); !next.empty(); next = end(next[0])) seen.push_back(next[0]);
  EXPECT_EQ(seen, wanted);
  EXPECT_TRUE(enter("last", {a}));
  end("last");
}

TEST_F(InstanceTest, CallsWithoutObjectsAndOnOthersRunAtOnce) {
  const auto a = object(), b = object();
  EXPECT_TRUE(enter("1", {a}));
  EXPECT_TRUE(enter("2", {b}));
  EXPECT_TRUE(enter("3", {}));
  EXPECT_TRUE(enter("4", {}));
  for (const char* name : {"1", "2", "3", "4"}) EXPECT_TRUE(end(name).empty());
}

TEST_F(InstanceTest, ThreadSafeObjectsAreNeverHeld) {
  const auto safe = object(true);
  EXPECT_TRUE(enter("1", {safe}));
  EXPECT_TRUE(enter("2", {safe}));
  end("1");
  end("2");
}

TEST_F(InstanceTest, AnObjectNamedTwiceIsHeldOnce) {
  const auto a = object();
  EXPECT_TRUE(enter("1", {a, a, a}));
  EXPECT_FALSE(enter("2", {a, a}));
  EXPECT_EQ(end("1"), (Names{"2"}));
  EXPECT_EQ(end("2"), (Names{}));
}

TEST_F(InstanceTest, ACallRunsOnlyWithAllItsObjects) {
  const auto a = object(), b = object(), c = object();
  EXPECT_TRUE(enter("a", {a}));
  EXPECT_TRUE(enter("b", {b}));
  EXPECT_FALSE(enter("all", {c, b, a}));
  EXPECT_FALSE(enter("c", {c}));  // behind one that waits
  EXPECT_EQ(end("a"), (Names{}));
  EXPECT_EQ(end("b"), (Names{"all"}));
  EXPECT_EQ(end("all"), (Names{"c"}));
  end("c");
}

TEST_F(InstanceTest, AnEndMayFreeMany) {
  const auto a = object(), b = object();
  EXPECT_TRUE(enter("both", {a, b}));
  EXPECT_FALSE(enter("a", {a}));
  EXPECT_FALSE(enter("b", {b}));
  auto freed = end("both");
  std::sort(freed.begin(), freed.end());
  EXPECT_EQ(freed, (Names{"a", "b"}));
  end("a");
  end("b");
}

TEST_F(InstanceTest, ACallOfAChainWaitsForItsOwnChainToo) {
  const auto a = object();
  EXPECT_TRUE(enter("outer", {a}, 1, 100));
  EXPECT_FALSE(enter("inner", {a}, 1, 100));
  EXPECT_EQ(end("outer"), (Names{"inner"}));
  end("inner");
}

TEST_F(InstanceTest, ACallOfTheChainThatHoldsAnObjectEntersItWhileItIsLent) {
  const auto a = object(), b = object();
  EXPECT_TRUE(enter("outer", {a}, 1, 100));
  order_.lend(*running_.at("outer"));
  EXPECT_TRUE(enter("inner", {a}, 1, 100));
  EXPECT_FALSE(enter("inner with another", {a, b}, 1, 100));  // one at a time even so
  EXPECT_FALSE(enter("a chain of that number in another session", {a}, 2, 100));
  EXPECT_FALSE(enter("another chain", {a}, 1, 101));
  EXPECT_EQ(end("inner"), (Names{"inner with another"}));
  EXPECT_EQ(end("inner with another"), (Names{}));
  order_.take_back(*running_.at("outer"));
  EXPECT_FALSE(enter("too late", {a}, 1, 100));
  EXPECT_EQ(end("outer"), (Names{"a chain of that number in another session"}));
}

TEST_F(InstanceTest, AnObjectIsTakenBackOnlyWhenNestedCallsHaveLeft) {
  const auto a = object();
  EXPECT_TRUE(enter("outer", {a}, 1, 100));
  order_.lend(*running_.at("outer"));
  EXPECT_TRUE(enter("inner", {a}, 1, 100));
  std::atomic<bool> is_back{false};
  std::thread outer([&, ticket = running_.at("outer").get()] {
    order_.take_back(*ticket);
    is_back = true;
  });
  EXPECT_FALSE(is_back);
  EXPECT_EQ(end("inner"), (Names{}));
  outer.join();
  EXPECT_TRUE(is_back);
  EXPECT_EQ(end("outer"), (Names{}));
}

TEST_F(InstanceTest, ANestedCallWaitsForNoneThatWaitsForItsLender) {
  const auto a = object(), b = object();
  EXPECT_TRUE(enter("outer", {a}, 1, 100));
  EXPECT_FALSE(enter("waits for a", {a, b}, 2));  // and has b
  order_.lend(*running_.at("outer"));
  EXPECT_TRUE(enter("inner", {b}, 1, 100));
  EXPECT_FALSE(enter("behind", {b}, 3));
  EXPECT_EQ(end("inner"), (Names{}));
  order_.take_back(*running_.at("outer"));
  EXPECT_EQ(end("outer"), (Names{"waits for a"}));
  EXPECT_EQ(end("waits for a"), (Names{"behind"}));
}

TEST_F(InstanceTest, LendersThatWaitForEachOtherLetEachOtherIn) {
  const auto a = object(), b = object(), c = object();
  for (const auto& [name, held] : {std::pair("1", a), std::pair("2", b), std::pair("3", c)}) {
    EXPECT_TRUE(enter(name, {held}, 1, 100 + static_cast<std::uint64_t>(name[0])));
    order_.lend(*running_.at(name));
  }
  EXPECT_FALSE(enter("1 in 2", {b}, 1, 100 + '1'));
  EXPECT_FALSE(enter("2 in 3", {c}, 1, 100 + '2'));
  EXPECT_TRUE(enter("3 in 1", {a}, 1, 100 + '3'));
  EXPECT_EQ(end("3 in 1"), (Names{}));
  order_.take_back(*running_.at("3"));
  EXPECT_EQ(end("3"), (Names{"2 in 3"}));
  end("2 in 3");
  order_.take_back(*running_.at("2"));
  EXPECT_EQ(end("2"), (Names{"1 in 2"}));
  end("1 in 2");
  order_.take_back(*running_.at("1"));
  EXPECT_EQ(end("1"), (Names{}));
}

TEST_F(InstanceTest, WaitingCallsOfASessionAreDroppedAndOthersMoveUp) {
  const auto a = object(), b = object();
  EXPECT_TRUE(enter("holder", {a}, 1));
  EXPECT_FALSE(enter("mine 1", {a, b}, 2));
  EXPECT_FALSE(enter("other", {b}, 3));
  EXPECT_FALSE(enter("mine 2", {a}, 2));
  EXPECT_FALSE(enter("last", {a}, 3));
  std::vector<std::unique_ptr<Ticket>> freed;
  const auto dropped = order_.drop(2, freed);
  EXPECT_EQ(dropped.size(), 2u);
  EXPECT_EQ(run(std::move(freed)), (Names{"other"}));
  EXPECT_EQ(end("holder"), (Names{"last"}));
  end("other");
  end("last");
  EXPECT_EQ(order_.waiting(), 0u);
}

TEST_F(InstanceTest, RunningCallsOfADroppedSessionKeepTheirObjects) {
  const auto a = object();
  EXPECT_TRUE(enter("mine", {a}, 2));
  EXPECT_FALSE(enter("other", {a}, 3));
  std::vector<std::unique_ptr<Ticket>> freed;
  EXPECT_TRUE(order_.drop(2, freed).empty());
  EXPECT_TRUE(freed.empty());
  EXPECT_EQ(end("mine"), (Names{"other"}));
  end("other");
}

TEST_F(InstanceTest, AWaitingCallKeepsItsObjects) {
  auto a = object();
  std::weak_ptr<Instance> weak = a;
  EXPECT_TRUE(enter("1", {a}));
  EXPECT_FALSE(enter("2", {a}));
  a.reset();
  end("1");
  EXPECT_FALSE(weak.expired());
  end("2");
  EXPECT_TRUE(weak.expired());
}

// Any mix of calls on any objects comes to an end, and no object is ever used twice at one time.
TEST_F(InstanceTest, NoMixOfCallsEverStops) {
  std::mt19937 random(20240229);
  Objects objects;
  for (int i = 0; i < 5; ++i) objects.push_back(object());
  std::map<std::string, std::vector<std::size_t>> wants;
  std::vector<int> users(objects.size());
  std::vector<int> order_seen(objects.size(), -1);
  const auto begin = [&](const std::string& name) {
    for (const auto i : wants[name]) {
      EXPECT_EQ(users[i]++, 0);
      EXPECT_GT(std::stoi(name), order_seen[i]);
      order_seen[i] = std::stoi(name);
    }
  };
  int entered = 0, ended = 0;
  while (ended < 3000) {
    const bool may_enter = entered < 3000 && running_.size() + order_.waiting() < 40;
    if (may_enter && (running_.empty() || random() % 2 == 0)) {
      const auto name = std::to_string(entered++);
      Objects wanted;
      for (std::size_t i = 0; i < objects.size(); ++i) {
        if (random() % 3 == 0) {
          wanted.push_back(objects[i]);
          wants[name].push_back(i);
        }
      }
      if (enter(name, wanted)) begin(name);
    } else {
      ASSERT_FALSE(running_.empty()) << "nothing runs and " << order_.waiting() << " wait";
      auto chosen = running_.begin();
      std::advance(chosen, static_cast<long>(random() % running_.size()));
      const auto name = chosen->first;
      for (const auto i : wants[name]) --users[i];
      for (const auto& freed : end(name)) begin(freed);
      ++ended;
    }
  }
}

}  // namespace
}  // namespace cppipc::instance_test
