// SPDX-License-Identifier: Apache-2.0
#include "toolkits/pagerank_model.h"

#include <cppipc/registry.h>

namespace cppipc::toolkits {

Model::Fields PagerankModel::fields() const {
  return {{"scores", scores},
          {"vertices", vertices},
          {"num_vertices", num_vertices},
          {"num_edges", num_edges},
          {"num_iterations", num_iterations},
          {"delta", delta},
          {"training_time", training_time},
          {"reset_probability", options.reset_probability},
          {"threshold", options.threshold},
          {"max_iterations", options.max_iterations},
          {"single_precision", is_single_precision},
          {"normalized", options.is_normalized}};
}

void PagerankModel::save(SaveWriter& out) const {
  out.write(scores);
  out.write(vertices);
  out.write(num_edges);
  out.write(num_iterations);
  out.write(delta);
  out.write(training_time);
  out.write(options.reset_probability);
  out.write(options.threshold);
  out.write(options.max_iterations);
  out.write(is_single_precision);
  out.write(options.is_normalized);
}

std::unique_ptr<PagerankModel> PagerankModel::load(SaveReader& in) {
  auto model = std::make_unique<PagerankModel>();
  model->scores = in.read<Variant>();
  model->vertices = in.read<Variant>();
  model->num_vertices = vertex_count(model->vertices);
  if (model->scores.as_array().size() != model->num_vertices) {
    throw Error(ErrorKind::kInvalidArgument,
                "the saved PagerankModel has " + std::to_string(model->scores.as_array().size()) +
                    " scores for " + std::to_string(model->num_vertices) + " vertices");
  }
  model->num_edges = in.read<std::int64_t>();
  model->num_iterations = in.read<std::int64_t>();
  model->delta = in.read<double>();
  model->training_time = in.read<double>();
  model->options.reset_probability = in.read<double>();
  model->options.threshold = in.read<double>();
  model->options.max_iterations = in.read<std::int64_t>();
  model->is_single_precision = in.read<bool>();
  model->options.is_normalized = in.read<bool>();
  return model;
}

void register_pagerank_model(Registry& registry) {
  using M = PagerankModel;
  registry.type<M>("PagerankModel", "The PageRank of a graph, as toolkits.pagerank returns it.")
      .base<Model>()
      .thread_safe()
      .saveable(1, &M::save, &M::load)
      .property("scores", &M::scores,
                "One for each vertex, in the order of the graph's vertices: a float64 array, "
                "float32 if it\nwas computed in single precision.")
      .property("vertices", &M::vertices,
                "Those of the graph: an int64 array, or a list if they are no ints.")
      .property("num_vertices", &M::num_vertices, "How many vertices the graph has.")
      .property("num_edges", &M::num_edges, "How many edges, parallel ones and loops included.")
      .property("num_iterations", &M::num_iterations, "How many iterations it took.")
      .property("delta", &M::delta, "How much all scores together changed in the last iteration.")
      .property("training_time", &M::training_time, "Seconds that it took.")
      .property(
          "reset_probability", [](const M& self) { return self.options.reset_probability; },
          "As it was given.")
      .property(
          "threshold", [](const M& self) { return self.options.threshold; }, "As it was given.")
      .property(
          "max_iterations", [](const M& self) { return self.options.max_iterations; },
          "As it was given.")
      .property("single_precision", &M::is_single_precision, "As it was given.")
      .property(
          "normalized", [](const M& self) { return self.options.is_normalized; },
          "As it was given.");
}

}  // namespace cppipc::toolkits
