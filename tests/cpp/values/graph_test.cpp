// SPDX-License-Identifier: Apache-2.0
#include <cppipc/graph.h>
#include <cppipc/variant.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <thread>
#include <utility>

#include "support/error_of.h"

namespace cppipc::graph_test {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Ids = std::vector<std::int64_t>;
using Links = std::vector<std::pair<std::int64_t, std::int64_t>>;

template <class T>
Array<T> array_of(const std::vector<T>& values) {
  Array<T> array(static_cast<std::int64_t>(values.size()));
  std::copy(values.begin(), values.end(), array.data());
  return array;
}

Edges edges_of(const Ids& sources, const Ids& targets) {
  return {array_of(sources), array_of(targets), std::nullopt};
}

Graph graph_of(const Ids& sources, const Ids& targets) { return Graph(edges_of(sources, targets)); }

// The edges as pairs of ids, sorted: by rows out of, or into, each vertex.
Links links_of(const Graph& graph, bool is_out) {
  Links links;
  for (VertexIndex v = 0; v < graph.num_vertices(); ++v) {
    for (const VertexIndex other : (is_out ? graph.out() : graph.in()).of(v)) {
      links.emplace_back(graph.ids()[is_out ? v : other], graph.ids()[is_out ? other : v]);
    }
  }
  std::sort(links.begin(), links.end());
  return links;
}

std::string refusal(std::vector<Variant> parts) {
  const Error error = error_of([&] { Graph::from_parts(std::move(parts)); });
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  return error.what();
}

TEST(Graph, VerticesAreTheSortedDistinctIds) {
  const Graph graph = graph_of({7, 7, 3}, {5, 3, 9});
  EXPECT_EQ(graph.num_vertices(), 4u);
  EXPECT_EQ(graph.num_edges(), 3);
  EXPECT_THAT(graph.ids(), ElementsAre(3, 5, 7, 9));
  EXPECT_THAT(graph.source_indexes(), ElementsAre(2, 2, 0));
  EXPECT_THAT(graph.target_indexes(), ElementsAre(1, 0, 3));
  EXPECT_THAT(graph.in().starts, ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(graph.in().neighbours, ElementsAre(2, 2, 0));
  EXPECT_THAT(graph.out().starts, ElementsAre(0, 1, 1, 3, 3));
  EXPECT_THAT(graph.out().neighbours, ElementsAre(3, 1, 0));
  EXPECT_EQ(graph.out().degree(2), 2u);
  EXPECT_THAT(graph.out_edges(), ElementsAre(2, 0, 1));
  EXPECT_THAT(graph.in_edges(), ElementsAre(1, 0, 2));
  EXPECT_THAT(links_of(graph, true), ElementsAre(Pair(3, 9), Pair(7, 3), Pair(7, 5)));
  EXPECT_EQ(links_of(graph, true), links_of(graph, false));
}

TEST(Graph, ParallelEdgesAndSelfLoopsStay) {
  const Graph graph = graph_of({1, 1, 2}, {2, 2, 2});
  EXPECT_EQ(graph.num_edges(), 3);
  EXPECT_THAT(graph.out().of(0), ElementsAre(1, 1));
  EXPECT_THAT(graph.in().of(1), ElementsAre(0, 0, 1));
}

TEST(Graph, WithoutEdgesIsEmpty) {
  for (const Graph& graph : {Graph(), graph_of({}, {})}) {
    EXPECT_EQ(graph.num_vertices(), 0u);
    EXPECT_EQ(graph.num_edges(), 0);
    EXPECT_THAT(graph.in().starts, ElementsAre(0));
    EXPECT_EQ(graph.parts().size(), 5u);
  }
  EXPECT_TRUE(Graph() == graph_of({}, {}));
  const Graph lonely(edges_of({}, {}), array_of<std::int64_t>({4, 2}));
  EXPECT_THAT(lonely.ids(), ElementsAre(4, 2));
  EXPECT_THAT(lonely.out().starts, ElementsAre(0, 0, 0));
}

TEST(Graph, GivenVerticesKeepTheirOrder) {
  const Graph graph(edges_of({7, 3}, {3, 7}), array_of<std::int64_t>({7, 5, 3}));
  EXPECT_THAT(graph.ids(), ElementsAre(7, 5, 3));
  EXPECT_THAT(graph.source_indexes(), ElementsAre(0, 2));
  EXPECT_THAT(graph.out().starts, ElementsAre(0, 1, 1, 2));
  EXPECT_EQ(graph.vertex(1), Variant(5));
  EXPECT_EQ(test::kind_of([&] { graph.vertex(3); }), ErrorKind::kOutOfRange);
}

TEST(Graph, IdsThatAreNotAmongTheGivenOnesAreNamed) {
  for (const std::int64_t stretch : {std::int64_t{1}, std::int64_t{1} << 40}) {
    const Graph graph(edges_of({7 * stretch, 3 * stretch}, {3 * stretch, 8 * stretch}),
                      array_of<std::int64_t>({7 * stretch, 3 * stretch}));
    EXPECT_THAT(graph.ids(), ElementsAre(7 * stretch, 3 * stretch));
    for (int again = 0; again < 2; ++again) {
      const Error error = error_of([&] { graph.out(); });
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      EXPECT_EQ(error.what(), "an edge has the id " + std::to_string(8 * stretch) +
                                  ", which is not among the graph's vertices");
    }
    const Graph twice(edges_of({}, {}),
                      array_of<std::int64_t>({3 * stretch, 7 * stretch, 3 * stretch}));
    EXPECT_EQ(error_of([&] { twice.in(); }).what(),
              "the graph's vertices have the id " + std::to_string(3 * stretch) + " twice");
  }
}

TEST(Graph, VerticesMayHaveLabels) {
  const Graph graph(edges_of({0, 2}, {1, 0}), {"a", Tuple{{1, "b"}}, 2.5});
  EXPECT_EQ(graph.num_vertices(), 3u);
  EXPECT_TRUE(graph.is_indexed());
  EXPECT_EQ(graph.vertex(1), Variant(Tuple{{1, "b"}}));
  EXPECT_THAT(graph.out().of(2), ElementsAre(0));
  EXPECT_EQ(test::kind_of([&] { graph.ids(); }), ErrorKind::kWrongType);
  const Graph past(edges_of({0}, {3}), {"a"});
  EXPECT_THAT(error_of([&] { past.in(); }).what(), HasSubstr("place 3 among the vertices, of"));
  const Graph before(edges_of({-1}, {0}), {"a"});
  EXPECT_THAT(error_of([&] { before.in(); }).what(), HasSubstr("place -1"));
}

TEST(Graph, IndexedEdgesAreChecked) {
  const auto indexed = [](const Ids& sources, const Ids& targets) {
    return Graph::from_parts({array_of(sources).any(), array_of(targets).any(), Variant(),
                              array_of<std::int64_t>({90, 70}).any(), true});
  };
  const Graph graph = indexed({1, 0}, {0, 0});
  EXPECT_THAT(graph.ids(), ElementsAre(90, 70));
  EXPECT_EQ(links_of(graph, true), (Links{{70, 90}, {90, 90}}));
  EXPECT_THAT(error_of([&] { indexed({2}, {0}).out(); }).what(), HasSubstr("place 2"));
}

TEST(Graph, IdsMayBeAnywhereIn64Bits) {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Graph graph = graph_of({least, 0}, {most, least});
  EXPECT_THAT(graph.ids(), ElementsAre(least, 0, most));
  EXPECT_THAT(links_of(graph, true), ElementsAre(Pair(least, most), Pair(0, least)));
}

TEST(Graph, NearbyAndFarIdsGiveTheSameGraph) {
  std::mt19937_64 random(1);
  Ids sources;
  Ids targets;
  for (int i = 0; i < 2'000; ++i) {
    sources.push_back(static_cast<std::int64_t>(random() % 500) - 250);
    targets.push_back(static_cast<std::int64_t>(random() % 500) - 250);
  }
  constexpr std::int64_t kStretch = 1'000'000'007;  // so far apart that ids are sorted
  const auto stretched = [](Ids ids) {
    for (std::int64_t& id : ids) id *= kStretch;
    return ids;
  };
  const Graph near = graph_of(sources, targets);
  const Graph far = graph_of(stretched(sources), stretched(targets));
  EXPECT_EQ(stretched(Ids(near.ids().begin(), near.ids().end())),
            Ids(far.ids().begin(), far.ids().end()));
  EXPECT_EQ(near.out().starts, far.out().starts);
  EXPECT_EQ(near.out().neighbours, far.out().neighbours);
  EXPECT_EQ(near.in().starts, far.in().starts);
  EXPECT_EQ(near.in().neighbours, far.in().neighbours);
}

TEST(Graph, ThreadsShareWhatIsMadeOnDemand) {
  const Graph graph = graph_of({1, 2, 3, 1}, {2, 3, 1, 3});
  std::vector<const Adjacency*> seen(8);
  std::vector<std::jthread> threads;
  for (const Adjacency*& one : seen) {
    threads.emplace_back([&graph, &one, copy = graph] { one = &copy.out(); });
  }
  threads.clear();
  for (const Adjacency* one : seen) EXPECT_EQ(one, &graph.out());
}

TEST(Graph, WeightsAreRealNumbers) {
  Edges edges = edges_of({0, 1}, {1, 0});
  edges.weights = array_of<double>({0.5, 2});
  const Graph graph(std::move(edges));
  EXPECT_THAT(graph.weights_as_doubles(), ElementsAre(0.5, 2));
  EXPECT_TRUE(graph_of({0}, {1}).weights_as_doubles().empty());
  const Variant one = array_of<std::int64_t>({1}).any();
  const Graph counted = Graph::from_parts({one, one, array_of<std::int8_t>({3}).any(), {}, false});
  EXPECT_THAT(counted.weights_as_doubles(), ElementsAre(3));
  EXPECT_THAT(refusal({one, one, array_of<std::complex<double>>({1}).any(), {}, false}),
              HasSubstr("complex128, which cannot be there"));
}

TEST(Graph, PartsOfAnotherFormAreRefused) {
  const Variant one = array_of<std::int64_t>({0}).any();
  const Variant two = array_of<std::int64_t>({0, 1}).any();
  const Variant none;
  EXPECT_THAT(refusal({one, one, none, none}), HasSubstr("five parts"));
  EXPECT_THAT(refusal({one, two, none, none, false}),
              HasSubstr("a graph's targets has 2 elements instead of 1"));
  EXPECT_THAT(refusal({one, one, two, none, false}), HasSubstr("weights"));
  EXPECT_THAT(refusal({one, one, none, 1, false}), HasSubstr("not an array but a int"));
  EXPECT_THAT(refusal({one, one, none, none, 1}), HasSubstr("indexed is not a bool"));
  EXPECT_THAT(refusal({one, one, none, none, true}), HasSubstr("there are no vertices"));
  EXPECT_THAT(refusal({one, one, none, List{{"a"}}, false}), HasSubstr("edges are not indexed"));
  EXPECT_THAT(refusal({array_of<std::int32_t>({0}).any(), one, none, none, false}),
              HasSubstr("of int32, not int64"));
}

TEST(Graph, LabelsAreValuesThatCanBeKeys) {
  const Variant one = array_of<std::int64_t>({0}).any();
  const auto refusal_of = [&](Variant label) {
    return refusal({one, one, {}, List{{Tuple{{1, std::move(label)}}}}, true});
  };
  EXPECT_EQ(refusal_of(List{}), "a graph's vertex cannot be a list");
  EXPECT_EQ(refusal_of(Dict{}), "a graph's vertex cannot be a dict");
  EXPECT_EQ(refusal_of(Graph()), "a graph's vertex cannot be a unity.Graph");
  EXPECT_EQ(refusal_of(one), "a graph's vertex cannot be a ndarray[int64]");
  EXPECT_THAT(refusal_of("\xff"), HasSubstr("not valid UTF-8"));
}

TEST(Graph, IsEqualIfItsPartsAre) {
  EXPECT_TRUE(graph_of({1, 2}, {2, 3}) == graph_of({1, 2}, {2, 3}));
  EXPECT_FALSE(graph_of({1, 2}, {2, 3}) == graph_of({2, 1}, {3, 2}));
  EXPECT_TRUE(Variant(graph_of({1}, {2})) == Variant(graph_of({1}, {2})));
  EXPECT_FALSE(Variant(graph_of({1}, {2})) == Variant());
  EXPECT_TRUE((Variant(Set{{graph_of({1}, {2})}}) == Variant(Set{{graph_of({1}, {2})}})));
}

}  // namespace
}  // namespace cppipc::graph_test
