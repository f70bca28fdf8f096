// SPDX-License-Identifier: Apache-2.0
// Each vertex points to one of its component with a lower or the same number, at last to the lowest
// of all. An edge joins two such trees: the higher root points to the lower one from then on, and
// ways that are walked are shortened by half. No rows of the graph are needed, so that none are
// made.
#include "toolkits/connected_components.h"

#include <cppipc/registry.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <span>
#include <string>
#include <utility>

namespace cppipc::toolkits {
namespace {

constexpr std::size_t kEdgesBetweenLooks = 1 << 20;

class Forest {
 public:
  explicit Forest(std::size_t size) : parents_(size) {
    std::iota(parents_.begin(), parents_.end(), VertexIndex{0});
  }

  void join(VertexIndex a, VertexIndex b) {
    a = root_of(a);
    b = root_of(b);
    if (a < b) {
      parents_[b] = a;
    } else {
      parents_[a] = b;
    }
  }

  VertexIndex root_of(VertexIndex v) {
    while (parents_[v] != v) {
      parents_[v] = parents_[parents_[v]];
      v = parents_[v];
    }
    return v;
  }

 private:
  std::vector<VertexIndex> parents_;
};

void join_all(Forest& forest, const Graph& graph, const Context& context) {
  const std::span<const VertexIndex> sources = graph.source_indexes();
  const std::span<const VertexIndex> targets = graph.target_indexes();
  for (std::size_t begin = 0; begin < sources.size(); begin += kEdgesBetweenLooks) {
    context.throw_if_cancelled();
    const std::size_t end = std::min(begin + kEdgesBetweenLooks, sources.size());
    for (std::size_t i = begin; i < end; ++i) forest.join(sources[i], targets[i]);
    if (!context.on_progress) continue;
    context.progress(static_cast<double>(end) / static_cast<double>(sources.size()),
                     std::to_string(end) + " of " + std::to_string(sources.size()) + " edges");
  }
}

VariantMap connected_components(const Context& context, const Graph& graph) {
  const auto start = std::chrono::steady_clock::now();
  Components components = compute_components(graph, context);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  auto model = std::make_shared<ConnectedComponentsModel>();
  model->num_vertices = static_cast<std::int64_t>(components.component_ids.size());
  model->num_edges = graph.num_edges();
  model->num_components = static_cast<std::int64_t>(components.sizes.size());
  model->component_id = to_array(std::move(components.component_ids));
  model->component_sizes = to_array(std::move(components.sizes));
  model->vertices = vertices_of(graph);
  model->training_time = elapsed.count();
  return {{"model", to_variant(std::move(model))}};
}

void register_type(Registry& registry) {
  using M = ConnectedComponentsModel;
  registry
      .type<M>("ConnectedComponentsModel",
               "The connected components of a graph, as toolkits.connected_components returns "
               "them.")
      .base<Model>()
      .thread_safe()
      .saveable(1, &M::save, &M::load)
      .property("component_id", &M::component_id,
                "The component of each vertex, in the order of the graph's vertices: an int64 "
                "array.\nComponents count from 0, in the order of their first vertices.")
      .property("component_sizes", &M::component_sizes,
                "How many vertices each component has: an int64 array.")
      .property("vertices", &M::vertices,
                "Those of the graph: an int64 array, or a list if they are no ints.")
      .property("num_components", &M::num_components, "How many components there are.")
      .property("largest_size", &M::largest_size,
                "How many vertices the largest component has; 0 if there is none.")
      .property("num_vertices", &M::num_vertices, "How many vertices the graph has.")
      .property("num_edges", &M::num_edges, "How many edges, parallel ones and loops included.")
      .property("training_time", &M::training_time, "Seconds that it took.");
}

}  // namespace

Components compute_components(const Graph& graph, const Context& context) {
  context.throw_if_cancelled();
  Forest forest(graph.num_vertices());
  join_all(forest, graph, context);
  Components components;
  components.component_ids.resize(graph.num_vertices());
  for (std::size_t v = 0; v < components.component_ids.size(); ++v) {
    if (v % kEdgesBetweenLooks == 0) context.throw_if_cancelled();
    const VertexIndex root = forest.root_of(static_cast<VertexIndex>(v));
    // The root comes first in its component, so it has its number by then.
    if (root == v) {
      components.component_ids[v] = static_cast<std::int64_t>(components.sizes.size());
      components.sizes.push_back(0);
    }
    components.component_ids[v] = components.component_ids[root];
    ++components.sizes[static_cast<std::size_t>(components.component_ids[v])];
  }
  return components;
}

Model::Fields ConnectedComponentsModel::fields() const {
  return {{"component_id", component_id},   {"component_sizes", component_sizes},
          {"vertices", vertices},           {"num_components", num_components},
          {"largest_size", largest_size()}, {"num_vertices", num_vertices},
          {"num_edges", num_edges},         {"training_time", training_time}};
}

std::int64_t ConnectedComponentsModel::largest_size() const {
  const ArrayView<std::int64_t> sizes(component_sizes);
  return sizes.size() == 0 ? 0 : std::ranges::max(sizes.span());
}

void ConnectedComponentsModel::save(SaveWriter& out) const {
  out.write(component_id);
  out.write(component_sizes);
  out.write(vertices);
  out.write(num_edges);
  out.write(training_time);
}

std::unique_ptr<ConnectedComponentsModel> ConnectedComponentsModel::load(SaveReader& in) {
  auto model = std::make_unique<ConnectedComponentsModel>();
  const auto ids = in.read<Array<std::int64_t>>();
  const auto sizes = in.read<Array<std::int64_t>>();
  model->component_id = ids.any();
  model->component_sizes = sizes.any();
  model->vertices = in.read<Variant>();
  model->num_vertices = vertex_count(model->vertices);
  model->num_components = sizes.size();
  const std::int64_t counted =
      std::accumulate(sizes.span().begin(), sizes.span().end(), std::int64_t{0});
  if (ids.size() != model->num_vertices || counted != model->num_vertices) {
    throw Error(ErrorKind::kInvalidArgument,
                "the saved ConnectedComponentsModel has components of " + std::to_string(counted) +
                    " vertices, but " + std::to_string(model->num_vertices) + " vertices");
  }
  model->num_edges = in.read<std::int64_t>();
  model->training_time = in.read<double>();
  return model;
}

void register_connected_components(Registry& registry) {
  register_type(registry);
  registry.toolkit(
      "connected_components", &connected_components, arg("graph"), blocking,
      "The weakly connected components of a graph: edges join their ends, whatever their "
      "direction.\n"
      "\n"
      "Args:\n"
      "    graph: a unity.Graph. Weights do not count; isolated vertices are components of one.\n"
      "\n"
      "Returns:\n"
      "    A dict with a ConnectedComponentsModel as `model`. Its `component_id` is in the order\n"
      "    of the graph's vertices.\n"
      "\n"
      "Raises:\n"
      "    TypeError: graph is no unity.Graph.\n"
      "    ValueError: an edge's end is not among the graph's vertices.");
}

}  // namespace cppipc::toolkits
