// SPDX-License-Identifier: Apache-2.0
#pragma once
// Access tokens: secrets that clients of a host open their sessions with, where the system cannot
// vouch for who they are, as over TCP.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {

// Characters that a token has at least: 22 of base64url hold 128 random bits.
inline constexpr std::size_t kAccessTokenCharsMin = 22;
inline constexpr std::size_t kAccessTokenCharsMax = 1'024;

struct AccessToken {
  // Who has it: sessions of one name are one peer. Several tokens may have one name, as the old and
  // the new one do for a while. Empty: it gets a name of its own, which tells nothing of the token.
  std::string name = {};
  std::string token = {};
  // Where it is written, for errors, such as "line 3"; empty: its place in the list.
  std::string place = {};
};

// The tokens that are good now. Only keyed hashes of them are kept, and a look-up takes equally
// long whatever it is given, so neither memory nor time tell of them.
// Threads: every method from any thread.
class AccessTokens {
 public:
  // None is good. Errors: std::runtime_error if the system has no random bytes.
  AccessTokens();
  ~AccessTokens();
  AccessTokens(const AccessTokens&) = delete;
  AccessTokens& operator=(const AccessTokens&) = delete;

  // From now on these are good and no others; sessions that are open stay so.
  // Errors: kInvalidArgument, with nothing changed, for a token that is too short, too long or has
  // other than visible ASCII characters, and for one that is given twice; for a name of other than
  // 64 letters, digits and "._@+-". The text says which by its place, and never the token.
  void replace(const std::vector<AccessToken>& tokens);
  // The name of a token; nullopt if it is not good.
  std::optional<std::string> find(std::string_view token) const;
  std::size_t size() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace cppipc
