// SPDX-License-Identifier: Apache-2.0
#include "server/status_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cppipc::server::status_pages_test {
namespace {

using testing::HasSubstr;
using testing::Not;

class StatusPagesTest : public testing::Test {
 protected:
  StatusPages pages(const Address& bound, const std::string& written = "") {
    return StatusPages(
        [this] {
          ++asked_;
          StatusFigures figures;
          figures.is_draining = is_draining_;
          return figures;
        },
        bound, written);
  }
  StatusReply get(const std::string& target, const std::string& host = "localhost") {
    return pages({.host = "127.0.0.1", .port = "9100"}).reply("GET", target, host);
  }

  int asked_ = 0;
  bool is_draining_ = false;
};

TEST_F(StatusPagesTest, HealthIsOkUntilTheServerDrains) {
  EXPECT_EQ(get("/healthz").status, 200u);
  EXPECT_EQ(get("/healthz").body, "ok\n");
  is_draining_ = true;
  EXPECT_EQ(get("/healthz").status, 503u);
  EXPECT_EQ(get("/healthz").body, "draining\n");
}

TEST_F(StatusPagesTest, MetricsAndJsonHaveTheirTypes) {
  EXPECT_EQ(get("/metrics").type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(get("/metrics").body, HasSubstr("unity_sessions 0\n"));
  EXPECT_EQ(get("/status.json?x=1").type, "application/json");
  EXPECT_EQ(get("/status.json").body.front(), '{');
}

TEST_F(StatusPagesTest, ThePageAllowsNothingButItsOwnScriptAndStyle) {
  const auto page = get("/");
  EXPECT_EQ(page.type, "text/html; charset=utf-8");
  ASSERT_EQ(page.headers.size(), 1u);
  EXPECT_EQ(page.headers[0].first, "Content-Security-Policy");
  const std::string& policy = page.headers[0].second;
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; connect-src 'self'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  const std::size_t at = policy.find("script-src 'nonce-") + 18;
  const std::string nonce = policy.substr(at, policy.find('\'', at) - at);
  EXPECT_EQ(nonce.size(), 32u);
  EXPECT_THAT(page.body, HasSubstr("<script nonce=\"" + nonce + "\">"));
  EXPECT_THAT(page.body, HasSubstr("<style nonce=\"" + nonce + "\">"));
  EXPECT_THAT(page.body, Not(HasSubstr("%NONCE%")));
  EXPECT_THAT(page.body, Not(HasSubstr("innerHTML")));
  EXPECT_THAT(page.body, HasSubstr("</html>"));
  EXPECT_NE(get("/").headers[0].second, policy);
  EXPECT_EQ(asked_, 0);
}

TEST_F(StatusPagesTest, WhatThereIsNotIsNotFoundAndLooksAtNoFigures) {
  for (const char* target : {"/no", "/healthz/", "//", "*", "", "/../healthz", "/METRICS"}) {
    EXPECT_EQ(get(target).status, 404u) << target;
  }
  EXPECT_EQ(asked_, 0);
}

TEST_F(StatusPagesTest, OtherMethodsAreNotAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
    const auto reply = pages({.host = "127.0.0.1", .port = "1"}).reply(method, "/", "localhost");
    EXPECT_EQ(reply.status, 405u) << method;
    ASSERT_EQ(reply.headers.size(), 1u);
    EXPECT_EQ(reply.headers[0], std::pair(std::string("Allow"), std::string("GET, HEAD")));
  }
}

TEST_F(StatusPagesTest, ATargetMayBeAWholeUrlWhoseHostCounts) {
  EXPECT_EQ(get("http://127.0.0.1:9100/healthz").status, 200u);
  EXPECT_EQ(get("http://localhost").type, "text/html; charset=utf-8");
  EXPECT_EQ(get("http://evil.example/healthz").status, 403u);
}

TEST_F(StatusPagesTest, NamesThatOthersCanMakeLeadHereAreRefusedOverTcp) {
  for (const char* host :
       {"evil.example", "evil.example:9100", "127.0.0.1.evil.example", "localhost.evil.example",
        "10.1.2.3", "127.1", "::1", "[2001:db8::1]:9100", "[::2]", "127.0.0.1@evil.example"}) {
    EXPECT_EQ(get("/healthz", host).status, 403u) << host;
  }
  for (const char* host : {"localhost", "LOCALHOST:9100", "127.0.0.1", "127.0.0.1:9100",
                           "127.9.9.9:1", "[::1]", "[::1]:9100"}) {
    EXPECT_EQ(get("/healthz", host).status, 200u) << host;
  }
}

TEST_F(StatusPagesTest, TheHostThatWasWrittenIsGoodAndAnyNumberForEveryAddress) {
  const auto named = pages({.host = "10.1.2.3", .port = "1"}, "Engine.example");
  EXPECT_TRUE(named.is_own_host("engine.EXAMPLE:9100"));
  EXPECT_TRUE(named.is_own_host("10.1.2.3"));
  EXPECT_FALSE(named.is_own_host("10.1.2.4"));
  const auto every = pages({.host = "0.0.0.0", .port = "1"}, "0.0.0.0");
  EXPECT_TRUE(every.is_own_host("10.1.2.4:9100"));
  EXPECT_TRUE(every.is_own_host("[2001:db8::1]"));
  EXPECT_FALSE(every.is_own_host("evil.example"));
}

TEST_F(StatusPagesTest, OnAUnixSocketTheHostSaysNothing) {
  EXPECT_TRUE(pages({"/run/s.sock"}).is_own_host("anything"));
}

}  // namespace
}  // namespace cppipc::server::status_pages_test
