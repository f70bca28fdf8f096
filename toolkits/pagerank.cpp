// SPDX-License-Identifier: Apache-2.0
// Each iteration gathers: a vertex adds up what the vertices that link to it pass on, so scores are
// written once each and rows are independent of one another. Sums over all vertices are kept in
// double, whatever the precision of the scores, so that `delta` is meaningful down to 1e-12.
//
// The vertices are cut into blocks of about as much work each, which threads take one by one. The
// blocks depend on the graph alone and their sums are added in their order, so that every number
// is the same on any number of threads.
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
#include "toolkits/parallel.h"

namespace cppipc::toolkits {
namespace {

constexpr std::uint64_t kBlockWork = 1 << 17;      // links and vertices
constexpr std::int64_t kLinksMax = 1'000'000'000;  // unless the setting says otherwise
constexpr std::int64_t kThreadsMax = 1'024;

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

// Where blocks of about equal work begin, and at last where the last one ends.
std::vector<std::size_t> cut_into_blocks(const Adjacency& links) {
  const std::size_t count = links.starts.size() - 1;
  std::vector<std::size_t> bounds{0};
  for (std::size_t v = 1; v < count; ++v) {
    const std::size_t begin = bounds.back();
    if (links.starts[v] - links.starts[begin] + (v - begin) >= kBlockWork) bounds.push_back(v);
  }
  bounds.push_back(count);
  return bounds;
}

// Owns: the scores, what each vertex passes along one of its links, and the threads.
template <class Score>
class PageRank {
 public:
  PageRank(const Graph& graph, const PageRankOptions& options, const Context& context)
      : links_(graph.in()),
        options_(options),
        context_(context),
        bounds_(cut_into_blocks(links_)),
        sums_(bounds_.size() - 1),
        parallel_(
            static_cast<unsigned>(std::min<std::size_t>(options.num_threads, bounds_.size() - 1))) {
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
    const double lost =
        sum_of_blocks([this](std::size_t begin, std::size_t end) { return pass_on(begin, end); });
    const double spread = options_.is_normalized ? lost * initial_ : 0;
    const double base = options_.reset_probability * initial_ + follow * spread;
    return sum_of_blocks([this, base, follow](std::size_t begin, std::size_t end) {
      return gather(begin, end, base, follow);
    });
  }

  // The sum of what `block` returns for the vertices of each, which it is given as begin and end.
  template <class Block>
  double sum_of_blocks(const Block& block) {
    parallel_.run(sums_.size(), [&](std::size_t i) {
      context_.throw_if_cancelled();
      sums_[i] = block(bounds_[i], bounds_[i + 1]);
    });
    double sum = 0;
    for (const double part : sums_) sum += part;
    return sum;
  }

  // Divides each score among the vertex's links. Returns the sum of the scores of vertices that
  // have none.
  double pass_on(std::size_t begin, std::size_t end) {
    double lost = 0;
    for (std::size_t v = begin; v < end; ++v) {
      if (out_degrees_[v] == 0) {
        lost += static_cast<double>(scores_[v]);
      } else {
        passed_on_[v] = scores_[v] / static_cast<Score>(out_degrees_[v]);
      }
    }
    return lost;
  }

  // Adds up what each vertex is passed. Returns how much the scores changed.
  double gather(std::size_t begin, std::size_t end, double base, double follow) {
    double delta = 0;
    for (std::size_t v = begin; v < end; ++v) {
      Score sum = 0;
      for (std::uint64_t i = links_.starts[v]; i < links_.starts[v + 1]; ++i) {
        sum += passed_on_[links_.neighbours[i]];
      }
      const auto score = static_cast<Score>(base + follow * static_cast<double>(sum));
      delta += std::abs(static_cast<double>(score) - static_cast<double>(scores_[v]));
      scores_[v] = score;
    }
    return delta;
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
  const std::vector<std::size_t> bounds_;  // of the blocks
  std::vector<double> sums_;               // of each
  double initial_ = 0;
  std::vector<Score> scores_;
  std::vector<std::uint64_t> out_degrees_;
  std::vector<Score> passed_on_;  // set for vertices that have links only
  Parallel parallel_;
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

// What the server's operator may change while it runs.
struct Settings {
  std::atomic<std::int64_t> links_max{kLinksMax};
  std::atomic<std::int64_t> threads{default_threads()};
};

// Errors: std::invalid_argument if it is not in 1 to `most`.
void check_between_1_and(std::int64_t most, std::int64_t value) {
  if (value >= 1 && value <= most) return;
  throw std::invalid_argument("must be in 1 to " + std::to_string(most) + ", not " +
                              std::to_string(value));
}

void register_pagerank_settings(Registry& registry, const std::shared_ptr<Settings>& settings) {
  registry.setting(
      "pagerank.links_max", [settings] { return settings->links_max.load(); },
      [settings](std::int64_t value) {
        if (value < 1) {
          throw std::invalid_argument("must be at least 1, not " + std::to_string(value));
        }
        settings->links_max = value;
      },
      "The most links that a graph for the toolkit pagerank may have.");
  registry.setting(
      "pagerank.threads", [settings] { return settings->threads.load(); },
      [settings](std::int64_t value) {
        check_between_1_and(kThreadsMax, value);
        settings->threads = value;
      },
      "On how many threads the toolkit pagerank computes where the call does not say.");
}

unsigned threads_of(const Settings& settings, const std::optional<std::int64_t>& wanted) {
  const std::int64_t count = wanted.value_or(settings.threads);
  if (count < 1) throw std::invalid_argument("Parameter 'num_threads' should be positive.");
  return static_cast<unsigned>(std::min(count, kThreadsMax));
}

constexpr char kPagerankDoc[] =
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
    "    num_threads: threads to compute on, at least 1; None: as many as the server's setting\n"
    "        pagerank.threads says. The result is the same on any number of them.\n"
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
    "    TypeError: graph is no unity.Graph.";

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
  const auto settings = std::make_shared<Settings>();
  register_pagerank_settings(registry, settings);
  const auto limited = [settings](const Context& context, OptionalIds sources, OptionalIds targets,
                                  double reset_probability, double threshold,
                                  std::int64_t max_iterations, bool single_precision,
                                  bool normalized, const std::optional<Graph>& graph,
                                  const std::optional<std::int64_t>& num_threads) {
    const PageRankOptions options{reset_probability, threshold, max_iterations, normalized,
                                  threads_of(*settings, num_threads)};
    check(options);
    const std::int64_t links_max = settings->links_max;
    if (!graph) {
      return pagerank_of_links(sources, targets, options, single_precision, links_max, context);
    }
    if (sources || targets) {
      throw std::invalid_argument(
          "pagerank: got 'graph' and 'sources' or 'targets' too; give either the one or the "
          "others");
    }
    return pagerank_of_graph(*graph, options, single_precision, links_max, context);
  };
  registry.toolkit("pagerank", limited, arg("sources") = nullptr, arg("targets") = nullptr,
                   arg("reset_probability") = 0.15, arg("threshold") = 1e-2,
                   arg("max_iterations") = 20, arg("single_precision") = false,
                   arg("normalized") = true, arg("graph") = nullptr, arg("num_threads") = nullptr,
                   blocking, kPagerankDoc);
}

}  // namespace cppipc::toolkits
