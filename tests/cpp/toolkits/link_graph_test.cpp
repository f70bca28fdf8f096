// SPDX-License-Identifier: Apache-2.0
#include "toolkits/link_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace cppipc::toolkits {
namespace {

using testing::ElementsAre;
using Ids = std::vector<std::int64_t>;

// The links of a graph as pairs of ids, sorted.
std::vector<std::pair<std::int64_t, std::int64_t>> links_of(const LinkGraph& graph) {
  std::vector<std::pair<std::int64_t, std::int64_t>> links;
  for (std::size_t v = 0; v < graph.num_vertices(); ++v) {
    for (auto i = graph.row_starts[v]; i < graph.row_starts[v + 1]; ++i) {
      links.emplace_back(graph.vertices[graph.sources[i]], graph.vertices[v]);
    }
  }
  std::sort(links.begin(), links.end());
  return links;
}

TEST(LinkGraph, VerticesAreTheSortedDistinctIds) {
  const LinkGraph graph = make_link_graph(Ids{7, 7, 3}, Ids{5, 3, 9});
  EXPECT_THAT(graph.vertices, ElementsAre(3, 5, 7, 9));
  EXPECT_THAT(graph.out_degrees, ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(graph.row_starts, ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(links_of(graph),
              ElementsAre(testing::Pair(3, 9), testing::Pair(7, 3), testing::Pair(7, 5)));
}

TEST(LinkGraph, ParallelAndSelfLinksStay) {
  const LinkGraph graph = make_link_graph(Ids{1, 1, 2}, Ids{2, 2, 2});
  EXPECT_EQ(graph.num_links(), 3u);
  EXPECT_THAT(graph.out_degrees, ElementsAre(2, 1));
}

TEST(LinkGraph, NoLinksMakeAnEmptyGraph) {
  const LinkGraph graph = make_link_graph(Ids{}, Ids{});
  EXPECT_EQ(graph.num_vertices(), 0u);
  EXPECT_THAT(graph.row_starts, ElementsAre(0));
}

TEST(LinkGraph, IdsMayBeAnywhereIn64Bits) {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const LinkGraph graph = make_link_graph(Ids{least, 0}, Ids{most, least});
  EXPECT_THAT(graph.vertices, ElementsAre(least, 0, most));
  EXPECT_THAT(links_of(graph), ElementsAre(testing::Pair(least, most), testing::Pair(0, least)));
}

TEST(LinkGraph, NearbyAndFarIdsGiveTheSameGraph) {
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
  const LinkGraph near = make_link_graph(sources, targets);
  const LinkGraph far = make_link_graph(stretched(sources), stretched(targets));
  EXPECT_EQ(stretched(near.vertices), far.vertices);
  EXPECT_EQ(near.row_starts, far.row_starts);
  EXPECT_EQ(near.sources, far.sources);
  EXPECT_EQ(near.out_degrees, far.out_degrees);
}

TEST(LinkGraph, CountsMustBeEqual) {
  EXPECT_THROW(make_link_graph(Ids{1, 2}, Ids{1}), std::invalid_argument);
}

}  // namespace
}  // namespace cppipc::toolkits
