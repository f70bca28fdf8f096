// SPDX-License-Identifier: Apache-2.0
// A hash of fixed size is compared instead of the token, by libsodium's sodium_memcmp, and with
// every entry, also after one that fits. Without the key, which no one else has and which ends with
// the process, a hash that got out is of no use to find a token by trying.
#include <cppipc/access.h>
#include <cppipc/error.h>

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <stdexcept>

namespace cppipc {
namespace {

constexpr std::size_t kNameCharsMax = 64;

using Digest = std::array<std::uint8_t, 32>;

struct Known {
  Digest digest;
  std::string name;
};

bool is_name(std::string_view text) {
  return text.size() <= kNameCharsMax && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  std::string_view("._@+-").find(c) != std::string_view::npos;
         });
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string place_of(const std::vector<AccessToken>& tokens, std::size_t i) {
  return tokens[i].place.empty() ? "place " + std::to_string(i + 1) : tokens[i].place;
}

// What is wrong with it; empty: nothing.
std::string fault_of(const AccessToken& given) {
  const std::size_t size = given.token.size();
  if (size < kAccessTokenCharsMin || size > kAccessTokenCharsMax) {
    return "has " + std::to_string(size) + " characters; it has to have " +
           std::to_string(kAccessTokenCharsMin) + " to " + std::to_string(kAccessTokenCharsMax) +
           " random ones, as python -m unity token makes them";
  }
  if (!is_visible(given.token)) return "has other than visible ASCII characters";
  if (!is_name(given.name)) {
    return "has a name of other than 1 to " + std::to_string(kNameCharsMax) +
           " letters, digits and ._@+-";
  }
  return {};
}

[[noreturn]] void refuse_token(const std::string& place, const std::string& fault) {
  throw Error(ErrorKind::kInvalidArgument, "the access token of " + place + " " + fault);
}

// Sixteen characters of base 16, of the hash.
std::string name_of(const Digest& digest) {
  std::array<char, 17> text;
  ::sodium_bin2hex(text.data(), text.size(), digest.data(), (text.size() - 1) / 2);
  return text.data();
}

}  // namespace

class AccessTokens::Impl {
 public:
  Impl() {
    if (::sodium_init() < 0) throw std::runtime_error("libsodium does not start");
    ::randombytes_buf(key_.data(), key_.size());
  }
  ~Impl() { ::sodium_memzero(key_.data(), key_.size()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Digest digest_of(std::string_view token) const {
    Digest digest;
    ::crypto_generichash(digest.data(), digest.size(),
                         reinterpret_cast<const unsigned char*>(token.data()), token.size(),
                         key_.data(), key_.size());
    return digest;
  }

  mutable std::mutex mutex;
  std::vector<Known> known;  // guarded by the mutex

 private:
  Digest key_;
};

AccessTokens::AccessTokens() : impl_(std::make_unique<Impl>()) {}

AccessTokens::~AccessTokens() = default;

void AccessTokens::replace(const std::vector<AccessToken>& tokens) {
  std::vector<Known> known;
  for (const AccessToken& given : tokens) {
    const std::string place = place_of(tokens, known.size());
    if (const std::string fault = fault_of(given); !fault.empty()) refuse_token(place, fault);
    const Digest digest = impl_->digest_of(given.token);
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i].digest == digest)
        refuse_token(place, "is the same as that of " + place_of(tokens, i));
    }
    known.push_back({digest, given.name.empty() ? name_of(digest) : given.name});
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->known.swap(known);
}

std::optional<std::string> AccessTokens::find(std::string_view token) const {
  if (token.size() > kAccessTokenCharsMax) return std::nullopt;  // no secret: it is written above
  const Digest digest = impl_->digest_of(token);
  std::optional<std::string> name;
  const std::lock_guard lock(impl_->mutex);
  for (const Known& known : impl_->known) {
    const bool fits = ::sodium_memcmp(known.digest.data(), digest.data(), digest.size()) == 0;
    if (fits) name = known.name;
  }
  return name;
}

std::size_t AccessTokens::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->known.size();
}

}  // namespace cppipc
