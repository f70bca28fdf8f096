// SPDX-License-Identifier: Apache-2.0
#pragma once
// PageRank: how important each vertex of a directed graph is, by the links that point to it.

#include <cppipc/context.h>
#include <cppipc/graph.h>

#include <cstdint>
#include <vector>

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

struct PageRankOptions {
  // The probability to jump to any vertex instead of following a link; 0..1.
  double reset_probability = 0.15;
  // Iterating ends once the scores change by less than this in total (the L1 norm of the
  // difference of two iterations, on the scale of the scores); 0 never ends before the maximum.
  double threshold = 1e-2;
  std::int64_t max_iterations = 20;  // at least 1
  // True: scores sum to 1, and what vertices without outgoing links hold is spread over all.
  // False: the classic unnormalised form: scores begin at 1 per vertex, and what vertices
  // without outgoing links hold is not passed on.
  bool is_normalized = true;
  unsigned num_threads = 1;  // at least 1; what is computed does not depend on it
};

template <class Score>
struct PageRankResult {
  std::vector<Score> scores;  // one per vertex, in the graph's order
  std::int64_t num_iterations = 0;
  double delta = 0;  // the change in the last iteration
};

// Computes PageRank in the precision of Score, float or double. Reports progress once per iteration
// and looks at cancellation several times per million links.
// Errors: std::invalid_argument naming the option; kCancelled, kTimeout.
template <class Score>
PageRankResult<Score> compute_pagerank(const Graph& graph, const PageRankOptions& options,
                                       const Context& context);

// Registers the toolkit pagerank and its settings: pagerank.links_max keeps it from graphs with
// more links, and pagerank.threads is for calls that do not say on how many threads. What it
// returns for a Graph is of the type of register_pagerank_model().
void register_pagerank(Registry& registry);

}  // namespace cppipc::toolkits
