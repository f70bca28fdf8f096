// SPDX-License-Identifier: Apache-2.0
// How often small calls ask for memory. The operator new of this executable counts.

#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size_bytes) {
  ++allocations;
  if (void* memory = std::malloc(size_bytes == 0 ? 1 : size_bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace cppipc::allocations_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;

template <class Run>
std::size_t allocations_of(Run&& run) {
  const std::size_t before = allocations;
  run();
  return allocations - before;
}

TEST(Allocations, AreCounted) {
  EXPECT_GE(allocations_of([] {
              std::vector<int> numbers(1000);
              EXPECT_EQ(numbers[999], 0);
            }),
            1u);
}

TEST(Allocations, ACallWithTwoIntsNeedsNoneToBeMeasuredAndMarshalled) {
  const Arguments arguments{{1, 2}, {}};
  MemoryCaps caps;
  MemoryMessage message;
  const auto builder = message.init<wire::Arguments>();
  EXPECT_EQ(allocations_of([&] { measure(arguments, {}); }), 0u);
  EXPECT_EQ(allocations_of([&] { marshal(arguments, builder, caps, {}); }), 0u);
}

TEST(Allocations, ACallWithTwoIntsNeedsOneToBeUnmarshalled) {
  MemoryCaps caps;
  MemoryMessage message;
  marshal(Arguments{{1, 2}, {}}, message.init<wire::Arguments>(), caps, {});
  const auto reader = message.read<wire::Arguments>();
  EXPECT_EQ(allocations_of([&] { unmarshal(reader, caps); }), 1u);
}

TEST(Allocations, AResultOfOneIntNeedsNone) {
  MemoryCaps caps;
  MemoryMessage message;
  marshal(Variant(7), message.init<wire::Variant>(), caps, {});
  const auto reader = message.read<wire::Variant>();
  EXPECT_EQ(allocations_of([&] { unmarshal(reader, caps); }), 0u);
}

TEST(Allocations, NestedContainersNeedOneEachAndOneForTheWalk) {
  List rows;
  for (int i = 0; i < 100; ++i) rows.items.push_back(Dict{{{"id", i}, {"tag", nullptr}}});
  const Variant value = std::move(rows);
  MemoryCaps caps;
  MemoryMessage message(10'000);  // words: all in one segment
  const auto builder = message.init<wire::Variant>();
  EXPECT_EQ(allocations_of([&] { measure(value, {}); }), 1u);
  EXPECT_EQ(allocations_of([&] { marshal(value, builder, caps, {}); }), 1u);
  const auto reader = message.read<wire::Variant>();
  EXPECT_EQ(allocations_of([&] { unmarshal(reader, caps); }), 102u);
}

}  // namespace
}  // namespace cppipc::allocations_test
