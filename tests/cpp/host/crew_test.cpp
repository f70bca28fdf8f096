// SPDX-License-Identifier: Apache-2.0
#include "host/crew.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <set>
#include <thread>
#include <vector>

#include "support/leak_check.h"

namespace cppipc::crew_test {
namespace {

using test::eventually;
using test::Gate;

class FunctionTask final : public Task {
 public:
  explicit FunctionTask(std::function<void()> function, bool is_blocking = false)
      : function_(std::move(function)), is_blocking_(is_blocking) {}
  void run() override { function_(); }
  bool is_blocking() const override { return is_blocking_; }

 private:
  std::function<void()> function_;
  bool is_blocking_;
};

// A crew whose socket is a list: what is delivered arrives as tasks at the leader's next poll.
class CrewTest : public test::LeakCheck {
 protected:
  void start(unsigned running_max = 64) {
    crew_ = std::make_shared<Crew>([this](bool may_wait) { poll(may_wait); }, [this] { wake(); },
                                   running_max);
    crew_->start();
  }
  void TearDown() override {
    if (crew_) crew_->stop();
    crew_.reset();
    EXPECT_EQ(polls_at_once_, 0);
    LeakCheck::TearDown();
  }

  void deliver(std::function<void()> function, bool is_blocking = false) {
    {
      std::lock_guard lock(mutex_);
      arrivals_.push_back(std::make_unique<FunctionTask>(std::move(function), is_blocking));
    }
    arrived_.notify_all();
  }
  void wake() {
    {
      std::lock_guard lock(mutex_);
      is_woken_ = true;
    }
    ++wakes_;
    arrived_.notify_all();
  }
  void poll(bool may_wait) {
    EXPECT_EQ(polls_at_once_.fetch_add(1), 0) << "two threads lead";
    std::vector<std::unique_ptr<Task>> tasks;
    {
      std::unique_lock lock(mutex_);
      if (may_wait) arrived_.wait(lock, [this] { return is_woken_ || !arrivals_.empty(); });
      is_woken_ = false;
      tasks.swap(arrivals_);
    }
    for (auto& task : tasks) crew_->post(std::move(task));
    polls_at_once_.fetch_sub(1);
  }

  std::shared_ptr<Crew> crew_;
  std::atomic<int> polls_at_once_{0};
  std::atomic<int> wakes_{0};

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::unique_ptr<Task>> arrivals_;
  bool is_woken_ = false;
};

TEST_F(CrewTest, ATaskRunsOnceOnAThreadOfTheCrew) {
  start();
  std::atomic<int> runs{0};
  deliver([&] {
    EXPECT_EQ(crew_->running(), 1u);
    ++runs;
  });
  EXPECT_TRUE(eventually([&] { return runs == 1 && crew_->running() == 0; }));
}

TEST_F(CrewTest, ThousandsOfShortTasksAllRun) {
  start();
  std::atomic<int> runs{0};
  for (int i = 0; i < 5000; ++i) deliver([&] { ++runs; });
  EXPECT_TRUE(eventually([&] { return runs == 5000; }));
  EXPECT_LE(crew_->threads(), 12u);
}

TEST_F(CrewTest, ASlowTaskDoesNotKeepOthersFromRunning) {
  start();
  Gate gate;
  std::atomic<int> runs{0};
  deliver([&] { EXPECT_TRUE(gate.wait()); });
  EXPECT_TRUE(eventually([&] { return crew_->running() == 1; }));
  for (int i = 0; i < 100; ++i) {
    const int before = runs;
    deliver([&] { ++runs; });
    EXPECT_TRUE(eventually([&] { return runs == before + 1; }));
  }
  gate.open();
  EXPECT_TRUE(eventually([&] { return crew_->running() == 0; }));
}

TEST_F(CrewTest, ATaskPostedWhileTheCrewStopsLivesUntilItsThreadsAreGone) {
  // The host's order of calls knows a call as soon as it has arrived, and the leader may handle
  // another one of the same object after it.
  struct Watched final : Task {
    explicit Watched(std::atomic<bool>& is_alive) : is_alive(is_alive) { is_alive = true; }
    ~Watched() override { is_alive = false; }
    void run() override { ADD_FAILURE() << "it ran"; }
    std::atomic<bool>& is_alive;
  };
  std::atomic<bool> is_alive{false};
  Gate polling, woken;
  std::shared_ptr<Crew> crew;
  crew = std::make_shared<Crew>(
      [&](bool) {
        polling.open();
        EXPECT_TRUE(woken.wait());
        crew->post(std::make_unique<Watched>(is_alive));
        EXPECT_TRUE(is_alive);
      },
      [&] { woken.open(); }, 64);
  crew->start();
  EXPECT_TRUE(polling.wait());
  crew->stop();
  EXPECT_FALSE(is_alive);
}

TEST_F(CrewTest, ManySlowTasksRunAtOnceAndTheirThreadsLeaveAfterwards) {
  start();
  Gate gate;
  std::atomic<int> begun{0};
  for (int i = 0; i < 40; ++i) {
    deliver([&] {
      ++begun;
      EXPECT_TRUE(gate.wait());
    });
  }
  EXPECT_TRUE(eventually([&] { return begun == 40; }));
  EXPECT_EQ(crew_->running(), 40u);
  EXPECT_GE(crew_->threads(), 40u);
  gate.open();
  EXPECT_TRUE(eventually([&] { return crew_->running() == 0 && crew_->threads() <= 10; }));
}

TEST_F(CrewTest, NoMoreThanTheLimitRunAtOnceAndTheOthersFollow) {
  start(3);
  Gate gate;
  std::atomic<int> inside{0}, done{0};
  for (int i = 0; i < 10; ++i) {
    deliver([&] {
      EXPECT_LE(++inside, 3);
      EXPECT_TRUE(gate.wait());
      --inside;
      ++done;
    });
  }
  EXPECT_TRUE(eventually([&] { return inside == 3; }));
  EXPECT_EQ(crew_->running(), 3u);
  gate.open();
  EXPECT_TRUE(eventually([&] { return done == 10 && crew_->running() == 0; }));
}

TEST_F(CrewTest, ABlockingTaskHandsTheLeadOnBeforeItBegins) {
  start();
  Gate gate;
  std::atomic<bool> ran{false};
  deliver([&] { EXPECT_TRUE(gate.wait()); }, true);
  deliver([&] { ran = true; });
  EXPECT_TRUE(eventually([&] { return ran.load(); }));
  gate.open();
  EXPECT_TRUE(eventually([&] { return crew_->running() == 0; }));
}

TEST_F(CrewTest, ATaskThatWaitsLeadsUntilThereIsAnotherToRun) {
  start();
  Waiter first, second;
  std::atomic<bool> is_over{false};
  deliver([&] {
    crew_->wait(first);
    crew_->wait(second);
    is_over = true;
  });
  deliver([&] { first.finish(); });
  deliver([&] {
    EXPECT_TRUE(eventually([&] { return first.is_done(); }));
    EXPECT_FALSE(is_over);
    second.finish();
  });
  EXPECT_TRUE(eventually([&] { return is_over && crew_->running() == 0; }));
}

TEST_F(CrewTest, ATaskMayPostAnother) {
  start();
  std::atomic<int> runs{0};
  std::function<void()> next = [&] {
    if (++runs < 100) crew_->post(std::make_unique<FunctionTask>(next));
  };
  deliver(next);
  EXPECT_TRUE(eventually([&] { return runs == 100; }));
}

TEST_F(CrewTest, ATaskPostedByAStrangerRunsWithoutFurtherArrivals) {
  start();
  // Let the leader wait first.
  std::atomic<int> runs{0};
  deliver([&] { ++runs; });
  EXPECT_TRUE(eventually([&] { return runs == 1 && crew_->running() == 0; }));
  for (int i = 0; i < 50; ++i) {
    crew_->post(std::make_unique<FunctionTask>([&] { ++runs; }));
    EXPECT_TRUE(eventually([&] { return runs == 2 + i; }));
  }
}

TEST_F(CrewTest, TasksPostedByASlowTaskRunAlthoughItGoesOn) {
  start();
  Gate gate;
  std::atomic<int> runs{0};
  deliver([&] {
    for (int i = 0; i < 3; ++i) crew_->post(std::make_unique<FunctionTask>([&] { ++runs; }));
    EXPECT_TRUE(eventually([&] { return runs == 3; }));
    gate.open();
  });
  EXPECT_TRUE(gate.wait());
  EXPECT_TRUE(eventually([&] { return crew_->running() == 0; }));
}

TEST_F(CrewTest, WaitingUntilIdleEndsWithTheLastTask) {
  start();
  EXPECT_TRUE(crew_->wait_until_idle(std::chrono::milliseconds(0)));
  Gate gate;
  std::atomic<bool> is_done{false};
  deliver([&] {
    EXPECT_TRUE(gate.wait());
    is_done = true;
  });
  EXPECT_TRUE(eventually([&] { return crew_->running() == 1; }));
  EXPECT_FALSE(crew_->wait_until_idle(std::chrono::milliseconds(10)));
  std::thread opener([&] { gate.open(); });
  EXPECT_TRUE(crew_->wait_until_idle(test::kDeadline));
  EXPECT_TRUE(is_done);
  opener.join();
}

TEST_F(CrewTest, StoppingDropsWhatHasNotBegunAndWaitsForWhatHas) {
  start(1);
  Gate gate;
  std::atomic<bool> is_done{false}, has_begun{false};
  deliver([&] {
    has_begun = true;
    EXPECT_TRUE(gate.wait());
    is_done = true;
  });
  EXPECT_TRUE(eventually([&] { return has_begun.load(); }));
  struct Dropped final : Task {
    explicit Dropped(std::atomic<int>& count) : count(count) {}
    ~Dropped() override { ++count; }
    void run() override { ADD_FAILURE() << "it began"; }
    std::atomic<int>& count;
  };
  std::atomic<int> dropped{0};
  for (int i = 0; i < 5; ++i) crew_->post(std::make_unique<Dropped>(dropped));
  const int wakes = wakes_;
  std::thread opener([&] {
    EXPECT_TRUE(eventually([&] { return wakes_ > wakes; }));  // it is being stopped
    EXPECT_EQ(dropped, 0);
    gate.open();
  });
  crew_->stop();
  EXPECT_TRUE(is_done);
  EXPECT_EQ(dropped, 5);
  EXPECT_EQ(crew_->threads(), 0u);
  crew_->post(std::make_unique<Dropped>(dropped));
  EXPECT_EQ(dropped, 6);
  opener.join();
}

TEST_F(CrewTest, ItMayStopAtOnceAndTwice) {
  for (int round = 0; round < 50; ++round) {
    start();
    crew_->stop();
    crew_->stop();
    EXPECT_EQ(crew_->threads(), 0u);
  }
}

}  // namespace
}  // namespace cppipc::crew_test
