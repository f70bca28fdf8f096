// SPDX-License-Identifier: Apache-2.0
// The memory of values that came in a message, or beside it, is charged to who sent them.

#include "wire/bulk.h"

#include "support/memory_caps.h"

#include <gtest/gtest.h>

namespace cppipc::charges_test {
namespace {

using test::MemoryCaps;
using test::round_trip;

const MarshalLimits kSmall{64 << 20, 100, nullptr};

class Account final : public MemoryAccount {
 public:
  void charge(std::uint64_t bytes) override {
    if (held + bytes > 1000) throw Error(ErrorKind::kQuotaExceeded, "too much");
    held += bytes;
  }
  void discharge(std::uint64_t bytes) noexcept override { held -= bytes; }
  std::uint64_t held = 0;
};

struct ChargesTest : testing::Test {
  ChargesTest() { caps.payer = account; }
  std::shared_ptr<Account> account = std::make_shared<Account>();
  MemoryCaps caps;
};

AnyArray bytes_array(std::int64_t size) { return Array<std::uint8_t>({size}).any(); }

TEST_F(ChargesTest, ArraysAndBytesAreChargedWhileAnybodyHoldsThem) {
  for (const std::size_t size : {50, 400}) {  // in the message, and beside it
    for (const Variant& value : {Variant(Bytes(std::string(size, 'x'))),
                                 Variant(bytes_array(static_cast<std::int64_t>(size)))}) {
      Variant back = round_trip(value, caps, kSmall);
      EXPECT_EQ(account->held, size);
      const Variant copy = back;
      back = Variant();
      EXPECT_EQ(account->held, size);
    }
    EXPECT_EQ(account->held, 0u);
  }
}

TEST_F(ChargesTest, ATextBesideItsMessageIsChargedForTheCall) {
  round_trip(std::string(400, 'x'), caps, kSmall);
  EXPECT_EQ(account->held, 400u);
  Charge charge = std::move(caps.for_call);
  EXPECT_EQ(account->held, 400u);
  charge = Charge();
  EXPECT_EQ(account->held, 0u);
  round_trip(std::string(50, 'x'), caps, kSmall);
  EXPECT_EQ(account->held, 0u);
}

TEST_F(ChargesTest, WhatDoesNotFitIsRefusedAndLeavesNothing) {
  const Variant kept = round_trip(bytes_array(700), caps, kSmall);
  for (const Variant& value : {Variant(std::string(400, 'x')), Variant(bytes_array(400)),
                               Variant(List{{bytes_array(200), bytes_array(200)}})}) {
    try {
      round_trip(value, caps, kSmall);
      ADD_FAILURE() << "was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kQuotaExceeded);
    }
    EXPECT_EQ(account->held, 700u);
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPPIPC_UNDER_SANITIZER 1
#else
#define CPPIPC_UNDER_SANITIZER 0
#endif

TEST_F(ChargesTest, MemoryThatCannotBeHadIsNotCharged) {
  if (CPPIPC_UNDER_SANITIZER) GTEST_SKIP() << "the sanitizers' allocators abort instead";
  struct Unlimited final : MemoryAccount {
    void charge(std::uint64_t bytes) override { held += bytes; }
    void discharge(std::uint64_t bytes) noexcept override { held -= bytes; }
    std::uint64_t held = 0;
  };
  const auto unlimited = std::make_shared<Unlimited>();
  EXPECT_THROW(charged_memory(SIZE_MAX / 2, unlimited), std::bad_alloc);
  EXPECT_EQ(unlimited->held, 0u);
}

}  // namespace
}  // namespace cppipc::charges_test
