// SPDX-License-Identifier: Apache-2.0
// Messages written word by word: pointers that lie, and messages that claim to hold more than
// they have room for.

#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <capnp/any.h>
#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace cppipc::raw_words_test {
namespace {

using test::MemoryCaps;

void expect_protocol_error(const std::function<void()>& run, const char* part) {
  try {
    run();
    ADD_FAILURE() << "accepted, though " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

// Reads words that are one segment with a Variant as its root.
Variant read_words(std::vector<std::uint64_t> words) {
  const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(words.data()),
                                                words.size());
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 2 * words.size() + 16;
  options.nestingLimit = kNestingLimit;
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1), options);
  capnp::ReaderCapabilityTable table(nullptr);
  MemoryCaps caps;
  return unmarshal(table.imbue(reader.getRoot<capnp::AnyPointer>()).getAs<wire::Variant>(), caps);
}

std::uint64_t struct_pointer(std::int32_t offset, std::uint64_t data, std::uint64_t pointers) {
  return (static_cast<std::uint32_t>(offset) << 2) | data << 32 | pointers << 48;
}
std::uint64_t list_pointer(std::int32_t offset, std::uint64_t size_code, std::uint64_t count) {
  return (static_cast<std::uint32_t>(offset) << 2 | 1u) | size_code << 32 | count << 35;
}
constexpr std::uint64_t kVoid = 0;
constexpr std::uint64_t kOneByte = 2;
constexpr std::uint64_t kOnePointer = 6;
constexpr std::uint64_t kComposite = 7;
constexpr std::uint64_t kMost = (1ull << 29) - 1;
constexpr auto kList = static_cast<std::uint64_t>(wire::Variant::LIST);
constexpr auto kDict = static_cast<std::uint64_t>(wire::Variant::DICT);
constexpr auto kInts = static_cast<std::uint64_t>(wire::Variant::INTS);

TEST(RawWords, TheWordsOfTheseTestsAreGood) {
  const Variant value =
      read_words({struct_pointer(0, 2, 1), kList, 0, list_pointer(0, kComposite, 3),
                  struct_pointer(1, 2, 1), 2, 77, 0});
  EXPECT_TRUE(value == Variant(List{{77}}));
}

TEST(RawWords, ListsOfEmptyElementsDoNotAmplify) {
  for (const std::uint64_t kind : {kList, kDict}) {
    // A composite list of 2^29-2 structs without words.
    expect_protocol_error(
        [&] {
          read_words({struct_pointer(0, 2, 1), kind, 0, list_pointer(0, kComposite, 0),
                      struct_pointer(static_cast<std::int32_t>(kMost - 1), 0, 0)});
        },
        "malformed");
    // Few enough for the traversal limit, but still more than there is room for.
    expect_protocol_error(
        [&] {
          read_words({struct_pointer(0, 2, 1), kind, 0, list_pointer(0, kComposite, 0),
                      struct_pointer(2, 0, 0)});
        },
        "too small");
    expect_protocol_error(
        [&] {
          read_words({struct_pointer(0, 2, 1), kind, 0, list_pointer(0, kVoid, kMost)});
        },
        "malformed");
    expect_protocol_error(
        [&] {
          read_words({struct_pointer(0, 2, 1), kind, 0, list_pointer(0, kOneByte, 8), 0});
        },
        "too small");
    expect_protocol_error(
        [&] {
          read_words({struct_pointer(0, 2, 1), kind, 0, list_pointer(0, kOnePointer, 2), 0, 0});
        },
        "too small");
  }
  expect_protocol_error(
      [&] {
        read_words({struct_pointer(0, 2, 1), kInts, 0, list_pointer(0, kVoid, kMost)});
      },
      "malformed");
}

TEST(RawWords, PointersOutsideOfTheMessageAreRefused) {
  expect_protocol_error(
      [] {
        read_words({struct_pointer(0, 2, 1), kInts, 0, list_pointer(0, 5, 1)});
      },
      "malformed");
  expect_protocol_error(
      [] {
        read_words({struct_pointer(0, 2, 1), kInts, 0, list_pointer(-100, 5, 1)});
      },
      "malformed");
  expect_protocol_error(
      [] {
        read_words({struct_pointer(0, 2, 1), kList, 0, list_pointer(0, kComposite, 3),
                    struct_pointer(2, 2, 1), 0, 0, 0});
      },
      "malformed");
  // A far pointer to a segment that is not there.
  expect_protocol_error(
      [] {
        read_words({struct_pointer(0, 2, 1), kInts, 0, 2 | 7ull << 32});
      },
      "malformed");
}

TEST(RawWords, AListThatContainsItselfIsRefused) {
  // The list's only element is a list whose pointer leads back to the same list.
  expect_protocol_error(
      [] {
        read_words({struct_pointer(0, 2, 1), kList, 0, list_pointer(0, kComposite, 3),
                    struct_pointer(1, 2, 1), kList, 0, list_pointer(-4, kComposite, 3)});
      },
      "malformed");
}

TEST(RawWords, ManyPointersToOneListDoNotAmplify) {
  // A list of 100 lists that all are the same 1,000 ints.
  constexpr std::uint64_t kLists = 100;
  constexpr std::uint64_t kNumbers = 1000;
  std::vector<std::uint64_t> words = {struct_pointer(0, 2, 1), kList, 0,
                                      list_pointer(0, kComposite, 3 * kLists),
                                      struct_pointer(kLists, 2, 1)};
  for (std::uint64_t i = 0; i < kLists; ++i) {
    words.push_back(kInts);
    words.push_back(0);
    words.push_back(list_pointer(static_cast<std::int32_t>(3 * (kLists - 1 - i)), 5, kNumbers));
  }
  words.resize(words.size() + kNumbers);
  expect_protocol_error([&] { read_words(words); }, "malformed");
}

TEST(RawWords, ElementsOfANewerPeerMayBeLarger) {
  // Structs of 3 data words and 2 pointers; what is behind the known part is ignored.
  const Variant value =
      read_words({struct_pointer(0, 2, 1), kList, 0, list_pointer(0, kComposite, 10),
                  struct_pointer(2, 3, 2), 2, 77, 99, 0, 0, 2, 78, 99, 0, 0});
  EXPECT_TRUE(value == Variant(List{{77, 78}}));
}

}  // namespace
}  // namespace cppipc::raw_words_test
