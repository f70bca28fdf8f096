// SPDX-License-Identifier: Apache-2.0
// The seeds of tests/fuzz/corpus/bulk: values in shared memory as peers send them, and as none
// should. Run with CPPIPC_SEED_FOLDER=FOLDER in the environment, the test also writes them there.
#include <capnp/capability.h>
#include <capnp/serialize.h>
#include <cppipc/broker.capnp.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "wire/caps.h"

namespace cppipc::bulk_seeds_test {
namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};

// A LargeBytes. `cap` is an index among those that the target offers: an import, five blobs of this
// side, nothing, and something else of this side. The arenas are 1 (for reading) and 2.
struct Place {
  std::uint64_t size = 0, arena = 0, offset = 0, begin = 0;
  Access access = Access::kLent;
  unsigned cap = 0;
};

void fill(wire::LargeBytes::Builder large, const Place& place) {
  large.setSize(place.size);
  large.setArena(place.arena);
  large.setOffset(place.offset);
  large.setBegin(place.begin);
  large.setAccess(static_cast<std::uint8_t>(place.access));
  // Each has the next index, and the last one stays.
  for (unsigned i = 0; i <= place.cap; ++i) {
    large.setBlob(capnp::Capability::Client(capnp::newBrokenCap("a blob")).castAs<wire::Blob>());
  }
}

struct Layout {
  std::vector<std::int64_t> shape, strides;
  std::uint64_t start = 0;
};

void fill(wire::Array::Builder array, const Place& place, const Layout& layout) {
  array.setDtype("<i2");
  array.setCode('h');
  array.setItemsize(2);
  auto shape = array.initShape(static_cast<unsigned>(layout.shape.size()));
  for (unsigned i = 0; i < shape.size(); ++i) shape.set(i, layout.shape[i]);
  auto strides = array.initStrides(static_cast<unsigned>(layout.strides.size()));
  for (unsigned i = 0; i < strides.size(); ++i) strides.set(i, layout.strides[i]);
  array.setStart(layout.start);
  fill(array.getContent().initLarge(), place);
}

template <class Fill>
std::string bytes_of(Fill&& fill) {
  capnp::MallocMessageBuilder message;
  capnp::BuilderCapabilityTable table;
  fill(table.imbue(message.getRoot<capnp::AnyPointer>()).initAs<wire::Variant>());
  const auto words = capnp::messageToFlatArray(message);
  return {reinterpret_cast<const char*>(words.begin()), words.asBytes().size()};
}
std::string array_at(const Place& place, const Layout& layout) {
  return bytes_of([&](wire::Variant::Builder value) { fill(value.initArray(), place, layout); });
}

using Seeds = std::map<std::string, std::string>;

void add_arrays(Seeds& seeds) {
  const Place place{200, 1, 4000, 64};
  seeds["plain"] = array_at(place, {{10, 10}, {}, 0});
  seeds["strided"] = array_at(place, {{10, 5}, {20, 4}, 0});
  seeds["backwards"] = array_at(place, {{10, 10}, {-20, -2}, 198});
  seeds["broadcast"] = array_at(place, {{1 << 20, 4}, {0, 2}, 10});
  seeds["scalar"] = array_at({2, 2, 0, 0, Access::kLentWritable}, {{}, {}, 0});
  seeds["moved"] = array_at({200, 2, 100, 0, Access::kMoved}, {{100}, {}, 0});
  seeds["kept"] = array_at({200, 1, 5000, 0, Access::kKept}, {{100}, {}, 0});
  seeds["past_strides"] = array_at(place, {{10, 10}, {20, 4}, 0});
  seeds["past_arena"] = array_at({200, 1, 12'100, 0}, {{100}, {}, 0});
  seeds["wrapped"] = array_at({200, 1, kMost - 99, 0}, {{100}, {}, 0});
  seeds["unknown_arena"] = array_at({200, 3, 0, 0}, {{100}, {}, 0});
}

void add_blobs(Seeds& seeds) {
  for (unsigned cap = 1; cap <= 7; ++cap) {
    const Place place{100, 9, 64, 50, cap == 4 ? Access::kKept : Access::kLentWritable, cap};
    seeds["own_" + std::to_string(cap)] = array_at(place, {{50}, {}, 0});
  }
  seeds["own_too_long"] = array_at({100, 9, 64, 450, Access::kLent, 3}, {{50}, {}, 0});
}

Seeds seeds() {
  Seeds seeds;
  add_arrays(seeds);
  add_blobs(seeds);
  seeds["bytes"] = bytes_of([](wire::Variant::Builder value) {
    fill(value.initLargeBytes(), Place{4096, 1, 8192, 0});
  });
  seeds["text"] = bytes_of([](wire::Variant::Builder value) {
    fill(value.initLargeStr(), Place{4096, 2, 1, 1, Access::kMoved});
  });
  seeds["list"] = bytes_of([](wire::Variant::Builder value) {
    auto items = value.initList(3);
    fill(items[0].initLargeBytes(), {10, 1, 0, 0});
    fill(items[1].initLargeStr(), {10, 2, 0, 0});
    fill(items[2].initArray(), {10, 0, 0, 0}, {{5}, {}, 0});
  });
  return seeds;
}

TEST(BulkSeeds, AreSmallAndDifferent) {
  std::map<std::string, std::string> names;
  for (const auto& [name, content] : seeds()) {
    EXPECT_LT(content.size(), 1024u) << name;
    EXPECT_TRUE(names.emplace(content, name).second) << name << " is " << names[content];
  }
  const char* folder = std::getenv("CPPIPC_SEED_FOLDER");
  if (folder == nullptr) return;
  for (const auto& [name, content] : seeds()) {
    std::ofstream file;
    file.exceptions(std::ios::badbit | std::ios::failbit);
    file.open(std::filesystem::path(folder) / name, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

TEST(BulkSeeds, AreTheSameInEveryRun) { EXPECT_EQ(seeds(), seeds()); }

}  // namespace
}  // namespace cppipc::bulk_seeds_test
