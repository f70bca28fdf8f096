// SPDX-License-Identifier: Apache-2.0
#include "toolkits/connected_components.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "called.h"

namespace cppipc::toolkits::connected_components_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Ids = std::vector<std::int64_t>;

Array<std::int64_t> ids(const Ids& values) { return Array<std::int64_t>(array_of(values)); }

Graph graph_of(const Ids& sources, const Ids& targets, const Ids& vertices) {
  return Graph(Edges{ids(sources), ids(targets), {}}, ids(vertices));
}

TEST(ConnectedComponents, CountFromTheFirstVertexOn) {
  const Components found =
      compute_components(graph_of({5, 9, 7}, {9, 5, 7}, {7, 5, 1, 9}), Context());
  EXPECT_THAT(found.component_ids, ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(found.sizes, ElementsAre(1, 2, 1));
}

TEST(ConnectedComponents, EdgesJoinWhateverTheirDirection) {
  const Components found = compute_components(graph_of({3, 1}, {2, 2}, {1, 2, 3}), Context());
  EXPECT_THAT(found.component_ids, ElementsAre(0, 0, 0));
}

TEST(ConnectedComponents, AnEmptyGraphHasNone) {
  const Components found = compute_components(Graph(), Context());
  EXPECT_THAT(found.component_ids, IsEmpty());
  EXPECT_THAT(found.sizes, IsEmpty());
}

TEST(ConnectedComponents, AnEndThatIsNoVertexIsRefused) {
  refusal_of(ErrorKind::kInvalidArgument, [] {
    compute_components(graph_of({1}, {8}, {1, 2}), Context());
  });
}

TEST(ConnectedComponents, ReportsHowManyEdgesItHasSeen) {
  std::vector<std::string> seen;
  Context context;
  context.on_progress = [&](double fraction, std::string_view text) {
    seen.push_back(std::to_string(fraction) + " " + std::string(text));
  };
  compute_components(graph_of({1, 2}, {2, 1}, {1, 2}), context);
  EXPECT_THAT(seen, ElementsAre("1.000000 2 of 2 edges"));
}

TEST(ConnectedComponents, CancellationEndsItAfterAMillionEdges) {
  const auto stop = std::make_unique<std::stop_source>();
  Context context(stop->get_token(), std::nullopt);
  int reports = 0;
  context.on_progress = [&](double, std::string_view) {
    ++reports;
    stop->request_stop();
  };
  const Ids many((1 << 20) + 1, 4);
  const Graph graph = graph_of(many, many, {4});
  refusal_of(ErrorKind::kCancelled, [&] { compute_components(graph, context); });
  EXPECT_EQ(reports, 1);
  const Context late(std::stop_token(), Context::Clock::now() - std::chrono::seconds(1));
  refusal_of(ErrorKind::kTimeout, [&] { compute_components(Graph(), late); });
}

TEST(ConnectedComponents, TheToolkitReturnsAModel) {
  const Called called(&register_model, &register_connected_components);
  const Variant result =
      called.run("connected_components", Given({}, {{"graph", graph_of({5}, {9}, {9, 1, 5})}}));
  const CalledObject model = called.object(at(result, "model"));
  EXPECT_EQ(elements_of<std::int64_t>(model.get("component_id")), (Ids{0, 1, 0}));
  EXPECT_EQ(elements_of<std::int64_t>(model.get("vertices")), (Ids{9, 1, 5}));
  EXPECT_EQ(model.get("largest_size"), Variant(2));
  EXPECT_THAT(model.call("summary").as<std::string>(), HasSubstr("num_components  : 2"));
  EXPECT_EQ(at(model.call("fields"), "num_edges"), Variant(1));
  EXPECT_TRUE(called.registry().find_function("connected_components")->is_blocking);
}

}  // namespace
}  // namespace cppipc::toolkits::connected_components_test
