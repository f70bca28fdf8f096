// SPDX-License-Identifier: Apache-2.0
#include "server/tls_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/options.h"

namespace cppipc::server::tls_options_test {
namespace {

using testing::HasSubstr;

ParsedOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "unity_server");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(TlsOptions, ReachTheirFields) {
  const ParsedOptions parsed = parse({"--listen", "tcp:192.0.2.1:5000", "--tls-cert", "c.pem",
                                      "--tls-key", "k.pem", "--tls-client-ca", "a.pem"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_EQ(parsed.options->tls.certificate_file, "c.pem");
  EXPECT_EQ(parsed.options->tls.key_file, "k.pem");
  EXPECT_EQ(parsed.options->tls.client_authority_file, "a.pem");
  EXPECT_TRUE(is_given(parsed.options->tls));
}

TEST(TlsOptions, AreNotGivenUnlessTheyAre) {
  const ParsedOptions parsed = parse({"--listen", "unix:/run/u.sock"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_FALSE(is_given(parsed.options->tls));
}

TEST(TlsOptions, NeedEachOther) {
  const char* tcp = "tcp:127.0.0.1:0";
  EXPECT_THAT(parse({"--listen", tcp, "--tls-cert", "c"}).text, HasSubstr("--tls-key"));
  EXPECT_THAT(parse({"--listen", tcp, "--tls-key", "k"}).text, HasSubstr("--tls-cert"));
  EXPECT_THAT(parse({"--listen", tcp, "--tls-client-ca", "a"}).text, HasSubstr("--tls-cert"));
}

TEST(TlsOptions, AreRefusedWithoutATcpListener) {
  const ParsedOptions parsed = parse({"--listen", "unix:/u", "--tls-cert", "c", "--tls-key", "k"});
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr("nothing listens there"));
}

TEST(TlsOptions, LetItListenOnTcpWithoutTokens) {
  const auto parsed = [](std::vector<const char*> more) {
    more.insert(more.begin(), {"--listen", "tcp:192.0.2.1:4000"});
    return parse(more);
  };
  EXPECT_THAT(parsed({}).text, HasSubstr("--tls-cert"));
  EXPECT_TRUE(parsed({"--tls-cert", "c", "--tls-key", "k"}).options);
}

}  // namespace
}  // namespace cppipc::server::tls_options_test
