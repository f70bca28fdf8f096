// SPDX-License-Identifier: Apache-2.0
// Proxies and servers that do not get on: those that end, and those that have something else.
#include <cppipc/proxy.h>

#include <csignal>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "support/loopback.h"
#include "support/node_interface.h"

namespace cppipc::proxy_end_test {
namespace {

using namespace cppipc::test;

// What test_registry.h registers as "Probe", as one interface or another has it.
template <int kWhich>
class ProbeInterface {
 public:
  virtual ~ProbeInterface() = default;
  virtual std::int64_t value() const = 0;
  virtual double real_value() const = 0;
  virtual void set_fixed(std::int64_t value) = 0;
  virtual std::int64_t add(std::int64_t by) = 0;
  virtual std::int64_t add_real(double by) = 0;
  virtual void absent() = 0;
};

enum Which { kFits, kAbsentType, kAbsentMethod, kParameter, kProperty, kWritable, kConstructor };

template <int kWhich>
auto interface_of(const ProbeInterface<kWhich>*) {
  using I = ProbeInterface<kWhich>;
  const auto list =
      interface<I>(kWhich == kAbsentType ? "Prob" : "Probe").template property<&I::value>("value");
  if constexpr (kWhich == kAbsentMethod) {
    return list.template method<&I::absent>("absent");
  } else if constexpr (kWhich == kParameter) {
    return list.template method<&I::add_real>("add", parameter("by"));
  } else if constexpr (kWhich == kProperty) {
    return list.template property<&I::real_value>("fixed");
  } else if constexpr (kWhich == kWritable) {
    return list.template property<&I::value, &I::set_fixed>("fixed");
  } else if constexpr (kWhich == kConstructor) {
    return list.template constructor<std::string>(parameter("value"));
  } else {
    return list.template constructor<std::int64_t>(parameter("value"))
        .template method<&I::add>("add", parameter("by"));
  }
}

// Only members that each list has are called.
template <int kWhich>
class ProbeProxy final : public Proxy<ProbeInterface<kWhich>> {
 public:
  using I = ProbeInterface<kWhich>;
  using Proxy<I>::Proxy;
  std::int64_t value() const override { return this->template call<&I::value>(); }
  double real_value() const override { return 0; }
  void set_fixed(std::int64_t) override {}
  std::int64_t add(std::int64_t by) override {
    if constexpr (kWhich == kFits) return this->template call<&I::add>(by);
    return by;
  }
  std::int64_t add_real(double) override { return 0; }
  void absent() override {}
};
template <int kWhich>
ProbeProxy<kWhich>* proxy_of(const ProbeInterface<kWhich>*);

class ProxyAgreementTest : public BrokerTest {
 protected:
  template <int kWhich>
  Error refusal() {
    return error_of([&] { proxy_for<ProbeInterface<kWhich>>(probe_); });
  }
  template <int kWhich>
  void expect_refusal(ErrorKind kind, const std::string& text) {
    const Error error = refusal<kWhich>();
    EXPECT_EQ(error.kind(), kind);
    EXPECT_NE(error.text().find(text), std::string_view::npos) << error.text();
  }

  void SetUp() override {
    BrokerTest::SetUp();
    broker_.emplace();
    probe_ = broker_->create("Probe", arguments(3));
  }
  void TearDown() override {
    probe_.reset();
    broker_.reset();
    BrokerTest::TearDown();
  }

  std::optional<LoopbackBroker> broker_;
  LoopbackBroker::Ref probe_;
};

TEST_F(ProxyAgreementTest, AServerMayHaveMoreThanTheInterface) {
  const auto probe = proxy_for<ProbeInterface<kFits>>(probe_);
  EXPECT_EQ(probe->add(2), 5);
  EXPECT_EQ(create<ProbeInterface<kFits>>(broker_->client(), 8)->value(), 8);
}

TEST_F(ProxyAgreementTest, EachDifferenceIsNamed) {
  expect_refusal<kAbsentMethod>(ErrorKind::kUnknownName, "has no method absent() -> None");
  expect_refusal<kParameter>(ErrorKind::kWrongType,
                             "it lists add(by: float) -> int, and the server");
  expect_refusal<kParameter>(ErrorKind::kWrongType, "has add(by: int = 1) -> int");
  expect_refusal<kProperty>(ErrorKind::kWrongType, "it lists fixed: float, read-only, and");
  expect_refusal<kWritable>(ErrorKind::kWrongType, "has fixed: int, read-only");
  expect_refusal<kConstructor>(ErrorKind::kWrongType, "Probe(value: int = 0) -> Probe");
}

TEST_F(ProxyAgreementTest, ATypeThatTheServerDoesNotHaveIsNamedAndNothingIsSent) {
  const auto calls = broker_->host().stats().calls;
  const Error error = error_of([&] { create<Node>(broker_->client(), 1); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnknownName);
  EXPECT_NE(error.text().find("has no type 'Node'"), std::string_view::npos) << error.text();
  EXPECT_EQ(broker_->host().stats().calls, calls);
  EXPECT_EQ(refusal<kAbsentType>().kind(), ErrorKind::kWrongType);  // the object is no Prob
}

class ProxyEndTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    broker_.emplace(HostOptions(), ConnectOptions(), &nodes);
    node_ = create<Node>(broker_->client(), 1);
  }
  void TearDown() override {
    node_.reset();
    broker_.reset();
    BrokerTest::TearDown();
  }

  std::optional<LoopbackBroker> broker_;
  NodePtr node_;
};

TEST_F(ProxyEndTest, AfterCloseEachUseIsAConnectionLost) {
  broker_->client()->close();
  const Error error = error_of([&] { node_->value(); });
  EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
  EXPECT_NE(error.text().find("session closed"), std::string_view::npos) << error.text();
  EXPECT_EQ(kind_of([&] { create<Node>(broker_->client()); }), ErrorKind::kConnectionLost);
}

TEST_F(ProxyEndTest, ACallThatRunsEndsWithItsSession) {
  std::thread waits(
      [&] { EXPECT_EQ(kind_of([&] { node_->wait("gate"); }), ErrorKind::kConnectionLost); });
  ASSERT_TRUE(broker_->stage.saw("gate"));
  broker_->client()->close();
  waits.join();
  broker_->stage.open("gate");
}

TEST_F(ProxyEndTest, AProxyDoesNotKeepItsClient) {
  auto other = broker_->connect();
  const NodePtr node = create<Node>(other, 1);
  other->close();
  other.reset();
  const Error error = error_of([&] { node->value(); });
  EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
  EXPECT_NE(error.text().find("the client of this Node is gone"), std::string_view::npos)
      << error.text();
}

// A server in a process of its own, at the other end of a socket, until it is killed.
class ServerProcess {
 public:
  explicit ServerProcess(Descriptor socket) : pid_(::fork()) {
    if (pid_ != 0) return;
    Stage stage;
    const Registry registry = nodes(stage);
    Host host(registry);
    host.adopt(socket.release(), "test");
    for (;;) ::pause();
  }
  ~ServerProcess() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

TEST(ProxyServerDeathTest, AKilledServerEndsTheCallsThatRun) {
  auto [ours, theirs] = socket_pair();
  ServerProcess server(std::move(theirs));
  const auto client = Client::adopt(ours.release());
  const NodePtr node = create<Node>(client, 1);
  const auto sent = submit<&Node::wait>(node, "gate");
  std::thread waits(
      [&] { EXPECT_EQ(kind_of([&] { node->wait("gate"); }), ErrorKind::kConnectionLost); });
  client->ping()->wait(kWaitS);  // so the first call has come to the server
  server.kill();
  waits.join();
  EXPECT_EQ(kind_of([&] { sent.wait(kWaitS); }), ErrorKind::kConnectionLost);
  EXPECT_EQ(kind_of([&] { node->value(); }), ErrorKind::kConnectionLost);
  EXPECT_EQ(kind_of([&] { create<Node>(client); }), ErrorKind::kConnectionLost);
  client->close();
}

}  // namespace
}  // namespace cppipc::proxy_end_test
