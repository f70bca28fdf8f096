// SPDX-License-Identifier: Apache-2.0
#pragma once
// The file with the access tokens of clients over TCP.

#include <cppipc/access.h>

#include <cstddef>
#include <memory>
#include <string>

namespace cppipc::server {

// On each line NAME TOKEN or TOKEN; empty lines and those that begin with '#' say nothing.
// Threads: one at a time; the tokens may be looked up by any meanwhile.
class TokenFile {
 public:
  // Reads the file. Errors: std::runtime_error with a text for users, which names the file and the
  // line and shows no token: it cannot be read, is no regular file of this user, may be read or
  // written by others, or has a line of another form, a token that is none, or no token at all.
  explicit TokenFile(std::string path);

  // Reads it again: from now on its tokens are good and no others. Sessions that are open stay so.
  // Returns how many there are. Errors: as the constructor; the tokens then stay as they are.
  std::size_t reload();

  const std::shared_ptr<AccessTokens>& tokens() const { return tokens_; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const std::shared_ptr<AccessTokens> tokens_ = std::make_shared<AccessTokens>();
};

}  // namespace cppipc::server
