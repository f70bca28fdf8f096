// SPDX-License-Identifier: Apache-2.0
// Before a session is open: who may open it, what a connection may do until then, and its end.
#include <cppipc/access.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <future>
#include <map>
#include <mutex>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::opening_test {
namespace {

using namespace cppipc::test;

const std::string kToken = "a-token-that-is-long-enough-for-it";
const std::string kOther = "another-one-that-is-long-enough-too";

// A host that notes what its hooks tell. Owns: it.
class Opening : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    tokens_->replace({{"alice", kToken}, {"bob", kOther}});
    HostOptions options;
    options.access_tokens = tokens_;
    options.keep_alive = std::chrono::seconds(17);
    options.limits.calls_in_flight = 10;
    options.session_opened = [this](std::uint64_t session, const std::string& identity) {
      const std::lock_guard lock(mutex_);
      opened_[session] = identity;
    };
    options.session_ended = [this](std::uint64_t session, const std::string& reason) {
      const std::lock_guard lock(mutex_);
      ended_[session] = reason;
    };
    options.log = [this](HostOptions::LogLevel, const std::string& text) {
      const std::lock_guard lock(mutex_);
      log_ += text + "\n";
    };
    registry_ = std::make_unique<Registry>(registry_of(stage_));
    host_ = std::make_unique<Host>(*registry_, std::move(options));
  }
  void TearDown() override {
    host_.reset();
    BrokerTest::TearDown();
  }

  // The other side of a connection that is served, and the number of its session.
  std::pair<Descriptor, std::uint64_t> adopt(bool needs_token = false) {
    auto [ours, theirs] = socket_pair();
    const auto session =
        host_->adopt(theirs.release(), "tester", {.needs_token = needs_token, .tls = nullptr});
    return {std::move(ours), session};
  }
  std::shared_ptr<Client> connect(bool needs_token, const std::string& token) {
    ConnectOptions options;
    options.access_token = token;
    return Client::adopt(adopt(needs_token).first.release(), std::move(options));
  }
  std::string opened(std::uint64_t session) {
    const std::lock_guard lock(mutex_);
    return opened_.contains(session) ? opened_[session] : "";
  }
  // How it ended, once it has.
  std::string end_of(std::uint64_t session) {
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex_);
      return ended_.contains(session);
    }));
    const std::lock_guard lock(mutex_);
    return ended_[session];
  }
  bool has(std::uint64_t sessions, std::uint64_t pending) {
    return eventually([&] {
      const auto stats = host_->stats();
      return stats.sessions == sessions && stats.pending == pending;
    });
  }

  Stage stage_;
  const std::shared_ptr<AccessTokens> tokens_ = std::make_shared<AccessTokens>();
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Host> host_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> opened_;
  std::map<std::uint64_t, std::string> ended_;
  std::string log_;
};

TEST_F(Opening, ASessionIsPendingUntilItsClientOpensIt) {
  auto [silent, number] = adopt();
  EXPECT_TRUE(has(1, 1));
  const auto client = Client::adopt(silent.release());
  EXPECT_TRUE(has(1, 0));
  EXPECT_EQ(opened(number), "uid " + std::to_string(::geteuid()));
  client->close();
  EXPECT_TRUE(has(0, 0));
}

TEST_F(Opening, AGoodTokenOpensASessionAndIsItsIdentity) {
  const auto client = connect(true, kToken);
  EXPECT_EQ(opened(1), "access token 'alice'");
  EXPECT_EQ(client->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
  client->close();
}

TEST_F(Opening, WithoutAGoodTokenThereIsNoSession) {
  const Error missing = error_of([&] { connect(true, ""); });
  EXPECT_EQ(missing.kind(), ErrorKind::kNotPermitted);
  EXPECT_STREQ(missing.what(),
               "the server wants an access token, and was given none: unity.connect(address, "
               "token=...), or the variable UNITY_TOKEN or UNITY_TOKEN_FILE (an inherited socket)");
  for (const std::string& wrong : {kToken + "x", std::string("alice"), std::string(5'000, 'x')}) {
    const Error error = error_of([&] { connect(true, wrong); });
    EXPECT_EQ(error.kind(), ErrorKind::kNotPermitted);
    EXPECT_NE(std::string(error.what()).find("does not know this access token"), std::string::npos);
    EXPECT_EQ(std::string(error.what()).find(wrong), std::string::npos);
  }
  EXPECT_TRUE(has(0, 0));
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(opened_.empty());
  EXPECT_NE(log_.find("refused a session of tester: it has no access token"), std::string::npos);
  EXPECT_NE(log_.find("refused a session of tester: nobody has its access token"),
            std::string::npos);
  EXPECT_EQ(log_.find(kToken), std::string::npos);
}

TEST_F(Opening, WhereNoneIsNeededATokenDoesNotMatter) {
  connect(false, "whatever it may be, nobody looks")->close();
  EXPECT_EQ(opened(1), "uid " + std::to_string(::geteuid()));
}

TEST_F(Opening, AHostWithoutTokensLetsNobodyInWhoNeedsOne) {
  Registry registry = registry_of(stage_);
  Host host(registry);
  auto [ours, theirs] = socket_pair();
  host.adopt(theirs.release(), "tester", {.needs_token = true, .tls = nullptr});
  ConnectOptions options;
  options.access_token = kToken;
  EXPECT_EQ(kind_of([&, fd = ours.release()] { Client::adopt(fd, options); }),
            ErrorKind::kNotPermitted);
}

TEST_F(Opening, TokensAreReplacedWhileSessionsAreOpen) {
  const auto before = connect(true, kToken);
  tokens_->replace({{"carol", "a-third-one-that-is-long-enough"}});
  EXPECT_EQ(kind_of([&] { connect(true, kToken); }), ErrorKind::kNotPermitted);
  connect(true, "a-third-one-that-is-long-enough")->close();
  EXPECT_EQ(before->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
  before->close();
}

TEST_F(Opening, AReferenceIsGoodForSessionsOfOneNameOnly) {
  const auto alice = connect(true, kToken);
  const auto made = alice->create("Probe", arguments(5))->wait(kWaitS);
  const auto probe = std::dynamic_pointer_cast<RemoteObject>(made.as<ObjectPtr>());
  const auto bytes = alice->save(probe)->wait(kWaitS).as<Bytes>();
  const auto restore = [&](const std::shared_ptr<Client>& by) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.view().data());
    return by->restore({begin, bytes.view().size()})->wait(kWaitS);
  };
  const auto again = connect(true, kToken);
  EXPECT_TRUE(restore(again).get_if<ObjectPtr>());
  const auto bob = connect(true, kOther);
  const auto local = connect(false, "");
  EXPECT_STREQ(error_of([&] { restore(bob); }).what(),
               "the reference was made by access token 'alice', and is good for nobody else; this "
               "session is one of access token 'bob'");
  EXPECT_EQ(kind_of([&] { restore(local); }), ErrorKind::kNotPermitted);
  for (const auto& client : {alice, again, bob, local}) client->close();
}

TEST_F(Opening, BeforeItAMessageIsSmall) {
  auto [ours, number] = adopt();
  RawSide raw(std::move(ours));
  raw.send([](RawSide::Message::Builder m) {
    m.initCall().initParams().getContent().initAs<capnp::Data>(65 << 10);
  });
  const std::string reason = end_of(number);
  EXPECT_NE(reason.find("the limit is 65536"), std::string::npos) << reason;
  EXPECT_NE(reason.find("it has opened no session"), std::string::npos) << reason;
}

TEST_F(Opening, BeforeItThereAreFewMessages) {
  auto [ours, number] = adopt();
  RawSide raw(std::move(ours));
  for (std::uint32_t i = 0; i < 17; ++i) raw.bootstrap(i);
  int replies = 0;
  EXPECT_TRUE(eventually([&] {
    try {
      while (raw.next()) ++replies;
    } catch (const Error&) {
    }
    const std::lock_guard lock(mutex_);
    return ended_.contains(number);
  }));
  EXPECT_LE(replies, 16);
  EXPECT_NE(end_of(number).find("more messages than it may"), std::string::npos) << end_of(number);
}

TEST_F(Opening, AfterItMessagesAreAsLargeAndAsManyAsTheyMay) {
  const auto client = connect(false, "");
  const std::string text(900'000, 'x');
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(client->run("length", arguments(text))->wait(kWaitS), Variant(900'000));
  }
  client->close();
}

TEST_F(Opening, AfterItAClientCannotHoldAnswersWithoutEnd) {
  auto [ours, number] = adopt();
  RawSide raw(std::move(ours));
  raw.bootstrap(0);
  raw.send([](RawSide::Message::Builder m) {
    auto call = m.initCall();
    call.setQuestionId(1);
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    call.setInterfaceId(capnp::typeId<wire::Broker>());
    call.initParams().getContent().initAs<wire::Broker::OpenParams>();
  });
  // It never says that it has finished with any: twice ten, and 1,024 more, are its share.
  for (std::uint32_t question = 2; question <= 1'044; ++question) raw.bootstrap(question);
  EXPECT_TRUE(eventually([&] {
    raw.connection().flush();  // what the socket has not taken at once
    const std::lock_guard lock(mutex_);
    return ended_.contains(number);
  }));
  const std::string reason = end_of(number);
  EXPECT_NE(reason.find("has not finished with 1044 answers"), std::string::npos) << reason;
  EXPECT_NE(opened(number), "");
}

TEST_F(Opening, AConnectionIsOpenedOnce) {
  auto [ours, number] = adopt(true);
  RawSide raw(std::move(ours));
  raw.bootstrap(0);
  for (const std::uint32_t question : {1u, 2u}) {
    raw.send([&](RawSide::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(question);
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      call.setInterfaceId(capnp::typeId<wire::Broker>());
      auto params = call.initParams().getContent().initAs<wire::Broker::OpenParams>();
      // The second guess would be right.
      const std::string& token = question == 1 ? kOther + "x" : kToken;
      params.setToken({reinterpret_cast<const capnp::byte*>(token.data()), token.size()});
    });
  }
  std::vector<std::string> answers;
  ASSERT_TRUE(eventually([&] {
    while (const auto message = raw.next()) {
      const auto answer = RawSide::root(message).getReturn();
      answers.push_back(answer.isException() ? answer.getException().getReason().cStr() : "");
    }
    return answers.size() == 3;
  }));
  EXPECT_EQ(answers[2], "a connection is opened once");
  EXPECT_EQ(opened(number), "");
}

TEST_F(Opening, APendingSessionIsEndedAndAnOpenOneIsNot) {
  auto [silent, first] = adopt();
  EXPECT_TRUE(host_->end_pending(first, "too late"));
  EXPECT_TRUE(is_at_end(silent.get()));
  EXPECT_EQ(end_of(first), "too late");
  EXPECT_FALSE(host_->end_pending(first, "too late"));
  auto [ours, second] = adopt();
  const auto client = Client::adopt(ours.release());
  EXPECT_FALSE(host_->end_pending(second, "too late"));
  EXPECT_EQ(client->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
  client->close();
  EXPECT_FALSE(host_->end_pending(4711, "nobody"));
}

TEST_F(Opening, ARefusedOneIsPendingStill) {
  auto [ours, number] = adopt(true);
  RawSide raw(std::move(ours));
  raw.bootstrap(0);
  EXPECT_TRUE(has(1, 1));
  EXPECT_TRUE(host_->end_pending(number, "too late"));
  EXPECT_EQ(end_of(number), "too late");
}

TEST_F(Opening, ItAndTheDeadlineExcludeEachOther) {
  int opened = 0, late = 0;
  for (int i = 0; i < 200; ++i) {
    auto [ours, number] = adopt();
    auto ending = std::async(std::launch::async,
                             [&, n = number] { return host_->end_pending(n, "too late"); });
    std::shared_ptr<Client> client;
    try {
      client = Client::adopt(ours.release());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost) << error.what();
    }
    const bool is_ended = ending.get();
    EXPECT_NE(is_ended, client != nullptr);
    if (client) {  // what it was told is true: the session goes on
      EXPECT_EQ(client->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
      client->close();
    }
    ++(is_ended ? late : opened);
  }
  EXPECT_EQ(opened + late, 200);
  EXPECT_TRUE(has(0, 0));
}

TEST_F(Opening, ATcpSocketIsKeptAliveAsTheOptionsSay) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* raw = reinterpret_cast<sockaddr*>(&place);
  ASSERT_EQ(::bind(listener.get(), raw, size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), raw, &size), 0);
  auto connecting = std::async(std::launch::async, [&] {
    ConnectOptions options;
    options.keep_alive_s = 11.5;
    return Client::connect("tcp:127.0.0.1:" + std::to_string(ntohs(place.sin_port)), options);
  });
  const int theirs = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
  host_->adopt(theirs, "tester");
  const auto client = connecting.get();
  int timeout_ms = 0;
  size = sizeof timeout_ms;
  ASSERT_EQ(::getsockopt(theirs, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &size), 0);
  EXPECT_EQ(timeout_ms, 17'000);
  EXPECT_EQ(opened(1), "TCP");
  client->close();
}

}  // namespace
}  // namespace cppipc::opening_test
