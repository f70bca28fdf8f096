// SPDX-License-Identifier: Apache-2.0
#include "toolkits/pagerank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stop_token>
#include <string>
#include <vector>

#include "called.h"
#include "toolkits/pagerank_model.h"

namespace cppipc::toolkits::pagerank_test {
namespace {

using testing::HasSubstr;
using Ids = std::vector<std::int64_t>;
using Options = std::vector<std::pair<std::string, Variant>>;

// Runs the toolkit on links given as lists.
Variant rank(const Ids& sources, const Ids& targets, Options options = {}) {
  const Called called(&register_pagerank);
  options.emplace_back("sources", array_of(sources));
  options.emplace_back("targets", array_of(targets));
  return called.run("pagerank", Given({}, options));
}

// The options under which scores no longer change.
Options converged(Options more = {}) {
  more.emplace_back("threshold", 1e-14);
  more.emplace_back("max_iterations", 1'000);
  return more;
}

// Checks each score against what was worked out by hand.
void expect_scores(const Variant& result, const std::vector<double>& expected) {
  const auto scores = elements_of<double>(at(result, "scores"));
  ASSERT_EQ(scores.size(), expected.size());
  for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], expected[i], 1e-12) << i;
}

TEST(PageRank, ARingIsUniform) {
  const Variant result = rank({0, 1, 2, 3}, {1, 2, 3, 0}, converged());
  expect_scores(result, {0.25, 0.25, 0.25, 0.25});
  EXPECT_EQ(elements_of<std::int64_t>(at(result, "vertices")), (Ids{0, 1, 2, 3}));
}

// a -> b, and b has no links out: with d = 0.85 and n = 2,
// a = 0.15/2 + d*b/2 and a + b = 1, so a = (0.075 + 0.425) / 1.425.
TEST(PageRank, WhatHasNoLinksOutIsSpreadOverAll) {
  const double a = 0.5 / 1.425;
  expect_scores(rank({10}, {20}, converged()), {a, 1 - a});
}

// 1 -> 2, 1 -> 3, 2 -> 3, 3 -> 1, without jumps: x1 = x3, x2 = x1/2, x3 = x1/2 + x2.
TEST(PageRank, WithoutJumpsItIsTheStationaryDistribution) {
  expect_scores(rank({1, 1, 2, 3}, {2, 3, 3, 1}, converged({{"reset_probability", 0.0}})),
                {0.4, 0.2, 0.4});
}

TEST(PageRank, WithJumpsOnlyItIsUniform) {
  expect_scores(rank({1, 1, 2}, {2, 3, 3}, {{"reset_probability", 1.0}}),
                {1.0 / 3, 1.0 / 3, 1.0 / 3});
}

// 1 -> 2 twice and 1 -> 3 once, both -> 1, jumps 0.1: x1 = 0.1/3 + 0.9 (1 - x1), and of what 1
// passes on, 2 gets twice as much as 3.
TEST(PageRank, ParallelLinksCountAsOftenAsGiven) {
  const double jumped = 0.1 / 3;
  const double x1 = (jumped + 0.9) / 1.9;
  expect_scores(rank({1, 1, 1, 2, 3}, {2, 2, 3, 1, 1}, converged({{"reset_probability", 0.1}})),
                {x1, jumped + 0.9 * x1 * 2 / 3, jumped + 0.9 * x1 / 3});
}

TEST(PageRank, ScoresSumToOne) {
  const auto scores = elements_of<double>(at(rank({1, 1, 2, 9}, {2, 3, 3, 3}), "scores"));
  EXPECT_NEAR(std::accumulate(scores.begin(), scores.end(), 0.0), 1, 1e-12);
}

// A star of ten: nine leaves point to the centre, which has no links out.
TEST(PageRank, UnnormalizedScoresBeginAtOneEach) {
  const Ids leaves{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Variant star = rank(leaves, Ids(9, 0), converged({{"normalized", false}}));
  std::vector<double> expected(10, 0.15);
  expected[0] = 0.15 + 0.85 * 0.15 * 9;
  expect_scores(star, expected);
  expect_scores(rank({0, 1}, {1, 0}, converged({{"normalized", false}})), {1, 1});
}

TEST(PageRank, SinglePrecisionGivesFloats) {
  const Variant result = rank({10}, {20}, converged({{"single_precision", true}}));
  const auto scores = elements_of<float>(at(result, "scores"));
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_NEAR(scores[0], 0.5 / 1.425, 1e-6);
}

TEST(PageRank, EndsAtTheThresholdAndReportsIt) {
  const Variant result = rank({1, 1, 2, 3}, {2, 3, 3, 1}, {{"threshold", 0.01}});
  EXPECT_LT(at(result, "delta").as<double>(), 0.01);
  EXPECT_GT(at(result, "delta").as<double>(), 0.0);
  EXPECT_LT(at(result, "num_iterations").as<std::int64_t>(), 20);
  EXPECT_GE(at(result, "training_time").as<double>(), 0.0);
}

TEST(PageRank, EndsAtTheMostIterations) {
  const Options options{{"threshold", 0.0}, {"max_iterations", 3}};
  EXPECT_EQ(at(rank({1, 1, 2, 3}, {2, 3, 3, 1}, options), "num_iterations"), Variant(3));
  EXPECT_EQ(at(rank({1, 1, 2, 3}, {2, 3, 3, 1}, {{"threshold", 0.0}}), "num_iterations"),
            Variant(20));
}

TEST(PageRank, AnEmptyGraphHasEmptyResults) {
  const Variant result = rank({}, {});
  EXPECT_TRUE(elements_of<double>(at(result, "scores")).empty());
  EXPECT_TRUE(elements_of<std::int64_t>(at(result, "vertices")).empty());
  EXPECT_EQ(at(result, "num_iterations"), Variant(0));
}

TEST(PageRank, TakesListsAndNarrowIntegers) {
  const Called called(&register_pagerank);
  const Variant lists = called.run("pagerank", {List{{1, 2}}, List{{2, 1}}});
  expect_scores(lists, {0.5, 0.5});
  const Variant narrow =
      called.run("pagerank", {array_of<std::int16_t>({1, 2}), array_of<std::uint32_t>({2, 1})});
  expect_scores(narrow, {0.5, 0.5});
}

TEST(PageRank, BadOptionsAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refusal = [](const Options& options) {
    return refusal_of(ErrorKind::kInvalidArgument, [&] { rank({1}, {2}, options); });
  };
  EXPECT_THAT(refusal({{"threshold", -1e-9}}), HasSubstr("'threshold'"));
  EXPECT_THAT(refusal({{"threshold", nan}}), HasSubstr("'threshold'"));
  EXPECT_THAT(refusal({{"reset_probability", -0.1}}), HasSubstr("'reset_probability'"));
  EXPECT_THAT(refusal({{"reset_probability", 1.1}}), HasSubstr("'reset_probability'"));
  EXPECT_THAT(refusal({{"reset_probability", nan}}), HasSubstr("'reset_probability'"));
  EXPECT_THAT(refusal({{"max_iterations", 0}}), HasSubstr("Max iterations"));
}

TEST(PageRank, BadOptionsAreNamedForAnEmptyGraphToo) {
  refusal_of(ErrorKind::kInvalidArgument, [] { rank({}, {}, {{"max_iterations", -1}}); });
}

TEST(PageRank, BadLinksAreRefused) {
  EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                         [] {
                           rank({1, 2}, {1});
                         }),
              HasSubstr("sources has 2 ids, but targets has 1"));
  const Called called(&register_pagerank);
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType,
                         [&] {
                           called.run("pagerank", {array_of<double>({1}), List{{1}}});
                         }),
              HasSubstr("sources"));
}

TEST(PageRank, CancellationEndsIt) {
  const Called called(&register_pagerank);
  std::stop_source stop;
  Context context(stop.get_token(), std::nullopt);
  int reports = 0;
  context.on_progress = [&](double, std::string_view) {
    if (++reports == 2) stop.request_stop();
  };
  const Given given({}, {{"sources", array_of(Ids{1, 1, 2, 3})},
                         {"targets", array_of(Ids{2, 3, 3, 1})},
                         {"threshold", 0.0},
                         {"max_iterations", 1'000'000'000}});
  refusal_of(ErrorKind::kCancelled, [&] { called.run("pagerank", given, context); });
  EXPECT_EQ(reports, 2);
}

TEST(PageRank, ADeadlineEndsIt) {
  const Called called(&register_pagerank);
  Context context(std::stop_token(), Context::Clock::now() - std::chrono::seconds(1));
  const Given given({array_of(Ids{1}), array_of(Ids{2})}, {});
  refusal_of(ErrorKind::kTimeout, [&] { called.run("pagerank", given, context); });
}

TEST(PageRank, ProgressGrowsAndNamesTheIteration) {
  const Called called(&register_pagerank);
  Context context;
  std::vector<double> fractions;
  std::string last;
  context.on_progress = [&](double fraction, std::string_view text) {
    fractions.push_back(fraction);
    last = text;
  };
  called.run("pagerank",
             Given({}, {{"sources", array_of(Ids{1, 1, 2, 3})},
                        {"targets", array_of(Ids{2, 3, 3, 1})},
                        {"threshold", 0.0},
                        {"max_iterations", 4}}),
             context);
  EXPECT_THAT(fractions, testing::ElementsAre(0.25, 0.5, 0.75, 1.0));
  EXPECT_THAT(last, HasSubstr("iteration 4"));
}

// Many vertices with links of all kinds, so that there are blocks for several threads.
std::pair<Ids, Ids> many_links() {
  Ids sources;
  Ids targets;
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < 600'000; ++i) {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    sources.push_back(static_cast<std::int64_t>((state >> 33) % 50'000));
    targets.push_back(static_cast<std::int64_t>((state >> 48) % 20'000));
  }
  return {sources, targets};
}

TEST(PageRank, IsTheSameOnAnyNumberOfThreads) {
  const auto [sources, targets] = many_links();
  const Variant one = rank(sources, targets, {{"num_threads", 1}, {"threshold", 0.0}});
  for (const int threads : {2, 3, 64}) {
    const Variant more = rank(sources, targets, {{"num_threads", threads}, {"threshold", 0.0}});
    EXPECT_EQ(at(more, "scores"), at(one, "scores")) << threads;
    EXPECT_EQ(at(more, "delta"), at(one, "delta")) << threads;
  }
}

TEST(PageRank, CancellationReachesEveryThread) {
  const Called called(&register_pagerank);
  std::stop_source stop;
  Context context(stop.get_token(), std::nullopt);
  context.on_progress = [&](double, std::string_view) { stop.request_stop(); };
  const auto [sources, targets] = many_links();
  const Given given({}, {{"sources", array_of(sources)},
                         {"targets", array_of(targets)},
                         {"threshold", 0.0},
                         {"num_threads", 3}});
  refusal_of(ErrorKind::kCancelled, [&] { called.run("pagerank", given, context); });
}

TEST(PageRank, WantsAThreadAtLeast) {
  EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                         [] {
                           rank({1}, {2}, {{"num_threads", 0}});
                         }),
              HasSubstr("'num_threads'"));
}

TEST(PageRank, OfAGraphIsAModel) {
  const Called called(&register_model, &register_pagerank_model, &register_pagerank);
  const Array<std::int64_t> sources(array_of(Ids{1, 1, 2, 3}));
  const Array<std::int64_t> targets(array_of(Ids{2, 3, 3, 1}));
  const Graph graph(Edges{sources, targets, {}}, Array<std::int64_t>(array_of(Ids{3, 2, 1, 9})));
  const Variant result =
      called.run("pagerank", Given({}, converged({{"graph", graph}, {"normalized", false}})));
  const CalledObject model = called.object(at(result, "model"));
  const auto scores = elements_of<double>(model.get("scores"));
  ASSERT_EQ(scores.size(), 4u);
  EXPECT_NEAR(scores[3], 0.15, 1e-12);  // nothing links to it
  EXPECT_EQ(elements_of<std::int64_t>(model.get("vertices")), (Ids{3, 2, 1, 9}));
  EXPECT_EQ(model.get("num_edges"), Variant(4));
  EXPECT_EQ(model.get("threshold"), Variant(1e-14));
}

TEST(PageRank, WantsEitherAGraphOrLinks) {
  const Called called(&register_model, &register_pagerank_model, &register_pagerank);
  const auto refusal = [&](const Options& given) {
    return refusal_of(ErrorKind::kInvalidArgument,
                      [&] { called.run("pagerank", Given({}, given)); });
  };
  EXPECT_THAT(refusal({}), HasSubstr("got neither"));
  EXPECT_THAT(refusal({{"sources", array_of(Ids{1})}}), HasSubstr("got sources alone"));
  EXPECT_THAT(refusal({{"targets", array_of(Ids{1})}}), HasSubstr("got targets alone"));
  EXPECT_THAT(refusal({{"graph", Graph()}, {"targets", array_of(Ids{1})}}), HasSubstr("either"));
}

TEST(PageRank, GetsAThreadOfItsOwn) {
  const Called called(&register_pagerank);
  EXPECT_TRUE(called.registry().find_function("pagerank")->is_blocking);
}

}  // namespace
}  // namespace cppipc::toolkits::pagerank_test
