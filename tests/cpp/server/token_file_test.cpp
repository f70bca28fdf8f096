// SPDX-License-Identifier: Apache-2.0
#include "server/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "temporary_folder.h"

namespace cppipc::server::token_file_test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kAlice = "alice-has-this-secret-of-hers";
const std::string kBob = "bob-has-another-one-0123456789";

class TokenFileTest : public testing::Test {
 protected:
  std::string path() const { return folder_ / "tokens"; }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::filesystem::remove(path());
    std::ofstream(path()) << text;
    ::chmod(path().c_str(), mode);
  }
  // Why the file is refused; empty: it is not.
  std::string refusal() const {
    try {
      TokenFile file(path());
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("token file '" + path() + "': "));
      EXPECT_THAT(error.what(), Not(HasSubstr(kAlice)));
      return error.what();
    }
    return "";
  }
  std::string refusal_of(const std::string& text, mode_t mode = 0600) const {
    write(text, mode);
    return refusal();
  }

  const TemporaryFolder folder_;
};

TEST_F(TokenFileTest, EachLineIsATokenWithOrWithoutAName) {
  write("# of the cluster\n\n  alice\t" + kAlice + "  \r\n" + kBob + "\n   # the end");
  const TokenFile file(path());
  EXPECT_EQ(file.tokens()->size(), 2u);
  EXPECT_EQ(file.tokens()->find(kAlice), "alice");
  EXPECT_EQ(file.tokens()->find(kBob)->size(), 16u);
  EXPECT_EQ(file.tokens()->find("alice"), std::nullopt);
}

TEST_F(TokenFileTest, ReloadReplacesTheTokensAndGivesTheirNumber) {
  write(kAlice);
  TokenFile file(path());
  const auto tokens = file.tokens();
  write("bob " + kBob + "\nbob new-one-for-bob-0123456789\n");
  EXPECT_EQ(file.reload(), 2u);
  EXPECT_EQ(tokens->find(kAlice), std::nullopt);
  EXPECT_EQ(tokens->find(kBob), "bob");
  EXPECT_EQ(tokens->find("new-one-for-bob-0123456789"), "bob");
}

TEST_F(TokenFileTest, AfterABadReloadTheTokensStay) {
  write("alice " + kAlice);
  TokenFile file(path());
  for (const std::string& bad :
       {std::string("alice short"), std::string(), std::string("# none")}) {
    write(bad);
    EXPECT_THROW(file.reload(), std::runtime_error);
  }
  write("bob " + kBob, 0644);
  EXPECT_THROW(file.reload(), std::runtime_error);
  std::filesystem::remove(path());
  EXPECT_THROW(file.reload(), std::runtime_error);
  EXPECT_EQ(file.tokens()->find(kAlice), "alice");
  EXPECT_EQ(file.tokens()->find(kBob), std::nullopt);
}

TEST_F(TokenFileTest, AFileThatOthersMayUseIsRefused) {
  for (const mode_t mode : {0640, 0604, 0660, 0601, 0610}) {
    EXPECT_THAT(refusal_of(kAlice, mode), HasSubstr("others than its owner may use it; chmod 600"));
  }
  EXPECT_EQ(refusal_of(kAlice, 0400), "");
}

TEST_F(TokenFileTest, AFileOfAnotherUserIsRefused) {
  write(kAlice);
  if (::chown(path().c_str(), 12345, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "only root can give a file away";
  }
  EXPECT_THAT(refusal(), HasSubstr("it belongs to uid 12345, and has to belong to uid "));
}

TEST_F(TokenFileTest, WhatIsNoRegularFileIsRefusedAndNotWaitedFor) {
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
  std::filesystem::create_directory(path());
  EXPECT_THAT(refusal(), HasSubstr("it is no regular file"));
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("it is no regular file"));
}

TEST_F(TokenFileTest, AWrongLineIsNamedAndNotShown) {
  EXPECT_THAT(refusal_of("# a\nalice " + kAlice + " more"),
              HasSubstr("line 2 has more than NAME TOKEN"));
  EXPECT_THAT(refusal_of("\n\n" + std::string(21, 'x')),
              HasSubstr("the access token of line 3 has 21 characters"));
  EXPECT_THAT(refusal_of("a/b " + kAlice), HasSubstr("the access token of line 1 has a name of"));
  EXPECT_THAT(refusal_of(kAlice + "\n" + kBob + "\nalice " + kAlice),
              HasSubstr("the access token of line 3 is the same as that of line 1"));
  EXPECT_THAT(refusal_of(kAlice + std::string(1, '\0') + "x"), HasSubstr("other than visible"));
}

TEST_F(TokenFileTest, AFileWithoutATokenOrOfAnotherSizeIsRefused) {
  EXPECT_THAT(refusal_of(""), HasSubstr("there is no token in it"));
  EXPECT_THAT(refusal_of("# nobody\n\n"), HasSubstr("there is no token in it"));
  EXPECT_THAT(refusal_of(std::string((1 << 20) + 1, '#')), HasSubstr("more than 1 MiB"));
}

}  // namespace
}  // namespace cppipc::server::token_file_test
