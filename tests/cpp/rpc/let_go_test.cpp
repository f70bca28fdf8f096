// SPDX-License-Identifier: Apache-2.0
#include "rpc/let_go.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>
#include <vector>

#include "rpc/cap.h"
#include "rpc/poller.h"
#include "support/leak_check.h"

namespace cppipc::let_go_test {
namespace {

using Note = LetGoList::Note;
using LetGo = test::LeakCheck;

std::vector<std::uint32_t> ids_of(std::unique_ptr<Note> notes) {
  std::vector<std::uint32_t> ids;
  for (; notes; notes = std::move(notes->next)) ids.push_back(notes->id);
  return ids;
}

// Whether the poller was woken since the last look.
bool is_woken(Poller& poller) {
  // A wake-up makes the wait return before its time, and leaves no event.
  const auto begin = std::chrono::steady_clock::now();
  std::array<PollEvent, 1> events;
  poller.wait(events, 50);
  return std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(50);
}

TEST_F(LetGo, NotesComeOutNewestFirst) {
  LetGoList list(nullptr);
  EXPECT_TRUE(list.is_empty());
  for (std::uint32_t id : {1, 2, 3}) list.push(std::make_unique<Note>(id));
  EXPECT_FALSE(list.is_empty());
  EXPECT_EQ(ids_of(list.take()), (std::vector<std::uint32_t>{3, 2, 1}));
  EXPECT_TRUE(list.is_empty());
  EXPECT_EQ(list.take(), nullptr);
}

TEST_F(LetGo, AMillionNotesAreDroppedWithoutDeepRecursion) {
  LetGoList list(nullptr);
  for (std::uint32_t id = 0; id < 1'000'000; ++id) list.push(std::make_unique<Note>(id));
  LetGoList::drop(list.take());
  for (std::uint32_t id = 0; id < 1'000'000; ++id) list.push(std::make_unique<Note>(id));
}

TEST_F(LetGo, ManyThreadsPushWhileOneTakes) {
  constexpr std::uint32_t kThreads = 4, kEach = 20'000;
  LetGoList list(nullptr);
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < kEach; ++i) {
        list.push(std::make_unique<Note>(thread * kEach + i));
      }
    });
  }
  std::set<std::uint32_t> seen;
  EXPECT_TRUE(test::eventually([&] {
    for (const auto id : ids_of(list.take())) EXPECT_TRUE(seen.insert(id).second);
    return seen.size() == kThreads * kEach;
  }));
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(list.is_empty());
}

TEST_F(LetGo, TheFirstNoteAfterArmingWakesThePoller) {
  const auto poller = std::make_shared<Poller>();
  LetGoList list(poller);
  list.push(std::make_unique<Note>(1));
  EXPECT_FALSE(is_woken(*poller));
  list.arm();
  list.push(std::make_unique<Note>(2));
  EXPECT_TRUE(is_woken(*poller));
  list.push(std::make_unique<Note>(3));
  EXPECT_FALSE(is_woken(*poller));
  list.arm();
  list.push(std::make_unique<Note>(4));
  EXPECT_TRUE(is_woken(*poller));
}

TEST_F(LetGo, NoNoteIsMissedByAReaderThatSleeps) {
  constexpr std::uint32_t kNotes = 20'000;
  const auto poller = std::make_shared<Poller>();
  LetGoList list(poller);
  std::thread pusher([&] {
    for (std::uint32_t i = 0; i < kNotes; ++i) list.push(std::make_unique<Note>(i));
  });
  std::size_t taken = 0;
  std::array<PollEvent, 1> events;
  while (taken < kNotes) {
    taken += ids_of(list.take()).size();
    list.arm();
    if (!list.is_empty() || taken == kNotes) continue;
    const auto begin = std::chrono::steady_clock::now();
    poller->wait(events, 30'000);
    // A note that was missed would leave us here until the time is up.
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(29));
  }
  pusher.join();
}

TEST_F(LetGo, AnImportLeavesANoteWhenItsLastShareGoes) {
  const auto list = std::make_shared<ImportSource>(nullptr);
  auto import = list->make(42);
  auto other = import;
  EXPECT_EQ(import->id(), 42u);
  EXPECT_EQ(import->connection(), list.get());
  import.reset();
  EXPECT_TRUE(list->is_empty());
  other.reset();
  EXPECT_EQ(ids_of(list->take()), (std::vector<std::uint32_t>{42}));
}

}  // namespace
}  // namespace cppipc::let_go_test
