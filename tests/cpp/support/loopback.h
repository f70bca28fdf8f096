// SPDX-License-Identifier: Apache-2.0
#pragma once
// Host and clients over socketpairs in one process.

#include <cppipc/client.h>
#include <cppipc/host.h>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/error_of.h"
#include "support/leak_check.h"
#include "support/sockets.h"
#include "support/test_registry.h"

namespace cppipc::test {

inline constexpr double kWaitS = 30.0;

template <class... Values>
Arguments arguments(Values&&... values) {
  return {{Variant(std::forward<Values>(values))...}, {}};
}

// A host that serves registry_of(stage), or what another function makes of the stage, and its
// clients.
class LoopbackBroker {
 public:
  using Ref = std::shared_ptr<RemoteObject>;

  explicit LoopbackBroker(HostOptions options = {}, ConnectOptions client_options = {},
                          Registry (*make_registry)(Stage&) = &registry_of)
      : registry_(make_registry(stage)),
        host_(std::make_unique<Host>(registry_, std::move(options))),
        client_(connect(std::move(client_options))) {}
  ~LoopbackBroker() {
    client_->close();
    client_.reset();
    host_.reset();
  }

  // One more client.
  std::shared_ptr<Client> connect(ConnectOptions options = {}) {
    return Client::adopt(connect_raw().release(), std::move(options));
  }
  // A connection whose other side the host serves.
  Descriptor connect_raw() {
    auto [ours, theirs] = socket_pair();
    host_->adopt(theirs.release(), "test");
    return std::move(ours);
  }

  Host& host() { return *host_; }
  void end_host() { host_.reset(); }
  const std::shared_ptr<Client>& client() { return client_; }

  // Blocking forms, by the first client unless another is named.
  Ref create(const std::string& type, Arguments arguments = {},
             const std::shared_ptr<Client>& by = nullptr) {
    const auto value = use(by).create(type, std::move(arguments))->wait(kWaitS);
    return std::dynamic_pointer_cast<RemoteObject>(value.as<ObjectPtr>());
  }
  Variant call(const Ref& target, const std::string& method, Arguments arguments = {},
               const std::shared_ptr<Client>& by = nullptr) {
    return use(by).call(target, method, std::move(arguments))->wait(kWaitS);
  }
  Variant run(const std::string& function, Arguments arguments = {},
              const std::shared_ptr<Client>& by = nullptr) {
    return use(by).run(function, std::move(arguments))->wait(kWaitS);
  }

  // Waits for the host's counts.
  template <class Condition>
  bool host_has(Condition condition) {
    return eventually([&] { return condition(host_->stats()); });
  }

  Stage stage;  // before the host, whose methods use it

 private:
  Client& use(const std::shared_ptr<Client>& by) { return by ? *by : *client_; }

  Registry registry_;
  std::unique_ptr<Host> host_;
  std::shared_ptr<Client> client_;
};

// Tests that leave no object, no descriptor and no thread behind, and in which calls on one
// object never overlapped.
class BrokerTest : public LeakCheck {
 protected:
  void SetUp() override {
    Probe::overlaps = 0;
    LeakCheck::SetUp();
  }
  void TearDown() override {
    EXPECT_EQ(Probe::live, 0);
    EXPECT_EQ(Safe::live, 0);
    EXPECT_EQ(Probe::overlaps, 0);
    LeakCheck::TearDown();
  }
};

}  // namespace cppipc::test
