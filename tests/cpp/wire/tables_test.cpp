// SPDX-License-Identifier: Apache-2.0
// Dataframes and graphs: inside the message and beside it, whole and malformed.
#include <cppipc/value_writer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/error_of.h"
#include "support/memory_caps.h"
#include "wire/attach.h"

namespace cppipc::tables_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;
using test::round_trip;

const MarshalLimits kSmall{64 << 20, 100, nullptr};

// `rows` of each layout, with nulls.
DataFrame frame_of(std::int64_t rows) {
  Array<double> numbers(rows);
  Array<std::int16_t> codes(rows);
  std::vector<std::optional<std::string>> texts(static_cast<std::size_t>(rows), "text");
  if (rows > 0) texts[0].reset();
  const std::vector<std::string> categories{"only"};
  return DataFrame::Builder()
      .add("numbers", numbers)
      .add("texts", texts)
      .add_category("codes", codes.any(), categories)
      .build();
}

Graph graph_of(std::int64_t edges, bool has_labels) {
  Edges made{Array<std::int64_t>(edges), Array<std::int64_t>(edges), Array<double>(edges)};
  if (has_labels) return Graph(std::move(made), std::vector<Variant>{"a", Tuple{{1, 2}}});
  return Graph(std::move(made));
}

// There and back, as a ValueWriter writes it.
Variant written_round_trip(const Variant& value, MemoryCaps& caps) {
  MemoryMessage message;
  auto outcome = message.init<wire::Outcome>();
  attach(write(value, kSmall), kj::mv(outcome), 0, caps);
  return unmarshal(message.read<wire::Outcome>().getValue(), caps);
}

TEST(Tables, ComeBackEqualInsideAndBeside) {
  const std::vector<std::pair<Variant, int>> values{
      {DataFrame(), 0},
      {frame_of(0), 0},
      {frame_of(3), 0},
      {frame_of(1'000), 5},
      {DataFrame::Builder().build(5), 0},
      {Graph(), 0},
      {graph_of(2, false), 0},
      {graph_of(2, true), 0},
      {graph_of(1'000, false), 3},
  };
  for (const auto& [table, blobs] : values) {
    const Variant value = List{{1, table, Dict{{{"nested", Tuple{{table, "after"}}}}}}};
    MemoryCaps built_caps;
    EXPECT_TRUE(round_trip(value, built_caps, kSmall) == value);
    EXPECT_EQ(built_caps.blobs_sent, 2 * blobs);
    MemoryCaps written_caps;
    EXPECT_TRUE(written_round_trip(value, written_caps) == value);
    EXPECT_EQ(written_caps.blobs_sent, 2 * blobs);
  }
}

TEST(Tables, TheirArraysAreNotCopiedOnTheirWayOut) {
  const DataFrame frame = frame_of(1'000);
  MemoryCaps caps;
  written_round_trip(frame, caps);
  ASSERT_EQ(caps.sent_bytes.size(), 5u);
  EXPECT_EQ(caps.sent_bytes[0].data(), frame.column("numbers").cells().data);
}

TEST(Tables, WhatOthersShareIsNotGivenAway) {
  const auto soles = [](const Variant& value) {
    const ValueWriter written = write(value, kSmall);
    return std::ranges::count_if(written.attachments(), [](auto& one) { return one.is_sole; });
  };
  Variant whole = frame_of(1'000);
  EXPECT_EQ(soles(whole), 5);
  Variant both = List();
  both.as<List>().items.emplace_back(frame_of(1'000));
  EXPECT_EQ(soles(both), 5);
  const DataFrame kept = whole.as<DataFrame>();
  EXPECT_EQ(soles(whole), 0);
  both.as<List>().items.push_back(whole);
  EXPECT_EQ(soles(both), 5);
  const Variant graph = graph_of(1'000, false);
  EXPECT_EQ(soles(graph), 3);
  const Variant other = graph;
  EXPECT_EQ(soles(graph), 0);
}

TEST(Tables, CountAsLevelsOfDepth) {
  const auto nested = [](int levels) {
    Variant value = frame_of(1);  // its categories are three levels deep
    for (int i = 0; i < levels; ++i) {
      List outer;
      outer.items.push_back(std::move(value));
      value = std::move(outer);
    }
    return value;
  };
  MemoryCaps caps;
  const Variant deepest = nested(kDepthMax - 3);
  EXPECT_TRUE(written_round_trip(deepest, caps) == deepest);
  EXPECT_TRUE(round_trip(deepest, caps, kSmall) == deepest);
  EXPECT_EQ(test::kind_of([&] { write(nested(kDepthMax - 2), kSmall); }),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(test::kind_of([&] { measure(nested(kDepthMax - 2), kSmall); }),
            ErrorKind::kInvalidArgument);
}

using Build = std::function<void(wire::Variant::Builder, MemoryCaps&)>;

void expect_refused(const Build& build, const char* part) {
  MemoryCaps caps;
  MemoryMessage message;
  build(message.init<wire::Variant>(), caps);
  const Error error = test::error_of([&] { unmarshal(message.read<wire::Variant>(), caps); });
  EXPECT_EQ(error.kind(), ErrorKind::kProtocol) << error.what();
  EXPECT_THAT(error.what(), testing::HasSubstr(part));
}

TEST(Tables, MalformedOnesAreRefused) {
  const auto put = [](wire::Variant::Builder builder, const Variant& value, MemoryCaps& caps) {
    marshal(value, builder, caps, kSmall);
  };
  expect_refused([](auto value, auto&) { value.initDataFrame(0); }, "has no parts");
  expect_refused([](auto value, auto&) { value.initGraph(0); }, "has no parts");
  expect_refused([](auto value, auto&) { value.initDataFrame(1); }, "number of rows");
  expect_refused([](auto value, auto&) { value.initGraph(4); }, "five parts");
  expect_refused([](auto value, auto&) { value.initGraph(5); }, "sources is not an array");
  expect_refused(
      [](auto value, auto&) {
        auto parts = value.initDataFrame(2);
        parts[0].setInt(3);
        parts[1].initDataFrame(1)[0].setInt(0);
      },
      "a column is not a tuple");
  expect_refused(
      [&](auto value, MemoryCaps& caps) {
        auto parts = value.initDataFrame(2);
        parts[0].setInt(std::numeric_limits<std::int64_t>::max());
        put(parts[1], frame_of(2).parts()[2], caps);
      },
      "too many rows");
  expect_refused(
      [&](auto value, MemoryCaps& caps) {
        auto parts = value.initDataFrame(3);
        parts[0].setInt(2);
        for (unsigned i : {1u, 2u}) put(parts[i], frame_of(2).parts()[1], caps);
      },
      "two columns 'numbers'");
  expect_refused(
      [&](auto value, MemoryCaps& caps) {
        auto parts = value.initGraph(5);
        const Graph graph = graph_of(2, true);
        for (unsigned i = 0; i < 5; ++i) put(parts[i], graph.parts()[i], caps);
        parts[3].initList(1)[0].initGraph(5);
      },
      "malformed message");
}

}  // namespace
}  // namespace cppipc::tables_test
