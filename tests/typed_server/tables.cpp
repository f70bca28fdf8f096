// SPDX-License-Identifier: Apache-2.0
#include "typed_server/tables.h"

#include <cppipc/registry.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cppipc::test {
namespace {

using Names = std::vector<std::string>;

// A column of each layout, with a null in the second row if there is one.
DataFrame made(std::int64_t rows) {
  Array<double> numbers(rows);
  std::vector<std::optional<std::int64_t>> counts;
  std::vector<std::optional<std::string>> texts;
  Array<std::int8_t> codes(rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const bool is_null = row == 1;
    numbers[row] = static_cast<double>(row) / 2;
    counts.push_back(is_null ? std::nullopt : std::optional(row));
    texts.push_back(is_null ? std::nullopt : std::optional(std::string(row % 5, 'x')));
    codes[row] = static_cast<std::int8_t>(is_null ? -1 : row % 2);
  }
  const Names categories{"even", "odd"};
  return DataFrame::Builder()
      .add("number", numbers)
      .add("count", counts)
      .add("text", texts)
      .add_category("parity", codes.any(), categories, true)
      .build();
}

std::vector<std::optional<std::string>> texts(const DataFrame& frame, const std::string& name) {
  const Column& column = frame.column(name);
  std::vector<std::optional<std::string>> texts;
  for (std::int64_t row = 0; row < column.size(); ++row) {
    texts.push_back(column.is_valid(row) ? std::optional(std::string(column.text(row)))
                                         : std::nullopt);
  }
  return texts;
}

std::vector<std::int64_t> codes(const DataFrame& frame, const std::string& name) {
  const Column& column = frame.column(name);
  std::vector<std::int64_t> codes;
  for (std::int64_t row = 0; row < column.size(); ++row) codes.push_back(column.code(row));
  return codes;
}

std::map<std::string, std::string> types(const DataFrame& frame) {
  std::map<std::string, std::string> types;
  for (const Column& column : frame.columns()) {
    types[std::string(column.name())] =
        column.type_name() + (column.zone() == nullptr ? "" : " in " + *column.zone());
  }
  return types;
}

// Keeps what it got last, and gives it back.
class Keeper {
 public:
  DataFrame keep(DataFrame frame) { return frame_ = std::move(frame); }
  DataFrame frame() const { return frame_; }
  double first(const std::string& name) const { return frame_.column(name).to_doubles().at(0); }

  void save(SaveWriter& out) const { out.write(frame_); }
  static std::unique_ptr<Keeper> load(SaveReader& in) {
    auto keeper = std::make_unique<Keeper>();
    keeper->frame_ = in.read<DataFrame>();
    return keeper;
  }

 private:
  DataFrame frame_;
};

// The neighbours of each vertex, and which edge leads to each.
using Rows = std::vector<std::vector<std::pair<std::int64_t, std::uint64_t>>>;
Rows rows_of(const Graph& graph, const Adjacency& adjacency, std::span<const std::uint64_t> edges) {
  Rows rows(graph.num_vertices());
  for (VertexIndex v = 0; v < rows.size(); ++v) {
    for (std::uint64_t i = adjacency.starts[v]; i < adjacency.starts[v + 1]; ++i) {
      rows[v].emplace_back(adjacency.neighbours[i], edges[i]);
    }
  }
  return rows;
}

List vertices(const Graph& graph) {
  List list;
  for (VertexIndex v = 0; v < graph.num_vertices(); ++v) list.items.push_back(graph.vertex(v));
  return list;
}

// A ring whose edges weigh as much as the place of their source.
Graph ring(std::int64_t size, bool has_labels) {
  Edges edges{Array<std::int64_t>(size), Array<std::int64_t>(size), Array<double>(size)};
  std::vector<Variant> labels;
  for (std::int64_t i = 0; i < size; ++i) {
    edges.sources[i] = i;
    edges.targets[i] = (i + 1) % size;
    (*edges.weights)[i] = static_cast<double>(i);
    labels.emplace_back("v" + std::to_string(i));
  }
  return has_labels ? Graph(std::move(edges), std::move(labels)) : Graph(std::move(edges));
}

void register_frames(Registry& registry) {
  registry.function("tables.made", &made, arg("rows"));
  registry.function(
      "tables.same", [](DataFrame frame) { return frame; }, arg("frame"));
  registry.function(
      "tables.maybe", [](std::optional<DataFrame> frame) { return frame; }, arg("frame"));
  registry.function(
      "tables.rows",
      [](const std::map<std::string, DataFrame>& frames) {
        std::map<std::string, std::int64_t> rows;
        for (const auto& [name, frame] : frames) rows[name] = frame.num_rows();
        return rows;
      },
      arg("frames"));
  registry.function("tables.texts", &texts, arg("frame"), arg("name"));
  registry.function("tables.codes", &codes, arg("frame"), arg("name"));
  registry.function("tables.types", &types, arg("frame"));
  registry.function(
      "tables.doubles",
      [](const DataFrame& frame, const std::string& name) {
        return frame.column(name).to_doubles();
      },
      arg("frame"), arg("name"));
  registry.function(
      "tables.int64s",
      [](const DataFrame& frame, const std::string& name) {
        const auto values = frame.column(name).values<std::int64_t>();
        return std::vector<std::int64_t>(values.begin(), values.end());
      },
      arg("frame"), arg("name"));
  registry.function(
      "tables.select",
      [](const DataFrame& frame, const Names& names) { return frame.select(names); }, arg("frame"),
      arg("names"));
  registry.function(
      "tables.take",
      [](const DataFrame& frame, const std::vector<std::int64_t>& rows) {
        return frame.take(rows);
      },
      arg("frame"), arg("rows"));
  registry.function(
      "tables.matrix",
      [](const DataFrame& frame, const Names& names) { return frame.to_matrix(names); },
      arg("frame"), arg("names"));
}

void register_graphs(Registry& registry) {
  registry.function(
      "tables.same_graph", [](Graph graph) { return graph; }, arg("graph"));
  registry.function("tables.ring", &ring, arg("size"), arg("has_labels") = false);
  registry.function("tables.vertices", &vertices, arg("graph"));
  registry.function(
      "tables.weights", [](const Graph& graph) { return graph.weights_as_doubles(); },
      arg("graph"));
  registry.function(
      "tables.out",
      [](const Graph& graph) { return rows_of(graph, graph.out(), graph.out_edges()); },
      arg("graph"));
  registry.function(
      "tables.into",
      [](const Graph& graph) { return rows_of(graph, graph.in(), graph.in_edges()); },
      arg("graph"));
}

}  // namespace

void register_tables(Registry& registry) {
  register_frames(registry);
  register_graphs(registry);
  registry.type<Keeper>("tables.Keeper", "Keeps a dataframe.")
      .init<>()
      .saveable(1, &Keeper::save, &Keeper::load)
      .method("keep", &Keeper::keep, arg("frame"))
      .method("first", &Keeper::first, arg("name"))
      .property("frame", &Keeper::frame);
}

}  // namespace cppipc::test
