// SPDX-License-Identifier: Apache-2.0
#include "host/bulk_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

namespace cppipc::bulk_budget_test {
namespace {

Error refusal_of(BulkBudget& budget, std::uint64_t bytes) {
  try {
    budget.charge(bytes);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "was charged";
  return Error(ErrorKind::kRemote, "");
}

TEST(BulkBudget, CountsUpToItsLimit) {
  const auto total = std::make_shared<BulkTotal>(1000);
  BulkBudget budget(total, 100);
  budget.charge(60);
  budget.charge(40);
  const Error error = refusal_of(budget, 7);
  EXPECT_EQ(error.kind(), ErrorKind::kQuotaExceeded);
  EXPECT_THAT(error.what(),
              testing::AllOf(testing::HasSubstr("7 bytes"), testing::HasSubstr("100 bytes"),
                             testing::HasSubstr("--bulk-mib")));
  EXPECT_EQ(budget.held(), 100u);
  budget.discharge(40);
  budget.charge(40);
  EXPECT_EQ(total->held, 100u);
}

TEST(BulkBudget, IsRefusedByTheTotalAsAWhole) {
  const auto total = std::make_shared<BulkTotal>(150);
  BulkBudget first(total, 100);
  BulkBudget second(total, 100);
  first.charge(100);
  EXPECT_THAT(refusal_of(second, 60).what(), testing::HasSubstr("--bulk-total-mib"));
  EXPECT_EQ(second.held(), 0u);
  second.charge(50);
  first.discharge(100);
  EXPECT_EQ(total->held, 50u);
}

TEST(BulkBudget, HugeSizesDoNotWrapAround) {
  BulkBudget budget(std::make_shared<BulkTotal>(UINT64_MAX), UINT64_MAX - 1);
  budget.charge(10);
  refusal_of(budget, UINT64_MAX);
  refusal_of(budget, UINT64_MAX - 10);
  EXPECT_EQ(budget.held(), 10u);
}

TEST(BulkBudget, ManyThreadsNeverPassTheLimit) {
  const auto total = std::make_shared<BulkTotal>(8);
  BulkBudget budget(total, 5);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        try {
          budget.charge(2);
        } catch (const Error&) {
          continue;
        }
        EXPECT_LE(budget.held(), 5u);
        budget.discharge(2);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(budget.held(), 0u);
  EXPECT_EQ(total->held, 0u);
}

TEST(BulkBudget, TheDefaultsAreOfTheMachine) {
  EXPECT_GE(default_bulk_bytes(), 1u << 30);
  EXPECT_GE(default_bulk_total_bytes(), 1u << 30);
}

}  // namespace
}  // namespace cppipc::bulk_budget_test
