// SPDX-License-Identifier: Apache-2.0
// The seeds of tests/fuzz/corpus/variant. Run with CPPIPC_SEED_FOLDER=FOLDER in the environment,
// the test also writes them there.

#include "support/memory_caps.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

namespace cppipc::seeds_test {
namespace {

using test::MemoryCaps;
using test::NamedObject;

constexpr std::size_t kSeedBytesMax = 4096;

AnyArray small_array(const DType& dtype, std::vector<std::int64_t> shape) {
  AnyArray array = make_array(dtype, std::move(shape));
  for (std::int64_t i = 0; i < array.nbytes(); ++i) array.data[i] = static_cast<std::byte>(i);
  return array;
}

AnyArray transposed(AnyArray array) {
  std::reverse(array.shape.begin(), array.shape.end());
  std::reverse(array.strides.begin(), array.strides.end());
  return array;
}

DataFrame frame() {
  const std::vector<std::optional<std::string>> texts{"a", std::nullopt};
  const std::vector<std::string> categories{"x", "y"};
  return DataFrame::Builder()
      .add("n", small_array(DType::of<std::int16_t>(), {2}))
      .add("s", texts)
      .add_category("c", small_array(DType::of<std::int8_t>(), {2}), categories, true)
      .add("t", small_array({"<M8[us]", 'M', 8}, {2}), std::nullopt, "UTC")
      .build();
}

Variant graphs() {
  const auto edges = [] {
    return Edges{Array<std::int64_t>(2), Array<std::int64_t>(2), Array<double>(2)};
  };
  return List{{Graph(edges()), Graph(edges(), Array<std::int64_t>(1)),
               Graph(edges(), std::vector<Variant>{"a", Tuple{{1, "b"}}})}};
}

Variant nested(int depth) {
  Variant value = "innermost";
  for (int i = 0; i < depth; ++i) {
    value = i % 2 == 0 ? Variant(List{{value}}) : Variant(Dict{{{i, value}}});
  }
  return value;
}

std::vector<std::pair<std::string, Variant>> values() {
  TimeOfDay time{23, 59, 58, 999'999, 1, -3600};
  const DType structured{"[('a', '<i4'), ('b', '|S4')]", 'V', 8};
  return {
      {"scalars", List{{nullptr, true, -1, 0.5, std::complex<double>(1, -1)}}},
      {"texts", List{{"", "a", std::string("a\0b", 3), "\xe2\x82\xac", Bytes("\xff\x01")}}},
      {"packed", Tuple{{List{{1, 2, 3}}, List{{0.5, 1.5}}, Tuple{{1, 2}}, Tuple{{0.5, 1.5}}}}},
      {"sequences", List{{List{}, Tuple{{1, "x"}}, Set{{1, 2}}, FrozenSet{{"a"}}}}},
      {"dicts", Dict{{{"a", 1}, {2, Dict{}}, {Tuple{{1, 2}}, List{{nullptr}}}}}},
      {"moments", List{{DateTime{{2024, 2, 29}, time}, Date{1, 1, 1}, time, TimeDelta{-1, 2, 3}}}},
      {"numbers", List{{Decimal{"-1.5E+3"}, Decimal{"NaN"}, Uuid{}}}},
      {"array", small_array(DType::of<double>(), {2, 3})},
      {"fortran_array", transposed(small_array(DType::of<std::int16_t>(), {2, 3}))},
      {"structured_array", small_array(structured, {3})},
      {"dates_array", small_array({"<M8[ns]", 'M', 8}, {2})},
      {"object", List{{ObjectPtr(std::make_shared<NamedObject>("Counter"))}}},
      {"nested", nested(40)},
      {"dataframe", frame()},
      {"graphs", graphs()},
      {"enumeration", List{{EnumMember{"app.Color", "red"}, FrozenSet{{EnumMember{"a", "b"}}}}}},
  };
}

Description some_description() {
  FunctionDescription add{"add", "Adds.", {{"by", "int", Variant(1), false}}, "int", false};
  FunctionDescription run{"run", "", {{"rest", "", std::nullopt, true}}, "", true};
  return {"0.1.0",
          {{"Counter", "A counter.", add, {add}, {{"value", "", "int", true}}}},
          {run},
          {{"Color", "", {{"red", 1}, {"green", -2}}}}};
}

template <class T>
std::string bytes_of(const std::function<void(typename T::Builder)>& write) {
  capnp::MallocMessageBuilder message;
  capnp::BuilderCapabilityTable table;
  write(table.imbue(message.getRoot<capnp::AnyPointer>()).template initAs<T>());
  const auto words = capnp::messageToFlatArray(message);
  return {reinterpret_cast<const char*>(words.begin()), words.asBytes().size()};
}

// Name and content of each file.
std::vector<std::pair<std::string, std::string>> seeds() {
  std::vector<std::pair<std::string, std::string>> files;
  MemoryCaps caps;
  for (const auto& [name, value] : values()) {
    files.emplace_back(name, bytes_of<wire::Variant>([&](auto builder) {
                         marshal(value, builder, caps, {});
                         // The id of MemoryCaps is an address; a seed needs none.
                         if (name == "object") builder.getList()[0].getObject().initId(16);
                       }));
  }
  const Arguments arguments{{1, "two", List{{3}}}, {"name"}};
  files.emplace_back("arguments", bytes_of<wire::Arguments>([&](auto builder) {
                       marshal(arguments, builder, caps, {});
                     }));
  Error error(ErrorKind::kToolkit, "it failed");
  error.where = "add";
  files.emplace_back("fault", bytes_of<wire::Fault>([&](auto b) { marshal(error, b); }));
  files.emplace_back("description", bytes_of<wire::Description>([](auto builder) {
                       marshal(some_description(), builder);
                     }));
  files.emplace_back("large", bytes_of<wire::Variant>([&](auto builder) {
                       const Variant value = List{{std::string(9, 's'), Bytes("123456789")}};
                       marshal(value, builder, caps, {1 << 20, 8});
                     }));
  return files;
}

TEST(Seeds, AreSmallMessagesWithDifferentNames) {
  std::map<std::string, std::string> files;
  for (const auto& [name, content] : seeds()) {
    EXPECT_LT(content.size(), kSeedBytesMax) << name;
    EXPECT_TRUE(files.emplace(name, content).second) << name;
  }
  EXPECT_LE(files.size(), 20u);
  const char* folder = std::getenv("CPPIPC_SEED_FOLDER");
  if (folder == nullptr) return;
  for (const auto& [name, content] : files) {
    std::ofstream file;
    file.exceptions(std::ios::badbit | std::ios::failbit);
    file.open(std::filesystem::path(folder) / name, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

TEST(Seeds, AreTheSameInEveryRun) { EXPECT_EQ(seeds(), seeds()); }

}  // namespace
}  // namespace cppipc::seeds_test
