// SPDX-License-Identifier: Apache-2.0
// A ValueReader beside unmarshal(): on the same words it reads the same value, or leaves it to
// those who know all forms.
#include <cppipc/value_reader.h>

#include "support/memory_caps.h"
#include "wire/marshal.h"
#include "wire/refusing_caps.h"
#include "wire/words.h"

#include <capnp/serialize.h>
#include <kj/exception.h>

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace cppipc::value_reader_test {
namespace {

using Form = ValueReader::Form;
using Words = std::vector<std::uint64_t>;

// What a reader makes of a value; nullopt if it is irregular anywhere.
class Reading {
 public:
  explicit Reading(std::span<const ValueReader::Segment> segments) : reader_(segments) {}

  std::optional<Variant> read(const ValueReader::Value& value, int depth = 0) {
    if (depth > kDepthMax) return std::nullopt;
    switch (ValueReader::form(value)) {
      case Form::kNull:
        return Variant();
      case Form::kBool:
        return Variant(ValueReader::boolean(value));
      case Form::kInt:
        return Variant(ValueReader::integer(value));
      case Form::kFloat:
        return Variant(ValueReader::number(value));
      case Form::kStr: {
        std::string_view text;
        if (!reader_.text(value, &text)) return std::nullopt;
        return Variant(text);
      }
      case Form::kBytes: {
        std::string_view text;
        if (!reader_.bytes(value, &text)) return std::nullopt;
        return Variant(Bytes(text));
      }
      case Form::kInts:
        return numbers<List, std::int64_t>(value);
      case Form::kFloats:
        return numbers<List, double>(value);
      case Form::kIntTuple:
        return numbers<Tuple, std::int64_t>(value);
      case Form::kFloatTuple:
        return numbers<Tuple, double>(value);
      case Form::kList:
        return items<List>(value, depth);
      case Form::kTuple:
        return items<Tuple>(value, depth);
      case Form::kSet:
        return items<Set>(value, depth);
      case Form::kFrozenSet:
        return items<FrozenSet>(value, depth);
      case Form::kDict:
        return dict(value, depth);
      default: {
        Variant scalar;
        if (!reader_.scalar(value, &scalar)) return std::nullopt;
        return scalar;
      }
    }
  }

 private:
  template <class Sequence, class T>
  std::optional<Variant> numbers(const ValueReader::Value& value) {
    ValueReader::Segment words;
    if (!reader_.numbers(value, &words)) return std::nullopt;
    Sequence sequence;
    for (const std::uint64_t word : words) sequence.items.emplace_back(std::bit_cast<T>(word));
    return Variant(std::move(sequence));
  }

  template <class Sequence>
  std::optional<Variant> items(const ValueReader::Value& value, int depth) {
    ValueReader::Items items;
    if (!reader_.items(value, &items)) return std::nullopt;
    Sequence sequence;
    for (std::size_t i = 0; i < items.count; ++i) {
      auto item = read(items.at(i), depth + 1);
      if (!item) return std::nullopt;
      sequence.items.push_back(std::move(*item));
    }
    return Variant(std::move(sequence));
  }

  std::optional<Variant> dict(const ValueReader::Value& value, int depth) {
    const auto list = items<List>(value, depth);
    if (!list || list->as<List>().items.size() % 2 != 0) return std::nullopt;
    Dict dict;
    const auto& items = list->as<List>().items;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      dict.entries.emplace_back(items[i], items[i + 1]);
    }
    return Variant(std::move(dict));
  }

  ValueReader reader_;
};

// The first argument in a message of one segment.
std::optional<Variant> read(const Words& words) {
  const std::array<ValueReader::Segment, 1> segments = {ValueReader::Segment(words)};
  // The root, the two pointers of the arguments and the list's tag come before it.
  return Reading(segments).read({words.data() + 4, 0, 2});
}

// The same by Cap'n Proto; nullopt if it is malformed.
std::optional<Variant> unmarshalled(const Words& words) {
  const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(words.data()),
                                                words.size());
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 4 * words.size() + 1024;
  options.nestingLimit = kNestingLimit;
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1), options);
  RefusingIncomingCaps caps;
  try {
    const auto values = reader.getRoot<wire::Arguments>().getValues();
    return unmarshal(values[0], caps);
  } catch (const Error&) {
    return std::nullopt;
  } catch (const kj::Exception&) {
    return std::nullopt;
  }
}

Words words_of(const Variant& value) {
  Arguments arguments;
  arguments.values.push_back(value);
  const ValueWriter written = write(arguments, {1 << 30, 1 << 28});
  return {written.words().begin(), written.words().end()};
}

Variant mixed() {
  const TimeOfDay time{23, 59, 58, 999'999, 1, -3600};
  Dict dict;
  dict.entries.emplace_back("text", "some text");
  dict.entries.emplace_back(Tuple{{1, "a"}}, List{{1, 2, 3}});
  dict.entries.emplace_back(2, FrozenSet{{Tuple{{1, 2}}, 0.5, true, Variant()}});
  return List{{dict, Tuple{{1.5, 2.5}}, List{{0.5, -0.5}}, Set{{"x", -1}},
               Bytes(std::string_view("\xff\0", 2)), "", List{}, Tuple{}, Set{}, Dict{},
               std::complex<double>(1, -2), Date{2026, 2, 28}, time, DateTime{{1, 1, 1}, time},
               TimeDelta{-5, 86'399, 1}, Decimal{"1.50"}, Uuid{{1, 2, 3}},
               EnumMember{"Color", "red"}}};
}

TEST(ValueReader, ReadsWhatAWriterWrites) {
  const Variant value = mixed();
  const auto back = read(words_of(value));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, value);
}

TEST(ValueReader, FollowsPointersIntoOtherSegments) {
  const Variant value = mixed();
  test::MemoryCaps caps;
  for (const unsigned first_segment_words : {4u, 16u, 40u, 100u}) {
    capnp::MallocMessageBuilder message(first_segment_words, capnp::AllocationStrategy::FIXED_SIZE);
    marshal(value, message.initRoot<wire::Variant>(), caps, {});
    std::vector<ValueReader::Segment> segments;
    for (const auto& segment : message.getSegmentsForOutput()) {
      segments.emplace_back(reinterpret_cast<const std::uint64_t*>(segment.begin()),
                            segment.size());
    }
    EXPECT_GT(segments.size(), 1u);
    const auto back = Reading(segments).read({segments[0].data() + 1, 0, 2});
    ASSERT_TRUE(back) << first_segment_words;
    EXPECT_EQ(*back, value);
    // Segments that are missing, or shorter than the pointers say.
    for (std::size_t kept = 1; kept < segments.size(); ++kept) {
      EXPECT_FALSE(Reading(std::span(segments).first(kept)).read({segments[0].data() + 1, 0, 2}));
    }
  }
}

TEST(ValueReader, LeavesArraysToOthers) {
  const Words words = words_of(make_array(DType::of<double>(), {3}));
  EXPECT_FALSE(read(words));
  EXPECT_TRUE(unmarshalled(words));
}

TEST(ValueReader, RefusesEveryTruncation) {
  const Words whole = words_of(List{{"some text", List{{1, 2, 3}}, Dict{{{"k", "v"}}}}});
  for (std::size_t size = 7; size < whole.size(); ++size) {
    const Words part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(read(part)) << size;
  }
}

TEST(ValueReader, StopsAtPointersThatLeadToOnePlaceAgainAndAgain) {
  // Each list holds two that are one: 2^40 texts out of some hundred words.
  Variant value = "a text";
  for (int i = 0; i < 40; ++i) value = List{{value, Variant()}};
  Words words = words_of(value);
  for (std::size_t at = 4; at + 9 < words.size(); at += 7) {
    ASSERT_EQ(words[at], static_cast<std::uint64_t>(Form::kList));
    const std::size_t first = at + 4;  // behind the tag of its items
    words[first + 3] = words[first];
    words[first + 5] = words::pointer(words::kList, words::offset_of(words[first + 2]) - 3,
                                      words::upper_of(words[first + 2]));
  }
  EXPECT_FALSE(read(words));
}

TEST(ValueReader, ReadsDamagedWordsAsCapnProtoDoesOrNotAtAll) {
  const Words whole = words_of(mixed());
  std::mt19937_64 random(20261121);
  int regular = 0;
  for (int round = 0; round < 20'000; ++round) {
    Words words = whole;
    for (std::uint64_t i = 0, changes = 1 + random() % 3; i < changes; ++i) {
      std::uint64_t& word = words[4 + random() % (words.size() - 4)];
      if (random() % 2 == 0) {
        word ^= std::uint64_t{1} << random() % 64;
      } else {
        word = words[random() % words.size()];
      }
    }
    const auto mine = read(words);
    const auto theirs = unmarshalled(words);
    if (!mine || !theirs) continue;
    ++regular;
    // By their words: floats may have become NaN.
    ASSERT_EQ(words_of(*mine), words_of(*theirs)) << "round " << round;
  }
  EXPECT_GT(regular, 1000);
}

}  // namespace
}  // namespace cppipc::value_reader_test
