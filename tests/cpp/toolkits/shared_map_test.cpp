// SPDX-License-Identifier: Apache-2.0
// One map that two sessions of a host hold.
#include <cppipc/client.h>
#include <cppipc/host.h>
#include <cppipc/registry.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/eventually.h"
#include "toolkits/counter.h"
#include "toolkits/variant_map.h"

namespace cppipc::toolkits::shared_map_test {
namespace {

constexpr double kWaitS = 30;

// A host that gives the same map to everybody who calls `shared_map`.
class SharedMapTest : public testing::Test {
 protected:
  using Map = std::shared_ptr<RemoteObject>;

  SharedMapTest() {
    register_variant_map(registry_);
    register_counter(registry_);
    registry_.function("shared_map", [this] { return map_; });
    host_.emplace(registry_);
  }
  std::shared_ptr<Client> connect() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    host_->adopt(ends[0], "test");
    return Client::adopt(ends[1]);
  }
  static Map remote(const Variant& value) {
    return std::dynamic_pointer_cast<RemoteObject>(value.as<ObjectPtr>());
  }
  static Map shared_map(Client& client) {
    return remote(client.run("shared_map", {})->wait(kWaitS));
  }
  static Variant call(Client& client, const Map& map, const std::string& method,
                      std::vector<Variant> values) {
    return client.call(map, method, {std::move(values), {}})->wait(kWaitS);
  }

  Registry registry_;
  std::shared_ptr<ServerMap> map_ = std::make_shared<ServerMap>();
  std::optional<Host> host_;
};

TEST_F(SharedMapTest, WhatOneSetsTheOtherSees) {
  const auto one = connect();
  const auto two = connect();
  const Map mine = shared_map(*one);
  const Map yours = shared_map(*two);
  EXPECT_EQ(mine->object_id(), yours->object_id());
  call(*one, mine, "__setitem__", {"a", 1});
  EXPECT_EQ(call(*two, yours, "__getitem__", {"a"}), Variant(1));
  call(*two, yours, "__delitem__", {"a"});
  EXPECT_EQ(call(*one, mine, "__len__", {}), Variant(0));
}

TEST_F(SharedMapTest, AnObjectInItOutlivesTheSessionThatMadeIt) {
  const auto two = connect();
  const Map yours = shared_map(*two);
  {
    const auto one = connect();
    const Variant counter = one->create("Counter", {{5}, {}})->wait(kWaitS);
    call(*one, shared_map(*one), "__setitem__", {"counter", counter});
    one->close();
  }
  EXPECT_TRUE(test::eventually([&] { return host_->stats().sessions == 1; }));
  const Map counter = remote(call(*two, yours, "__getitem__", {"counter"}));
  EXPECT_EQ(call(*two, counter, "increment", {1}), Variant(6));
}

TEST_F(SharedMapTest, CallsOfBothRunOneAtATime) {
  constexpr int kRounds = 300;
  const auto add_many = [&](const std::string& prefix) {
    const auto client = connect();
    const Map map = shared_map(*client);
    for (int i = 0; i < kRounds; ++i) {
      call(*client, map, "__setitem__", {prefix + std::to_string(i), i});
      call(*client, map, "setdefault", {i, prefix});
      EXPECT_GE(call(*client, map, "__len__", {}).as<std::int64_t>(), i + 1);
    }
  };
  {
    std::jthread one(add_many, "one ");
    std::jthread two(add_many, "two ");
  }
  EXPECT_EQ(map_->size(), 3 * kRounds);
}

}  // namespace
}  // namespace cppipc::toolkits::shared_map_test
