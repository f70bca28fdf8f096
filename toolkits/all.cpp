// SPDX-License-Identifier: Apache-2.0
#include "toolkits/all.h"

#include "toolkits/array_stats.h"
#include "toolkits/connected_components.h"
#include "toolkits/counter.h"
#include "toolkits/demo_addone.h"
#include "toolkits/diagnostics.h"
#include "toolkits/linear_regression.h"
#include "toolkits/logistic_regression.h"
#include "toolkits/model.h"
#include "toolkits/pagerank.h"
#include "toolkits/pagerank_model.h"
#include "toolkits/variant_map.h"

namespace cppipc::toolkits {

void register_all(Registry& registry, const RegisterOptions& options) {
  register_array_stats(registry);
  register_counter(registry);
  register_demo_addone(registry);
  register_model(registry);  // the base of those that follow
  register_connected_components(registry);
  register_linear_regression(registry);
  register_logistic_regression(registry);
  register_pagerank(registry);
  register_pagerank_model(registry);
  register_variant_map(registry);
  if (options.has_diagnostics) register_diagnostics(registry);
}

}  // namespace cppipc::toolkits
