// SPDX-License-Identifier: Apache-2.0
// Each iteration gathers: a vertex adds up what the vertices that link to it pass on, so scores are
// written once each and rows are independent of one another. Sums over all vertices are kept in
// double, whatever the precision of the scores, so that `delta` is meaningful down to 1e-12.
#include "toolkits/pagerank.h"

#include <cppipc/array.h>
#include <cppipc/registry.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "toolkits/pagerank_model.h"

namespace cppipc::toolkits {
namespace {

constexpr std::uint64_t kLinksBetweenLooks = 1 << 20;
constexpr std::int64_t kLinksMax = 1'000'000'000;  // unless the setting says otherwise

void check(const PageRankOptions& options) {
  // Written so that NaN fails.
  if (!(options.threshold >= 0)) {
    throw std::invalid_argument("Parameter 'threshold' must be positive.");
  }
  if (!(options.reset_probability >= 0 && options.reset_probability <= 1)) {
    throw std::invalid_argument("Parameter 'reset_probability' should be between 0 and 1.");
  }
  if (options.max_iterations <= 0) {
    throw std::invalid_argument("Max iterations should be positive.");
  }
}

// Owns: the scores and what each vertex passes along one of its links.
template <class Score>
class PageRank {
 public:
  PageRank(const Graph& graph, const PageRankOptions& options, const Context& context)
      : links_(graph.in()), options_(options), context_(context) {
    const auto count = static_cast<double>(graph.num_vertices());
    initial_ = options.is_normalized ? 1 / count : 1;
    scores_.assign(graph.num_vertices(), static_cast<Score>(initial_));
    passed_on_.resize(graph.num_vertices());
    out_degrees_.assign(graph.num_vertices(), 0);
    for (const VertexIndex source : graph.source_indexes()) ++out_degrees_[source];
  }

  PageRankResult<Score> run() {
    PageRankResult<Score> result;
    while (result.num_iterations < options_.max_iterations) {
      result.delta = iterate();
      ++result.num_iterations;
      report(result.num_iterations, result.delta);
      if (result.delta < options_.threshold) break;
    }
    result.scores = std::move(scores_);
    return result;
  }

 private:
  // One iteration. Returns how much the scores changed.
  double iterate() {
    const double follow = 1 - options_.reset_probability;
    const double lost = fill_passed_on();
    const double spread = options_.is_normalized ? lost * initial_ : 0;
    const double base = options_.reset_probability * initial_ + follow * spread;
    double delta = 0;
    std::uint64_t links_until_look = 0;
    for (std::size_t v = 0; v < scores_.size(); ++v) {
      const std::uint64_t begin = links_.starts[v];
      const std::uint64_t end = links_.starts[v + 1];
      if (links_until_look < end - begin + 1) {
        context_.throw_if_cancelled();
        links_until_look = kLinksBetweenLooks + (end - begin + 1);
      }
      links_until_look -= end - begin + 1;
      Score sum = 0;
      for (std::uint64_t i = begin; i < end; ++i) sum += passed_on_[links_.neighbours[i]];
      const auto score = static_cast<Score>(base + follow * static_cast<double>(sum));
      delta += std::abs(static_cast<double>(score) - static_cast<double>(scores_[v]));
      scores_[v] = score;
    }
    return delta;
  }

  // Divides each score among the vertex's links. Returns the sum of the scores of vertices that
  // have none.
  double fill_passed_on() {
    double lost = 0;
    for (std::size_t v = 0; v < scores_.size(); ++v) {
      if (out_degrees_[v] == 0) {
        lost += static_cast<double>(scores_[v]);
      } else {
        passed_on_[v] = scores_[v] / static_cast<Score>(out_degrees_[v]);
      }
    }
    return lost;
  }

  void report(std::int64_t iteration, double delta) const {
    if (!context_.on_progress) return;
    char text[64];
    const int length = std::snprintf(text, sizeof(text), "iteration %lld: delta %.3g",
                                     static_cast<long long>(iteration), delta);
    context_.progress(static_cast<double>(iteration) / static_cast<double>(options_.max_iterations),
                      {text, static_cast<std::size_t>(length)});
  }

  const Adjacency& links_;  // into each vertex
  const PageRankOptions& options_;
  const Context& context_;
  double initial_ = 0;
  std::vector<Score> scores_;
  std::vector<std::uint64_t> out_degrees_;
  std::vector<Score> passed_on_;  // set for vertices that have links only
};

// What a call of the toolkit computed.
struct Ranked {
  AnyArray scores;
  std::int64_t num_iterations = 0;
  double delta = 0;
  double training_time = 0;  // seconds
};

template <class Score>
Ranked rank_in(const Graph& graph, const PageRankOptions& options, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  PageRankResult<Score> result = compute_pagerank<Score>(graph, options, context);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return {to_array(std::move(result.scores)), result.num_iterations, result.delta, elapsed.count()};
}

Ranked rank(const Graph& graph, const PageRankOptions& options, bool is_single_precision,
            const Context& context) {
  if (is_single_precision) return rank_in<float>(graph, options, context);
  return rank_in<double>(graph, options, context);
}

void check_number_of_links(std::uint64_t count, std::int64_t links_max) {
  if (count <= static_cast<std::uint64_t>(links_max)) return;
  throw std::invalid_argument("pagerank: " + std::to_string(count) +
                              " links are more than this server takes; its setting " +
                              "'pagerank.links_max' is " + std::to_string(links_max));
}

Array<std::int64_t> ids_of(std::vector<std::int64_t> ids) {
  return Array<std::int64_t>(to_array(std::move(ids)));
}

using OptionalIds = std::optional<std::vector<std::int64_t>>;

VariantMap pagerank_of_links(OptionalIds& sources, OptionalIds& targets,
                             const PageRankOptions& options, bool is_single_precision,
                             std::int64_t links_max, const Context& context) {
  if (!sources || !targets) {
    const char* given = sources ? "sources" : targets ? "targets" : "neither";
    throw std::invalid_argument("pagerank: give 'graph', or 'sources' and 'targets'; got " +
                                std::string(given) + (sources || targets ? " alone" : ""));
  }
  check_number_of_links(sources->size(), links_max);
  if (sources->size() != targets->size()) {
    throw std::invalid_argument("sources has " + std::to_string(sources->size()) +
                                " ids, but targets has " + std::to_string(targets->size()));
  }
  const Graph graph(Edges{ids_of(std::move(*sources)), ids_of(std::move(*targets)), {}});
  Ranked ranked = rank(graph, options, is_single_precision, context);
  return {{"scores", std::move(ranked.scores)},
          {"vertices", vertices_of(graph)},
          {"num_iterations", ranked.num_iterations},
          {"delta", ranked.delta},
          {"training_time", ranked.training_time}};
}

VariantMap pagerank_of_graph(const Graph& graph, const PageRankOptions& options,
                             bool is_single_precision, std::int64_t links_max,
                             const Context& context) {
  check_number_of_links(static_cast<std::uint64_t>(graph.num_edges()), links_max);
  Ranked ranked = rank(graph, options, is_single_precision, context);
  auto model = std::make_shared<PagerankModel>();
  model->scores = std::move(ranked.scores);
  model->vertices = vertices_of(graph);
  model->num_vertices = static_cast<std::int64_t>(graph.num_vertices());
  model->num_edges = graph.num_edges();
  model->num_iterations = ranked.num_iterations;
  model->delta = ranked.delta;
  model->training_time = ranked.training_time;
  model->is_single_precision = is_single_precision;
  model->options = options;
  return {{"model", to_variant(std::move(model))}};
}

using LinksMax = std::shared_ptr<std::atomic<std::int64_t>>;

void register_links_max(Registry& registry, const LinksMax& links_max) {
  registry.setting(
      "pagerank.links_max", [links_max] { return links_max->load(); },
      [links_max](std::int64_t value) {
        if (value < 1) {
          throw std::invalid_argument("must be at least 1, not " + std::to_string(value));
        }
        *links_max = value;
      },
      "The most links that a graph for the toolkit pagerank may have.");
}

}  // namespace

template <class Score>
PageRankResult<Score> compute_pagerank(const Graph& graph, const PageRankOptions& options,
                                       const Context& context) {
  check(options);
  if (graph.num_vertices() == 0) return {};
  return PageRank<Score>(graph, options, context).run();
}

template PageRankResult<float> compute_pagerank(const Graph&, const PageRankOptions&,
                                                const Context&);
template PageRankResult<double> compute_pagerank(const Graph&, const PageRankOptions&,
                                                 const Context&);

void register_pagerank(Registry& registry) {
  const auto links_max = std::make_shared<std::atomic<std::int64_t>>(kLinksMax);
  register_links_max(registry, links_max);
  const auto limited = [links_max](const Context& context, OptionalIds sources, OptionalIds targets,
                                   double reset_probability, double threshold,
                                   std::int64_t max_iterations, bool single_precision,
                                   bool normalized, const std::optional<Graph>& graph) {
    const PageRankOptions options{reset_probability, threshold, max_iterations, normalized};
    check(options);
    if (!graph) {
      return pagerank_of_links(sources, targets, options, single_precision, *links_max, context);
    }
    if (sources || targets) {
      throw std::invalid_argument(
          "pagerank: got 'graph' and 'sources' or 'targets' too; give either the one or the "
          "others");
    }
    return pagerank_of_graph(*graph, options, single_precision, *links_max, context);
  };
  registry.toolkit(
      "pagerank", limited, arg("sources") = nullptr, arg("targets") = nullptr,
      arg("reset_probability") = 0.15, arg("threshold") = 1e-2, arg("max_iterations") = 20,
      arg("single_precision") = false, arg("normalized") = true, arg("graph") = nullptr, blocking,
      "PageRank of a directed graph: how important each vertex is by the links to it.\n"
      "\n"
      "Args:\n"
      "    sources, targets: integer ids, one of each per link, as arrays or lists, for the\n"
      "        graph with the links sources[i] -> targets[i].\n"
      "    reset_probability: probability to jump to any vertex; 0 to 1.\n"
      "    threshold: ends once all scores together change by less than this in an iteration.\n"
      "    max_iterations: ends after so many iterations in any case.\n"
      "    single_precision: compute in float32 instead of float64.\n"
      "    normalized: scores sum to 1, and vertices without links out pass theirs on to all.\n"
      "        False: scores begin at 1 each, and such vertices pass nothing on.\n"
      "    graph: a unity.Graph, instead of sources and targets. Parallel links count as often\n"
      "        as they are given, in either form; weights do not count.\n"
      "\n"
      "Returns:\n"
      "    With graph: a dict with a PagerankModel as `model`, whose `scores` are in the order\n"
      "    of the graph's vertices.\n"
      "    With sources and targets: a dict with `vertices`, the sorted distinct ids (int64\n"
      "    array); `scores`, one per vertex in that order; `num_iterations`; `delta`, the change\n"
      "    in the last one; `training_time` in seconds.\n"
      "\n"
      "Raises:\n"
      "    ValueError: neither form is given or both are, sources and targets differ in length,\n"
      "        or an option is out of range.\n"
      "    TypeError: graph is no unity.Graph.");
}

}  // namespace cppipc::toolkits
