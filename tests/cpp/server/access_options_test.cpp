// SPDX-License-Identifier: Apache-2.0
#include "server/access_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "server/options.h"

namespace cppipc::server::access_options_test {
namespace {

using testing::HasSubstr;

ParsedOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "unity_server");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

// Why a server may not listen there; empty: it may.
std::string refusal_of(const char* address, const AccessOptions& options, bool has_tls = false) {
  try {
    check_may_listen(parse_address(address), options, has_tls);
  } catch (const std::invalid_argument& refusal) {
    return refusal.what();
  }
  return "";
}

TEST(AccessOptions, DefaultsAreThoseThatHelpShows) {
  const ParsedOptions parsed = parse({"--listen", "unix:/u"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  const AccessOptions& access = parsed.options->access;
  EXPECT_FALSE(access.has_tokens());
  EXPECT_FALSE(access.is_insecure_tcp);
  EXPECT_EQ(access.open_timeout(), std::chrono::seconds(10));
  EXPECT_EQ(access.pending_connections, 1'024u);
  EXPECT_EQ(access.keep_alive_s, 30u);
  const std::string help = parse({"--help"}).text;
  for (const char* part : {"--token-file", "--insecure-tcp", "--open-timeout-s", "1024",
                           "--pending-connections", "3600=30", "3600=10", "0600"}) {
    EXPECT_THAT(help, HasSubstr(part));
  }
}

TEST(AccessOptions, EveryOptionReachesItsField) {
  const ParsedOptions parsed =
      parse({"--listen", "tcp:127.0.0.1:0", "--insecure-tcp", "--token-file", "/t",
             "--open-timeout-s", "1.25", "--pending-connections", "7", "--keep-alive-s", "8"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  const AccessOptions& access = parsed.options->access;
  EXPECT_EQ(access.token_file, "/t");
  EXPECT_TRUE(access.has_tokens());
  EXPECT_TRUE(access.is_insecure_tcp);
  EXPECT_EQ(access.open_timeout(), std::chrono::milliseconds(1'250));
  EXPECT_EQ(access.pending_connections, 7u);
  EXPECT_EQ(access.keep_alive_s, 8u);
}

TEST(AccessOptions, TcpNeedsTokensOrTlsOrAWordOfItsOwn) {
  const AccessOptions none;
  for (const char* address : {"tcp:127.0.0.1:0", "tcp:[::1]:0", "tcp:localhost:0", "tcp:*:0"}) {
    const std::string text = refusal_of(address, none);
    EXPECT_THAT(text, HasSubstr(std::string("--listen ") + address));
    EXPECT_THAT(text, HasSubstr("--token-file"));
    EXPECT_THAT(text, HasSubstr("--insecure-tcp"));
    EXPECT_EQ(refusal_of(address, {.token_file = "/t"}), "");
    EXPECT_EQ(refusal_of(address, {.is_insecure_tcp = true}), "");
    EXPECT_EQ(refusal_of(address, none, true), "");
  }
  EXPECT_EQ(refusal_of("unix:/u", none), "");
  EXPECT_EQ(parse({"--listen", "tcp:127.0.0.1:0"}).exit_code, kExitUsage);
}

TEST(AccessOptions, InsecureMeansLoopbackAndTokensOrTlsMeanAnywhere) {
  EXPECT_TRUE(is_loopback_only({.is_insecure_tcp = true}, false));
  EXPECT_FALSE(is_loopback_only({.is_insecure_tcp = true}, true));
  EXPECT_FALSE(is_loopback_only({.token_file = "/t", .is_insecure_tcp = true}, false));
}

TEST(AccessOptions, AMistakenNumberIsToldItsRange) {
  EXPECT_THAT(parse({"--open-timeout-s", "0"}).text,
              HasSubstr("--open-timeout-s: '0' is not a number in 1..3600"));
  EXPECT_THAT(parse({"--keep-alive-s", "1.5"}).text,
              HasSubstr("--keep-alive-s: '1.5' is not a whole number in 1..3600"));
  EXPECT_THAT(parse({"--pending-connections", "0"}).text,
              HasSubstr("--pending-connections: '0' is not a whole number in 1..1000000"));
}

}  // namespace
}  // namespace cppipc::server::access_options_test
