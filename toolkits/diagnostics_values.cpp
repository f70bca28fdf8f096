// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "toolkits/array_fill.h"
#include "toolkits/array_total.h"
#include "toolkits/diagnostics.h"
#include "toolkits/element_type.h"

namespace cppipc::toolkits {
namespace {

Variant copy(const Variant& x);

template <class Sequence>
Sequence copy_items(const Sequence& sequence) {
  Sequence result;
  result.items.reserve(sequence.items.size());
  for (const Variant& item : sequence.items) result.items.push_back(copy(item));
  return result;
}

// A dataframe or a graph.
template <class Table>
Table copy_table(const Table& table) {
  std::vector<Variant> parts;
  for (const Variant& part : table.parts()) parts.push_back(copy(part));
  return Table::from_parts(std::move(parts));
}

Dict copy_entries(const Dict& dict) {
  Dict result;
  result.entries.reserve(dict.entries.size());
  for (const auto& [key, value] : dict.entries) {
    result.entries.emplace_back(copy(key), copy(value));
  }
  return result;
}

AnyArray copy_array(const AnyArray& array) {
  AnyArray result = array.copy();
  result.flavor = array.flavor;
  return result;
}

Variant echo(Variant x) { return x; }

// Objects stay the objects they are: a reference is the value here.
Variant copy(const Variant& x) {
  switch (x.kind()) {
    case Kind::kBytes:
      return Bytes(x.as<Bytes>().view());
    case Kind::kList:
      return copy_items(x.as<List>());
    case Kind::kTuple:
      return copy_items(x.as<Tuple>());
    case Kind::kSet:
      return copy_items(x.as<Set>());
    case Kind::kFrozenSet:
      return copy_items(x.as<FrozenSet>());
    case Kind::kDict:
      return copy_entries(x.as<Dict>());
    case Kind::kArray:
      return copy_array(x.as_array());
    case Kind::kDataFrame:
      return copy_table(x.as<DataFrame>());
    case Kind::kGraph:
      return copy_table(x.as<Graph>());
    default:
      return x;
  }
}

List list_of(const std::vector<std::int64_t>& numbers) {
  return {std::vector<Variant>(numbers.begin(), numbers.end())};
}

void describe_array(const AnyArray& array, VariantMap& seen) {
  const std::string format = buffer_format_of(array.dtype);
  seen["format"] = format.empty() ? Variant() : Variant(format);
  seen["dtype"] = array.dtype.text;
  seen["itemsize"] = static_cast<std::int64_t>(array.dtype.itemsize);
  seen["shape"] = Tuple{list_of(array.shape).items};
  seen["strides"] = Tuple{list_of(array.strides).items};
  seen["readonly"] = array.is_readonly;
  seen["nbytes"] = array.nbytes();
  seen["inline"] = array.origin == ArrayOrigin::kMessage;
  const auto place = arena_place(array);
  seen["arena"] = place ? Variant(static_cast<std::int64_t>(place->arena)) : Variant();
  seen["offset"] = place ? Variant(static_cast<std::int64_t>(place->offset)) : Variant();
}

void describe_frame(const DataFrame& frame, VariantMap& seen) {
  seen["num_rows"] = frame.num_rows();
  Dict columns;
  for (const Column& column : frame.columns()) {
    columns.entries.emplace_back(column.name(), column.type_name());
  }
  seen["columns"] = std::move(columns);
}

VariantMap describe(const Variant& x) {
  VariantMap seen;
  seen["kind"] = name_of(x.kind());
  if (x.kind() == Kind::kArray) describe_array(x.as_array(), seen);
  if (const auto* frame = x.get_if<DataFrame>()) describe_frame(*frame, seen);
  if (const auto* graph = x.get_if<Graph>()) {
    seen["num_edges"] = graph->num_edges();
    seen["num_vertices"] = static_cast<std::int64_t>(graph->num_vertices());
  }
  if (const auto* member = x.get_if<EnumMember>()) seen["type"] = member->type;
  if (x.kind() == Kind::kObject) seen["type"] = x.as<ObjectPtr>()->type_name();
  return seen;
}

Variant total(const Variant& x) {
  if (x.kind() != Kind::kArray) {
    throw Error(ErrorKind::kWrongType, "x must be an array, not " + std::string(name_of(x.kind())));
  }
  return total_of(x.as_array());
}

// In which order an array's elements lie in memory: the last index runs fastest, or the first.
enum class Order { kC, kF };

Variant alloc(const std::variant<std::int64_t, std::vector<std::int64_t>>& given,
              const std::string& dtype, Order order) {
  const auto* length = std::get_if<std::int64_t>(&given);
  std::vector<std::int64_t> shape = length != nullptr ? std::vector<std::int64_t>{*length}
                                                      : std::get<std::vector<std::int64_t>>(given);
  if (order == Order::kF) std::reverse(shape.begin(), shape.end());
  AnyArray array = make_array(dtype_of(dtype), std::move(shape));
  if (order == Order::kF) {
    std::reverse(array.shape.begin(), array.shape.end());
    std::reverse(array.strides.begin(), array.strides.end());
  }
  return array;
}

List pair(const Variant& x, const Variant& y) { return {{x, y}}; }

void fill_lent(const AnyArray& x, const Variant& value) {
  const bool is_copy = x.origin == ArrayOrigin::kMessage || x.origin == ArrayOrigin::kBeside;
  if (x.is_readonly || is_copy) {
    throw Error(ErrorKind::kInvalidArgument,
                "x was not lent writable: the server has a copy of it, or may not write it; "
                "pass unity.share(x, \"rw\")");
  }
  fill(x, value);
}

}  // namespace

void register_diagnostics_values(Registry& registry) {
  registry.function("diagnostics.echo", &echo, arg("x"),
                    "Returns x: the very object or memory block, where there is one.");
  registry.function("diagnostics.copy", &copy, arg("x"),
                    "Returns an equal value in new memory; objects stay the same objects.");
  registry.function("diagnostics.describe", &describe, arg("x"), "What C++ saw of x, as a dict.");
  registry.function("diagnostics.total", &total, arg("x"),
                    "The sum of a numeric array of any shape and strides.");
  registry.enumeration<Order>("diagnostics.Order", {{"C", Order::kC}, {"F", Order::kF}},
                              "Which index runs fastest in memory: C is the last, F the first.");
  registry.function("diagnostics.alloc", &alloc, arg("shape"), arg("dtype"),
                    arg("order") = Order::kC,
                    "A new array of zeros; dtype is a name or a type string.");
  registry.function("diagnostics.fill", &fill_lent, arg("x"), arg("value"),
                    "Sets all elements of x in place, if x was lent writable; else ValueError.");
  registry.function("diagnostics.pair", &pair, arg("x"), arg("y"), "Returns [x, y].");
}

}  // namespace cppipc::toolkits
