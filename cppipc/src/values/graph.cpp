// SPDX-License-Identifier: Apache-2.0
// A graph holds what it crosses as, its parts. All that is made of them on demand lies in memory of
// its own, and was checked on the way there.
#include <cppipc/detail/place.h>
#include <cppipc/graph.h>

#include "values/column_parts.h"
#include "values/utf8.h"
#include "values/vertex_index.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace cppipc {
namespace {

// Something that is made when it is first asked for; others wait meanwhile. If that fails, the next
// one tries again.
template <class T>
class Lazy {
 public:
  template <class Make>
  const T& get(Make&& make) const {
    if (const T* made = made_.load(std::memory_order_acquire)) return *made;
    const std::lock_guard lock(mutex_);
    if (!value_) {
      value_.emplace(make());
      made_.store(&*value_, std::memory_order_release);
    }
    return *value_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::optional<T> value_;
  mutable std::atomic<const T*> made_{nullptr};
};

// The vertices of the edges.
struct Places {
  std::vector<std::int64_t> ids;  // of all vertices, unless they are given
  std::vector<VertexIndex> sources;
  std::vector<VertexIndex> targets;
};

Ids ids_of(const AnyArray& array) { return ArrayView<std::int64_t>(array).span(); }

// Not recursive. Labels are what may be a key in Python, and means the same everywhere.
void check_labels(const std::vector<Variant>& labels) {
  std::vector<const Variant*> left;
  for (const Variant& label : labels) left.push_back(&label);
  const auto add = [&left](const std::vector<Variant>& items) {
    for (const Variant& item : items) left.push_back(&item);
  };
  while (!left.empty()) {
    const Variant& next = *left.back();
    left.pop_back();
    switch (next.kind()) {
      case Kind::kTuple:
        add(next.as<Tuple>().items);
        continue;
      case Kind::kFrozenSet:
        add(next.as<FrozenSet>().items);
        continue;
      case Kind::kArray:
        if (next.as_array().flavor == ArrayFlavor::kScalar && next.as_array().shape.empty()) {
          continue;
        }
        break;
      case Kind::kStr:
        if (!is_utf8(next.as<std::string>())) refuse_table("a vertex's text is not valid UTF-8");
        continue;
      case Kind::kList:
      case Kind::kSet:
      case Kind::kDict:
      case Kind::kObject:
      case Kind::kCallable:
      case Kind::kMessage:
      case Kind::kDataFrame:
      case Kind::kGraph:
        break;
      default:
        continue;
    }
    refuse_table("a graph's vertex cannot be a " + detail::python_type(next));
  }
}

Variant weights_part(const Edges& edges) {
  return edges.weights ? Variant(edges.weights->any()) : Variant();
}

}  // namespace

struct Graph::Content {
  explicit Content(std::vector<Variant> given);

  const Places& places() const {
    return places_.get([this] { return make_places(); });
  }
  const Adjacency& out() const {
    return out_.get([this] { return rows_of(places().sources, places().targets, count()); });
  }
  const Adjacency& in() const {
    return in_.get([this] { return rows_of(places().targets, places().sources, count()); });
  }
  const std::vector<std::int64_t>& vertex_ids() const {
    if (ids == nullptr) return places().ids;
    return given_ids_.get([this] {
      const Ids given = ids_of(*ids);
      return std::vector<std::int64_t>(given.begin(), given.end());
    });
  }
  std::size_t count() const {
    if (labels != nullptr) return labels->size();
    return ids != nullptr ? static_cast<std::size_t>(ids->shape[0]) : places().ids.size();
  }

  std::vector<Variant> parts;
  const AnyArray* sources = nullptr;
  const AnyArray* targets = nullptr;
  const AnyArray* weights = nullptr;
  const AnyArray* ids = nullptr;  // null unless they are given
  const std::vector<Variant>* labels = nullptr;
  bool is_indexed = false;
  Lazy<std::vector<std::uint64_t>> out_edges;
  Lazy<std::vector<std::uint64_t>> in_edges;

 private:
  Places make_places() const;

  Lazy<Places> places_;
  Lazy<std::vector<std::int64_t>> given_ids_;
  Lazy<Adjacency> out_;
  Lazy<Adjacency> in_;
};

Graph::Content::Content(std::vector<Variant> given) : parts(std::move(given)) {
  if (parts.size() != 5) refuse_table("a graph does not have five parts");
  const auto ids_in = [](Variant& part, std::int64_t length, const char* what) {
    const AnyArray& array = checked_array(part, "i", length, what);
    if (array.dtype.itemsize == sizeof(std::int64_t)) return &array;
    refuse_table(std::string(what) + " are of " + array.dtype.name() + ", not int64");
  };
  sources = ids_in(parts[0], -1, "a graph's sources");
  targets = ids_in(parts[1], sources->shape[0], "a graph's targets");
  weights = checked_optional_array(parts[2], "biuf", sources->shape[0], "a graph's weights");
  const auto* indexed = parts[4].get_if<bool>();
  if (indexed == nullptr) refuse_table("whether a graph's edges are indexed is not a bool");
  is_indexed = *indexed;
  if (const auto* list = parts[3].get_if<List>()) {
    labels = &list->items;
    check_labels(*labels);
  } else if (!parts[3].is_null()) {
    ids = ids_in(parts[3], -1, "a graph's vertices");
  }
  const bool has_places = labels != nullptr || ids != nullptr;
  if (labels != nullptr ? !is_indexed : is_indexed && !has_places) {
    refuse_table(is_indexed ? "a graph's edges are indexed, but there are no vertices"
                            : "a graph has labels, but its edges are not indexed");
  }
}

Places Graph::Content::make_places() const {
  Places made;
  if (labels != nullptr) {
    made.sources = checked_places(ids_of(*sources), labels->size());
    made.targets = checked_places(ids_of(*targets), labels->size());
    return made;
  }
  const std::uint64_t lookups = is_indexed ? 0 : sources->shape[0];
  VertexPlaces places = ids != nullptr ? VertexPlaces(ids_of(*ids), lookups)
                                       : VertexPlaces(ids_of(*sources), ids_of(*targets));
  if (is_indexed) {
    const auto count = static_cast<std::uint64_t>(ids->shape[0]);
    made.sources = checked_places(ids_of(*sources), count);
    made.targets = checked_places(ids_of(*targets), count);
  } else {
    made.sources = places.find_all(ids_of(*sources));
    made.targets = places.find_all(ids_of(*targets));
  }
  if (ids == nullptr) made.ids = places.take_ids();
  return made;
}

Graph::Graph(Edges edges)
    : Graph(from_parts({edges.sources.any(), edges.targets.any(), weights_part(edges), Variant(),
                        Variant(false)})) {}

Graph::Graph(Edges edges, Array<std::int64_t> ids)
    : Graph(from_parts({edges.sources.any(), edges.targets.any(), weights_part(edges), ids.any(),
                        Variant(false)})) {}

Graph::Graph(Edges edges, std::vector<Variant> labels)
    : Graph(from_parts({edges.sources.any(), edges.targets.any(), weights_part(edges),
                        List{std::move(labels)}, Variant(true)})) {}

Graph Graph::from_parts(std::vector<Variant> parts) {
  return Graph(std::make_shared<const Content>(std::move(parts)));
}

const Graph::Content& Graph::content() const {
  // Never destroyed: graphs may be used until the process has ended.
  static const auto* const kEmpty = [] {
    const Variant none = make_array(DType::of<std::int64_t>(), {0});
    return std::make_unique<Content>(
               std::vector<Variant>{none, none, Variant(), Variant(), Variant(false)})
        .release();
  }();
  return content_ ? *content_ : *kEmpty;
}

std::span<const Variant> Graph::parts() const { return content().parts; }

std::int64_t Graph::num_edges() const { return content().sources->shape[0]; }

std::size_t Graph::num_vertices() const { return content().count(); }

std::span<const std::int64_t> Graph::ids() const {
  if (content().labels != nullptr) {
    throw Error(ErrorKind::kWrongType,
                "the graph's vertices have labels and no ids; give it ints for vertices");
  }
  return content().vertex_ids();
}

const std::vector<Variant>* Graph::labels() const { return content().labels; }

Variant Graph::vertex(VertexIndex v) const {
  if (v < num_vertices()) return labels() != nullptr ? (*labels())[v] : Variant(ids()[v]);
  throw Error(ErrorKind::kOutOfRange, "the graph has " + std::to_string(num_vertices()) +
                                          " vertices; there is none at " + std::to_string(v));
}

ArrayView<std::int64_t> Graph::sources() const {
  return ArrayView<std::int64_t>(*content().sources);
}

ArrayView<std::int64_t> Graph::targets() const {
  return ArrayView<std::int64_t>(*content().targets);
}

bool Graph::is_indexed() const { return content().is_indexed; }

const AnyArray* Graph::weights() const { return content().weights; }

std::vector<double> Graph::weights_as_doubles() const {
  if (weights() == nullptr) return {};
  std::vector<double> doubles(static_cast<std::size_t>(num_edges()));
  write_doubles(*weights(), nullptr, doubles.data(), 1);
  return doubles;
}

std::span<const VertexIndex> Graph::source_indexes() const { return content().places().sources; }

std::span<const VertexIndex> Graph::target_indexes() const { return content().places().targets; }

const Adjacency& Graph::out() const { return content().out(); }

const Adjacency& Graph::in() const { return content().in(); }

std::span<const std::uint64_t> Graph::out_edges() const {
  const Content& graph = content();
  return graph.out_edges.get([&] { return edges_of(graph.places().sources, graph.out()); });
}

std::span<const std::uint64_t> Graph::in_edges() const {
  const Content& graph = content();
  return graph.in_edges.get([&] { return edges_of(graph.places().targets, graph.in()); });
}

bool Graph::operator==(const Graph& other) const {
  return content_ == other.content_ || std::ranges::equal(parts(), other.parts());
}

}  // namespace cppipc
