// SPDX-License-Identifier: Apache-2.0
// Cap'n Proto's own RPC client against our host, with its event loop on the test's thread: what
// other languages get when they speak to a server.
#include <capnp/rpc-twoparty.h>
#include <cppipc/broker.capnp.h>
#include <kj/async-io.h>

#include "support/loopback.h"

namespace cppipc::interop_test {
namespace {

using namespace cppipc::test;

class InteropTest : public BrokerTest {
 public:
  ~InteropTest() noexcept override = default;  // those of Cap'n Proto may throw

 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    broker_ = std::make_unique<LoopbackBroker>();
    connect();
  }
  void TearDown() override {
    disconnect();
    broker_.reset();
    BrokerTest::TearDown();
  }
  void connect() {
    io_ = kj::heap<kj::AsyncIoContext>(kj::setupAsyncIo());
    stream_ = io_->lowLevelProvider->wrapSocketFd(broker_->connect_raw().release(),
                                                  kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
    rpc_ = kj::heap<capnp::TwoPartyClient>(*stream_);
  }
  void disconnect() {
    rpc_ = nullptr;
    stream_ = nullptr;
    io_ = nullptr;
  }

  wire::Broker::Client bootstrap() { return rpc_->bootstrap().castAs<wire::Broker>(); }
  auto open_request() {
    auto request = bootstrap().openRequest();
    request.setProtocol(wire::PROTOCOL);
    request.setMessageBytes(64 << 20);
    request.setInlineBytes(1 << 20);
    return request;
  }
  static void fill_info(wire::CallInfo::Builder info) {
    static std::uint64_t last = 0;
    info.setId(++last);
  }
  auto create_request(wire::Session::Client session, const char* type) {
    auto request = session.createRequest();
    fill_info(request.initCall());
    request.setType(type);
    return request;
  }
  auto call_request(wire::Object::Client object, const char* method) {
    auto request = object.callRequest();
    fill_info(request.initCall());
    request.setMethod(method);
    return request;
  }
  // A call whose reply will have an object, which is called without waiting for it. Generated code
  // does not pipeline through the union of an outcome, so this spells the way to the object.
  struct Pending {
    capnp::RemotePromise<capnp::AnyPointer> promise;
    wire::Object::Client object;
  };
  static Pending send(capnp::Request<capnp::AnyPointer, capnp::AnyPointer> request) {
    auto promise = request.send();
    auto object = promise
                      .getPointerField(0)  // outcome
                      .getPointerField(0)  // value
                      .getPointerField(0)  // object, a Reference
                      .getPointerField(0)  // its object
                      .asCap();
    return {kj::mv(promise), capnp::Capability::Client(kj::mv(object)).castAs<wire::Object>()};
  }
  template <class Client>
  static auto typeless(Client client, std::uint16_t method) {
#if CAPNP_VERSION >= 1000000
    return client.typelessRequest(capnp::typeId<typename Client::Calls>(), method, nullptr, {});
#else
    return client.typelessRequest(capnp::typeId<typename Client::Calls>(), method, nullptr);
#endif
  }
  static Pending create(wire::Session::Client session, const char* type, std::int64_t value = 0) {
    auto request = typeless(session, 1);
    auto params = request.initAs<wire::Session::CreateParams>();
    fill_info(params.initCall());
    params.setType(type);
    params.initArguments().initValues(1)[0].setInt(value);
    return send(kj::mv(request));
  }
  static Pending call(wire::Object::Client object, const char* method,
                      kj::Maybe<std::int64_t> value = nullptr) {
    auto request = typeless(object, 0);
    auto params = request.initAs<wire::Object::CallParams>();
    fill_info(params.initCall());
    params.setMethod(method);
    KJ_IF_MAYBE (number, value) params.initArguments().initValues(1)[0].setInt(*number);
    return send(kj::mv(request));
  }
  auto run_request(wire::Session::Client session, const char* function) {
    auto request = session.runRequest();
    fill_info(request.initCall());
    request.setFunction(function);
    return request;
  }
  template <class Request>
  static Request with(Request request, std::int64_t value) {
    request.initArguments().initValues(1)[0].setInt(value);
    return request;
  }
  template <class T>
  T wait(kj::Promise<T> promise) {
    return promise.wait(io_->waitScope);
  }
  // Lets the loop run until the condition holds.
  template <class Condition>
  bool loop_until(Condition condition) {
    return eventually([&] {
      io_->waitScope.poll();
      return condition();
    });
  }
  wire::Session::Client session() { return open_request().send().getSession(); }

  std::unique_ptr<LoopbackBroker> broker_;
  kj::Own<kj::AsyncIoContext> io_;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::TwoPartyClient> rpc_;
};

TEST_F(InteropTest, ASessionIsOpenedAndDescribed) {
  auto opened = open_request().send().wait(io_->waitScope);
  EXPECT_EQ(opened.getWelcome().getProtocol(), wire::PROTOCOL);
  EXPECT_EQ(opened.getWelcome().getServerId().size(), 16u);
  auto described = opened.getSession().describeRequest().send().wait(io_->waitScope);
  EXPECT_GT(described.getDescription().getTypes().size(), 2u);
}

TEST_F(InteropTest, AnObjectIsCreatedAndCalledStepByStep) {
  auto session = open_request().send().wait(io_->waitScope).getSession();
  auto created = with(create_request(session, "Probe"), 5).send().wait(io_->waitScope);
  ASSERT_TRUE(created.getOutcome().isValue());
  const auto reference = created.getOutcome().getValue().getObject();
  EXPECT_EQ(reference.getType(), "Probe");
  auto probe = reference.getObject();
  auto reply = with(call_request(probe, "add"), 3).send().wait(io_->waitScope);
  EXPECT_EQ(reply.getOutcome().getValue().getInt(), 8);
}

TEST_F(InteropTest, AWholeChainIsSentWithoutWaiting) {
  // Nothing but the last reply is waited for; each call is made on the answer of the one before.
  auto probe = create(session(), "Probe", 5);
  auto first = with(call_request(probe.object, "add"), 1).send();
  auto second = with(call_request(probe.object, "add"), 2).send();
  auto plus = call(probe.object, "plus", 100);
  auto third = call_request(plus.object, "add").send();
  EXPECT_EQ(third.wait(io_->waitScope).getOutcome().getValue().getInt(), 109);
  EXPECT_EQ(second.wait(io_->waitScope).getOutcome().getValue().getInt(), 8);
  EXPECT_EQ(first.wait(io_->waitScope).getOutcome().getValue().getInt(), 6);
}

TEST_F(InteropTest, ManyPipelinedCallsKeepTheirOrder) {
  auto probe = create(session(), "Probe");
  kj::Vector<kj::Promise<void>> promises;
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) {
    auto request = call_request(probe.object, "note");
    sent.push_back(std::to_string(i));
    request.initArguments().initValues(1)[0].setStr(sent.back());
    promises.add(request.send().ignoreResult());
    if (i % 10 == 0) io_->waitScope.poll();  // so that some are sent after the answer came
  }
  wait(kj::joinPromises(promises.releaseAsArray()));
  EXPECT_EQ(broker_->stage.notes(), sent);
}

TEST_F(InteropTest, CallsOnTheAnswerOfASlowCallWaitForIt) {
  auto probe = create(session(), "Probe", 7);
  auto slow_request = call_request(probe.object, "wait");
  slow_request.initArguments().initValues(1)[0].setStr("slow");
  auto slow = slow_request.send();
  auto itself = call(probe.object, "itself");
  auto value = call_request(itself.object, "value").send();
  ASSERT_TRUE(loop_until([&] { return broker_->stage.count("slow") == 1; }));
  broker_->stage.open("slow");
  EXPECT_EQ(value.wait(io_->waitScope).getOutcome().getValue().getInt(), 7);
  slow.wait(io_->waitScope);
}

TEST_F(InteropTest, AnObjectComesBackAsItself) {
  auto session = this->session();
  auto created = create_request(session, "Probe").send().wait(io_->waitScope);
  auto reference = created.getOutcome().getValue().getObject();
  auto request = run_request(session, "echo");
  request.initArguments().initValues(1)[0].setObject(reference);
  auto echoed = request.send().wait(io_->waitScope);
  auto back = echoed.getOutcome().getValue().getObject();
  EXPECT_TRUE(back.getId() == reference.getId());
  EXPECT_EQ(Probe::live, 1);
  EXPECT_EQ(call_request(back.getObject(), "add")
                .send()
                .wait(io_->waitScope)
                .getOutcome()
                .getValue()
                .getInt(),
            1);
}

TEST_F(InteropTest, FaultsAreResultsAndNotExceptions) {
  auto session = this->session();
  auto unknown = run_request(session, "nothing").send().wait(io_->waitScope);
  ASSERT_TRUE(unknown.getOutcome().isFault());
  EXPECT_EQ(unknown.getOutcome().getFault().getKind(),
            static_cast<unsigned>(ErrorKind::kUnknownName));
  auto request = run_request(session, "fail");
  request.initArguments().initValues(1)[0].setStr("42");
  auto thrown = request.send().wait(io_->waitScope);
  ASSERT_TRUE(thrown.getOutcome().isFault());
  EXPECT_EQ(thrown.getOutcome().getFault().getThrownType(), "int");
}

TEST_F(InteropTest, CallsOnAFaultFail) {
  auto session = this->session();
  auto nothing = create(session, "Nothing");
  auto call = call_request(nothing.object, "add").send();
  const auto reply = nothing.promise.wait(io_->waitScope);
  EXPECT_TRUE(reply.getAs<wire::Session::CreateResults>().getOutcome().isFault());
  EXPECT_ANY_THROW(call.wait(io_->waitScope));
  EXPECT_NO_THROW(session.pingRequest().send().wait(io_->waitScope));
}

TEST_F(InteropTest, MethodsAndInterfacesThatDoNotExistAreUnimplemented) {
  auto object = bootstrap().castAs<wire::Blob>();
  try {
    object.readRequest().send().wait(io_->waitScope);
    FAIL();
  } catch (const kj::Exception& error) {
    EXPECT_EQ(error.getType(), kj::Exception::Type::UNIMPLEMENTED);
  }
  EXPECT_NO_THROW(open_request().send().wait(io_->waitScope));
}

TEST_F(InteropTest, ADroppedObjectIsLetGo) {
  auto session = this->session();
  {
    auto created = create_request(session, "Probe").send().wait(io_->waitScope);
    EXPECT_EQ(Probe::live, 1);
  }
  EXPECT_TRUE(loop_until([] { return Probe::live == 0; }));
}

TEST_F(InteropTest, PromisesThatAreDroppedLeaveNothingBehind) {
  auto session = this->session();
  for (int i = 0; i < 50; ++i) {
    auto plus = call(create(session, "Probe").object, "plus", 1);
    if (i % 3 == 0) io_->waitScope.poll();
  }
  session.pingRequest().send().wait(io_->waitScope);
  EXPECT_TRUE(
      loop_until([&] { return Probe::live == 0 && broker_->host().stats().live_objects == 0; }));
  EXPECT_EQ(broker_->host().stats().sessions, 2u);
}

TEST_F(InteropTest, ABlobOfTheHostIsReadInPieces) {
  auto session = this->session();
  auto request = with(run_request(session, "text"), 3'000'000);
  auto reply = request.send().wait(io_->waitScope);
  auto large = reply.getOutcome().getValue().getLargeStr();
  EXPECT_EQ(large.getSize(), 3'000'000u);
  auto blob = large.getBlob();
  const auto read = [&](std::uint64_t offset, std::uint32_t length) {
    auto piece = blob.readRequest();
    piece.setOffset(offset);
    piece.setLength(length);
    return piece.send().wait(io_->waitScope).getData().size();
  };
  EXPECT_EQ(read(0, 1 << 20), 1u << 20);
  EXPECT_EQ(read(2'999'990, 100), 10u);
  EXPECT_EQ(read(3'000'000, 100), 0u);
  EXPECT_EQ(read(~std::uint64_t{0}, 100), 0u);
  EXPECT_EQ(read(0, ~std::uint32_t{0}), 3'000'000u);
}

TEST_F(InteropTest, ABlobOfTheClientIsReadByTheHost) {
  class Text final : public wire::Blob::Server {
    kj::Promise<void> read(ReadContext context) override {
      const auto params = context.getParams();
      auto data = context.getResults().initData(params.getLength());
      std::fill(data.begin(), data.end(), 'y');
      return kj::READY_NOW;
    }
  };
  auto request = run_request(session(), "length");
  auto large = request.initArguments().initValues(1)[0].initLargeStr();
  large.setSize(5'000'000);
  large.setBlob(kj::heap<Text>());
  EXPECT_EQ(request.send().wait(io_->waitScope).getOutcome().getValue().getInt(), 5'000'000);
}

TEST_F(InteropTest, ABlobThatFailsIsTheCallsFault) {
  class Broken final : public wire::Blob::Server {
    kj::Promise<void> read(ReadContext) override { return KJ_EXCEPTION(FAILED, "cannot read"); }
  };
  auto request = run_request(session(), "length");
  auto large = request.initArguments().initValues(1)[0].initLargeStr();
  large.setSize(5'000'000);
  large.setBlob(kj::heap<Broken>());
  EXPECT_TRUE(request.send().wait(io_->waitScope).getOutcome().isFault());
}

TEST_F(InteropTest, TheClientMayGoInTheMiddleOfEverything) {
  {
    auto probe = create(session(), "Probe");
    auto request = call_request(probe.object, "poll");
    request.initArguments().initValues(1)[0].setStr("work");
    auto poll = request.send();
    auto later = call_request(probe.object, "add").send();
    ASSERT_TRUE(loop_until([&] { return broker_->stage.count("work") == 1; }));
    stream_->shutdownWrite();  // as a process that is gone: without a word
    EXPECT_TRUE(broker_->stage.saw("work cancelled"));
  }
  disconnect();
  EXPECT_TRUE(broker_->stage.saw("work cancelled"));
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
  EXPECT_TRUE(broker_->host_has([](const HostStats& stats) { return stats.sessions == 1; }));
}

TEST_F(InteropTest, TheHostMayGoInTheMiddleOfEverything) {
  auto session = this->session();
  auto request = run_request(session, "poll");
  request.initArguments().initValues(1)[0].setStr("work");
  auto poll = request.send();
  ASSERT_TRUE(loop_until([&] { return broker_->stage.count("work") == 1; }));
  broker_->end_host();
  try {
    poll.wait(io_->waitScope);
    FAIL();
  } catch (const kj::Exception& error) {
    EXPECT_EQ(error.getType(), kj::Exception::Type::DISCONNECTED);
  }
}

}  // namespace
}  // namespace cppipc::interop_test
