// SPDX-License-Identifier: Apache-2.0
#pragma once
// One encrypted connection.

#include <cppipc/error.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "rpc/channel.h"
#include "rpc/fork_guard.h"
#include "tls/ciphertext.h"
#include "tls/context.h"

namespace cppipc::tls {

// OpenSSL's object bears one thread at a time, while a connection is written and read at once: a
// mutex guards it, for the time of a few records.
class Stream final : public Channel {
 public:
  // `ssl` is fresh; its side and what it expects are set. Errors: std::bad_alloc.
  Stream(Owned<SSL> ssl, int fd, About about);
  ~Stream() override;

  Step shake_hands() override;
  void set_on_agreed(std::function<void(const Agreed&)> on_agreed) override;
  const Agreed& agreed() const override { return agreed_; }
  std::int64_t send(std::span<const iovec> pieces) override;
  bool flush() override;
  std::size_t unsent() const override { return ciphertext_.unsent(); }
  void begin_receive(bool is_end_expected) override;
  std::int64_t receive(std::byte* to, std::size_t room) override;
  void end() override;

  // New keys for what is sent, each time so many bytes were. For tests; the default is what
  // RFC 8446 recommends.
  void set_rekey_bytes(std::uint64_t bytes) { rekey_bytes_ = bytes; }

  // What OpenSSL calls with each verdict on a certificate.
  static int note_verification(int is_good, X509_STORE_CTX* store);

 private:
  enum class Progress { kMade, kNothingThere, kEnded };

  Progress step(int result);
  Error failed();
  void send_no_tls();
  void agree();
  void tell_agreed();
  bool encrypt(std::span<const std::byte> bytes);

  const ForkGuard guard_;
  std::mutex mutex_;
  Ciphertext ciphertext_;
  Owned<SSL> ssl_;  // before the ciphertext it goes
  const About about_;
  bool is_agreed_ = false;
  bool is_failed_ = false;
  Agreed agreed_;
  std::function<void(const Agreed&)> on_agreed_;
  std::string verification_;       // why a certificate was refused; empty: none was
  std::optional<Error> failure_;   // to be thrown once what came before it has been given out
  std::uint64_t fruitful_at_ = 0;  // of what was received, when a byte for the reader was in it
  std::uint64_t rekey_bytes_;
  std::uint64_t sent_since_rekey_ = 0;
};

}  // namespace cppipc::tls
