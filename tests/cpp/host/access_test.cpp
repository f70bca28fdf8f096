// SPDX-License-Identifier: Apache-2.0
#include <cppipc/access.h>
#include <cppipc/error.h>

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/error_of.h"

namespace cppipc::access_test {
namespace {

using test::error_of;

const std::string kAlice = "alice-has-this-secret-of-hers";
const std::string kBob = "bob-has-another-one-0123456789";

std::string text_of_refusal(const std::vector<AccessToken>& tokens) {
  AccessTokens known;
  const Error error = error_of([&] { known.replace(tokens); });
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(known.size(), 0u);
  return error.what();
}

TEST(AccessTokens, ATokenHasItsName) {
  AccessTokens tokens;
  EXPECT_EQ(tokens.find(kAlice), std::nullopt);
  tokens.replace({{"alice", kAlice}, {"bob", kBob}});
  EXPECT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens.find(kAlice), "alice");
  EXPECT_EQ(tokens.find(kBob), "bob");
}

TEST(AccessTokens, NothingElseIsGood) {
  AccessTokens tokens;
  tokens.replace({{"alice", kAlice}});
  for (const std::string& wrong :
       {std::string(), std::string("alice"), kAlice + "x", kAlice.substr(1), kBob, kAlice + '\0',
        std::string(5'000, 'x'), kAlice.substr(0, kAlice.size() - 1) + "X"}) {
    EXPECT_EQ(tokens.find(wrong), std::nullopt) << wrong;
  }
}

TEST(AccessTokens, AReplacedTokenIsGoodNoLonger) {
  AccessTokens tokens;
  tokens.replace({{"alice", kAlice}});
  tokens.replace({{"alice", kBob}});
  EXPECT_EQ(tokens.find(kAlice), std::nullopt);
  EXPECT_EQ(tokens.find(kBob), "alice");
  tokens.replace({});
  EXPECT_EQ(tokens.find(kBob), std::nullopt);
}

TEST(AccessTokens, OneNameMayHaveSeveralTokens) {
  AccessTokens tokens;
  tokens.replace({{"alice", kAlice}, {"alice", kBob}});
  EXPECT_EQ(tokens.find(kAlice), tokens.find(kBob));
}

TEST(AccessTokens, OneWithoutANameHasOneOfItsOwnThatShowsNothingOfIt) {
  AccessTokens tokens, others;
  tokens.replace({{"", kAlice}, {"", kBob}});
  others.replace({{"", kAlice}});
  const std::string name = *tokens.find(kAlice);
  EXPECT_EQ(name.size(), 16u);
  EXPECT_NE(name, *tokens.find(kBob));
  EXPECT_NE(name, *others.find(kAlice));  // the key of the hash is another one
  tokens.replace({{"", kBob}, {"", kAlice}});
  EXPECT_EQ(*tokens.find(kAlice), name);
}

TEST(AccessTokens, AWrongOneIsToldByItsPlaceAndNotShown) {
  const std::string brief(21, 'q');
  EXPECT_EQ(text_of_refusal({{"a", kAlice}, {"b", brief}}),
            "the access token of place 2 has 21 characters; it has to have 22 to 1024 random ones, "
            "as python -m unity token makes them");
  EXPECT_NE(text_of_refusal({{"a", brief, "line 7"}}).find("of line 7 has 21 char"),
            std::string::npos);
  for (const AccessToken& wrong : {AccessToken{"a", std::string(1'025, 'q')},
                                   {"a", kAlice + " "},
                                   {"a", kAlice + "\x7f"},
                                   {"a", kAlice + "\xc3\xa4"},
                                   {"a b", kAlice},
                                   {std::string(65, 'n'), kAlice},
                                   {"a'b", kAlice}}) {
    const std::string text = text_of_refusal({wrong});
    EXPECT_NE(text.find("place 1"), std::string::npos) << text;
    EXPECT_EQ(text.find(wrong.token.substr(0, 10)), std::string::npos) << text;
  }
  EXPECT_EQ(text_of_refusal({{"a", kAlice}, {"b", kBob}, {"c", kAlice}}),
            "the access token of place 3 is the same as that of place 1");
}

TEST(AccessTokens, AfterAWrongOneAllStaysAsItWas) {
  AccessTokens tokens;
  tokens.replace({{"alice", kAlice}});
  EXPECT_THROW(tokens.replace({{"bob", kBob}, {"short", "x"}}), Error);
  EXPECT_EQ(tokens.find(kAlice), "alice");
  EXPECT_EQ(tokens.find(kBob), std::nullopt);
}

TEST(AccessTokens, TheyAreReplacedWhileOthersLook) {
  AccessTokens tokens;
  tokens.replace({{"alice", kAlice}});
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!is_over) {
        EXPECT_EQ(tokens.find(kAlice), "alice");
        EXPECT_EQ(tokens.find(kBob + "?"), std::nullopt);
      }
    });
  }
  for (int i = 0; i < 1'000; ++i) tokens.replace({{"bob", kBob}, {"alice", kAlice}});
  is_over = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace cppipc::access_test
