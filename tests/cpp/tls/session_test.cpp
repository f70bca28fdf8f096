// SPDX-License-Identifier: Apache-2.0
// Hosts and clients over TLS: what users of the library see.
#include <cppipc/client.h>
#include <cppipc/host.h>

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "support/error_of.h"
#include "support/in_child.h"
#include "support/test_registry.h"
#include "support/tls_peers.h"

namespace cppipc::session_test {
namespace {

using test::error_of;
using test::kind_of;
using testing::HasSubstr;

constexpr double kWaitS = 30;

Arguments arguments(Variant value) { return {{std::move(value)}, {}}; }

class SessionTest : public test::TlsTest {
 protected:
  static void SetUpTestSuite() {
    TlsTest::SetUpTestSuite();
    authority_->issue(*folder_, "alice", {"alice", ""});
    authority_->issue(*folder_, "bob", {"bob", ""});
    authority_->issue(*folder_, "expired", {"expired", "DNS:localhost", -7200, -3600});
    authority_->issue(*folder_, "elsewhere", {"elsewhere", "DNS:a.example,IP:192.0.2.1"});
    const test::Authority stranger("Stranger");
    stranger.write(*folder_ / "stranger.pem");
    stranger.issue(*folder_, "mallory", {"mallory", "DNS:localhost"});
  }
  void SetUp() override {
    TlsTest::SetUp();
    HostOptions options;
    options.log = [this](LogLevel, const std::string& line) { stage_.note(line); };
    options.session_ended = [this](std::uint64_t, const std::string& reason) {
      stage_.note("ended: " + reason);
    };
    registry_ = std::make_unique<Registry>(test::registry_of(stage_));
    host_ = std::make_unique<Host>(*registry_, std::move(options));
  }
  void TearDown() override {
    host_.reset();
    EXPECT_EQ(test::Probe::live, 0);
    TlsTest::TearDown();
  }

  // The other end of a connection that the host serves.
  Descriptor connect_raw(const TlsServerOptions& options) {
    auto [ours, theirs] = test::socket_pair();
    Admission admission;
    if (!options.certificate_file.empty()) admission.tls = TlsServer::load(options);
    host_->adopt(theirs.release(), "test", admission);
    return std::move(ours);
  }
  std::shared_ptr<Client> connect(const TlsClientOptions& tls = client_options(),
                                  const TlsServerOptions& server = server_options()) {
    ConnectOptions options;
    options.tls = tls;
    return Client::adopt(connect_raw(server).release(), std::move(options));
  }
  // Of connecting.
  Error failure(const TlsClientOptions& tls, const TlsServerOptions& server) {
    const Error error = error_of([&] { connect(tls, server); });
    EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost) << error.what();
    EXPECT_TRUE(error.is_tls) << error.what();
    return error;
  }
  static TlsServerOptions mutual() {
    TlsServerOptions options = server_options();
    options.client_authority_file = file("ca.pem");
    return options;
  }
  static TlsClientOptions as(const std::string& name) {
    TlsClientOptions options = client_options();
    options.certificate_file = file(name + ".pem");
    options.key_file = file(name + ".key");
    return options;
  }
  static TlsServerOptions server_of(const std::string& name) {
    return {file(name + ".pem"), file(name + ".key"), ""};
  }
  // Whether the host says that, in the end.
  testing::AssertionResult has_noted(const std::string& part) {
    const bool is_there = test::eventually([&] {
      for (const std::string& note : stage_.notes()) {
        if (note.find(part) != std::string::npos) return true;
      }
      return false;
    });
    if (is_there) return testing::AssertionSuccess();
    return testing::AssertionFailure() << testing::PrintToString(stage_.notes());
  }

  test::Stage stage_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Host> host_;
};

TEST_F(SessionTest, CallsAndObjectsCross) {
  const auto client = connect();
  EXPECT_EQ(client->tls_version(), "TLSv1.3");
  EXPECT_FALSE(client->shares_memory());
  const auto probe = client->create("Probe", arguments(Variant(std::int64_t{3})))->wait(kWaitS);
  const auto object = std::dynamic_pointer_cast<RemoteObject>(probe.as<ObjectPtr>());
  EXPECT_EQ(client->call(object, "add", arguments(Variant(std::int64_t{4})))->wait(kWaitS),
            Variant(std::int64_t{7}));
  EXPECT_TRUE(has_noted("speaks TLSv1.3, TLS_"));
  client->close();
  EXPECT_TRUE(has_noted("ended: "));
  EXPECT_EQ(stage_.count("ended: "), 1);  // in order
}

TEST_F(SessionTest, AClientThatIsNotTlsHasNoVersion) {
  const auto client = Client::adopt(connect_raw({}).release());
  EXPECT_EQ(client->tls_version(), "");
}

TEST_F(SessionTest, ManyThreadsCallAtOnce) {
  const auto client = connect();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      const auto made =
          client->create("Probe", arguments(Variant(std::int64_t{thread})))->wait(kWaitS);
      const auto object = std::dynamic_pointer_cast<RemoteObject>(made.as<ObjectPtr>());
      for (std::int64_t i = 1; i <= 50; ++i) {
        const auto sum =
            client->call(object, "add", arguments(Variant(std::int64_t{1})))->wait(kWaitS);
        if (sum == Variant(thread + i)) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8 * 50);
}

TEST_F(SessionTest, ACertificateThatIsNotGoodIsRefusedSayingWhy) {
  EXPECT_THAT(failure(client_options(), server_of("expired")).what(),
              HasSubstr("the server's certificate expired on 2"));
  const Error elsewhere = failure(client_options(), server_of("elsewhere"));
  EXPECT_THAT(elsewhere.what(), HasSubstr("is for 'a.example', '192.0.2.1', not for 'localhost'"));
  EXPECT_THAT(elsewhere.what(), HasSubstr("server_name"));
  TlsClientOptions other_authority = client_options();
  other_authority.authority_file = file("stranger.pem");
  const Error unknown = failure(other_authority, server_options());
  EXPECT_THAT(unknown.what(), HasSubstr("issued by 'CN=Test Authority', which is none of the "
                                        "authorities in '"));
  TlsClientOptions system = client_options();
  system.authority_file = "";
  EXPECT_THAT(failure(system, server_options()).what(), HasSubstr("that this system trusts"));
  EXPECT_TRUE(has_noted("ended: the client refused this server's certificate, '"));
}

TEST_F(SessionTest, AnIpAddressIsLookedForAmongAddresses) {
  TlsClientOptions options = client_options();
  options.server_name = "127.0.0.1";
  EXPECT_EQ(connect(options)->tls_version(), "TLSv1.3");
  options.server_name = "127.0.0.2";
  EXPECT_THAT(failure(options, server_options()).what(), HasSubstr("not for '127.0.0.2'"));
}

TEST_F(SessionTest, ACertificateOfTheClientIsDemanded) {
  const auto client = connect(as("alice"), mutual());
  EXPECT_TRUE(has_noted("with certificate \"CN=alice\" of \"CN=Test Authority\""));
  EXPECT_THAT(failure(client_options(), mutual()).what(),
              HasSubstr("the server demands a certificate of its clients"));
  EXPECT_TRUE(has_noted("the client showed no certificate, which --tls-client-ca demands"));
  const Error refused = failure(as("mallory"), mutual());
  EXPECT_THAT(refused.what(), HasSubstr("the server refused this client's certificate, '"));
  EXPECT_THAT(refused.what(), HasSubstr("it does not know the authority that issued it"));
  EXPECT_THAT(failure(as("expired"), mutual()).what(), HasSubstr("it has expired"));
  EXPECT_EQ(client->ping()->wait(kWaitS), Variant());
}

TEST_F(SessionTest, ATokenIsForTheHolderOfTheSameCertificate) {
  const auto alice = connect(as("alice"), mutual());
  const auto made = alice->create("Probe", {})->wait(kWaitS);
  const auto object = std::dynamic_pointer_cast<RemoteObject>(made.as<ObjectPtr>());
  const auto token = alice->save(object)->wait(kWaitS);
  const auto bytes = token.as<Bytes>().view();
  const std::vector<std::uint8_t> saved(bytes.begin(), bytes.end());
  EXPECT_NO_THROW(connect(as("alice"), mutual())->restore(saved)->wait(kWaitS));
  EXPECT_EQ(kind_of([&] { connect(as("bob"), mutual())->restore(saved)->wait(kWaitS); }),
            ErrorKind::kNotPermitted);
  EXPECT_EQ(kind_of([&] { connect()->restore(saved)->wait(kWaitS); }), ErrorKind::kNotPermitted);
}

TEST_F(SessionTest, PlainAndEncryptedDoNotMixAndSaySo) {
  const Error plain = error_of([&] { Client::adopt(connect_raw(server_options()).release()); });
  EXPECT_TRUE(plain.is_tls);
  EXPECT_THAT(plain.what(), HasSubstr("unity.connect(ADDRESS, tls="));
  EXPECT_TRUE(has_noted("ended: the client does not speak TLS"));
  EXPECT_THAT(failure(client_options(), {}).what(), HasSubstr("does not speak it"));
  EXPECT_TRUE(has_noted("ended: the client speaks TLS, and this server does not"));
}

TEST_F(SessionTest, AnAddressThatIsNoneOfTcpIsRefused) {
  ConnectOptions options;
  options.tls = client_options();
  EXPECT_EQ(kind_of([&] { Client::connect("unix:/nowhere", options); }),
            ErrorKind::kInvalidArgument);
}

TEST_F(SessionTest, AHalfHandshakeDisturbsNobody) {
  const Descriptor silent = connect_raw(server_options());
  const Descriptor half = connect_raw(server_options());
  const std::vector<std::byte> begun{std::byte{22}, std::byte{3}, std::byte{1}, std::byte{2}};
  ASSERT_TRUE(test::write_all(half.get(), begun));
  EXPECT_EQ(connect()->ping()->wait(kWaitS), Variant());
}

TEST_F(SessionTest, ASilentServerIsWaitedForAsLongAsWanted) {
  auto [ours, theirs] = test::socket_pair();
  ConnectOptions options;
  options.tls = client_options();
  options.timeout_s = 0.05;
  const int fd = ours.release();
  EXPECT_EQ(kind_of([&] { Client::adopt(fd, options); }), ErrorKind::kTimeout);
}

TEST_F(SessionTest, AnInterruptEndsTheHandshake) {
  struct Enough {};
  auto [ours, theirs] = test::socket_pair();
  ConnectOptions options;
  options.tls = client_options();
  options.timeout_s = 1e9;
  int looks = 0;
  options.on_interrupt = [&] {
    if (++looks == 3) throw Enough();
  };
  const int fd = ours.release();
  EXPECT_THROW(Client::adopt(fd, options), Enough);
}

TEST_F(SessionTest, ALaterConnectionShowsTheReloadedCertificate) {
  authority_->issue(*folder_, "turning", {"before"});
  const auto server = TlsServer::load(server_of("turning"));
  const auto adopt = [&] {
    auto [ours, theirs] = test::socket_pair();
    host_->adopt(theirs.release(), "test", Admission{.tls = server});
    ConnectOptions options;
    options.tls = client_options();
    return Client::adopt(ours.release(), options);
  };
  const auto early = adopt();
  authority_->issue(*folder_, "turning", {"after", "DNS:elsewhere.example"});
  server->reload();
  EXPECT_THAT(error_of(adopt).what(), HasSubstr("is for 'elsewhere.example'"));
  EXPECT_EQ(early->ping()->wait(kWaitS), Variant());
}

TEST_F(SessionTest, ClientsKilledInTheMiddleOfARecordEndTheirSessionOnly) {
  const auto other = connect();
  auto [near, far] = test::socket_pair();
  // A wire that stops in the middle of what the client sends.
  auto channel = connector(near.get(), client_options());
  Descriptor served = connect_raw(server_options());
  const auto carry = [&](std::size_t most) {
    const auto there = test::read_available(far.get(), most);
    const auto back = test::read_available(served.get());
    test::write_all(served.get(), there);
    test::write_all(far.get(), back);
  };
  ASSERT_TRUE(test::eventually([&] {
    const bool is_done = channel->shake_hands() == Channel::Step::kDone;
    carry(~std::size_t{0});
    return is_done;
  }));
  Connection client(std::move(near), test::kMessageBytes, std::move(channel));
  client.send(test::Filled(10'000, 1).builder(), Connection::Flush::kNow);
  carry(5000);
  served = Descriptor();
  EXPECT_TRUE(has_noted("ended: the connection was cut off"));
  EXPECT_EQ(other->ping()->wait(kWaitS), Variant());
}

TEST_F(SessionTest, AForkedChildLeavesTheConnectionAlone) {
  auto client = connect();
  ASSERT_EQ(client->ping()->wait(kWaitS), Variant());
  EXPECT_EQ(test::in_child([&] {
              const bool is_refused = kind_of([&] { client->ping(); }) == ErrorKind::kForkedSession;
              client.reset();
              return is_refused ? 0 : 1;
            }),
            0);
  EXPECT_EQ(client->ping()->wait(kWaitS), Variant());
  EXPECT_EQ(stage_.count("ended: "), 0);
}

}  // namespace
}  // namespace cppipc::session_test
