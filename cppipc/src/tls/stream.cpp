// SPDX-License-Identifier: Apache-2.0
// Small pieces of what is sent are gathered into records of 16 KiB, and four records leave in one
// step: so a small call is one record and one call of the system, and a large array few. Large
// pieces are encrypted from where they are.
//
// No handshake comes after the first: renegotiation is off. What TLS 1.3 may send in between, such
// as new keys, is answered when OpenSSL reads it; the answer goes the way of all ciphertext.
#include "tls/stream.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "tls/explain.h"

namespace cppipc::tls {
namespace {

constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t kSentAtOnce = 4 * kRecordBytes;
// Decrypted in one step: senders wait for the mutex meanwhile.
constexpr std::size_t kReadAtOnce = 8 * kRecordBytes;
// What may come, as it travels, without a byte for the reader: several of the largest records and
// handshakes. A peer that sent nothing but control messages would keep this side busy for ever.
constexpr std::uint64_t kFruitlessMax = 256 << 10;
// What a peer that reads nothing may make this side answer.
constexpr std::size_t kUnsentMax = 256 << 10;
// 2^23 full records: half of what RFC 8446 (5.5) has AES-GCM encrypt with one key.
constexpr std::uint64_t kRekeyBytes = std::uint64_t{1} << 37;
// A fatal alert "protocol_version": what a plain client understands.
constexpr std::array<unsigned char, 7> kSpeaksTls{21, 3, 3, 0, 2, 2, 70};

// Goes through the pieces, record by record.
class Records {
 public:
  explicit Records(std::span<const iovec> pieces) : pieces_(pieces) { skip_empty(); }
  bool is_done() const { return pieces_.empty(); }

  // What the next record carries: where it lies, or gathered in `scratch`.
  std::span<const std::byte> next(std::array<std::byte, kRecordBytes>& scratch) {
    const std::size_t here = pieces_.front().iov_len - at_;
    if (here >= kRecordBytes || pieces_.size() == 1) {
      return take(std::min(here, kRecordBytes));
    }
    std::size_t filled = 0;
    while (filled < kRecordBytes && !is_done()) {
      const std::size_t left = pieces_.front().iov_len - at_;
      const auto part = take(std::min(left, kRecordBytes - filled));
      std::memcpy(scratch.data() + filled, part.data(), part.size());
      filled += part.size();
    }
    return {scratch.data(), filled};
  }

 private:
  std::span<const std::byte> take(std::size_t bytes) {
    const auto* begin = static_cast<const std::byte*>(pieces_.front().iov_base) + at_;
    at_ += bytes;
    skip_empty();
    return {begin, bytes};
  }
  void skip_empty() {
    while (!pieces_.empty() && at_ == pieces_.front().iov_len) {
      pieces_ = pieces_.subspan(1);
      at_ = 0;
    }
  }

  std::span<const iovec> pieces_;
  std::size_t at_ = 0;  // in the first of them
};

}  // namespace

Stream::Stream(Owned<SSL> ssl, int fd, About about)
    : ciphertext_(fd), ssl_(std::move(ssl)), about_(std::move(about)), rekey_bytes_(kRekeyBytes) {
  BIO* const bio = ciphertext_.make_bio();
  SSL_set_bio(ssl_.get(), bio, bio);  // takes it, once for both
  SSL_set_app_data(ssl_.get(), this);
}

Stream::~Stream() {
  // The parent's object may be in the middle of anything.
  if (guard_.is_child()) (void)ssl_.release();
}

void Stream::set_on_agreed(std::function<void(const Agreed&)> on_agreed) {
  on_agreed_ = std::move(on_agreed);
}

int Stream::note_verification(int is_good, X509_STORE_CTX* store) {
  if (is_good != 0) return is_good;
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<Stream*>(SSL_get_app_data(ssl));
  try {
    if (self->verification_.empty()) {
      self->verification_ = explain_certificate(self->about_, X509_STORE_CTX_get_error(store),
                                                X509_STORE_CTX_get_current_cert(store),
                                                X509_STORE_CTX_get_error_depth(store));
    }
  } catch (const std::bad_alloc&) {  // no exception may pass through C; it is refused all the same
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  }
  return 0;
}

// The handshake has ended.
void Stream::agree() {
  is_agreed_ = true;
  agreed_.version = SSL_get_version(ssl_.get());
  agreed_.cipher = SSL_get_cipher_name(ssl_.get());
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get())) {
    agreed_.identity = identity_of(certificate);
  }
}

void Stream::tell_agreed() {
  if (auto tell = std::exchange(on_agreed_, nullptr)) tell(agreed_);
}

// A plain client is told what it has come to: OpenSSL says nothing to what is not TLS at all.
void Stream::send_no_tls() {
  if (about_.is_server && !is_agreed_ && is_no_tls(ciphertext_.first_byte())) {
    ciphertext_.append(kSpeaksTls);
  }
}

// What is thrown when OpenSSL has given up.
Error Stream::failed() {
  is_failed_ = true;
  Failure failure;
  failure.error = ERR_peek_error();
  failure.is_agreed = is_agreed_;
  failure.is_at_end = ciphertext_.is_at_end();
  failure.first_byte = ciphertext_.first_byte();
  failure.verification = verification_;
  ERR_clear_error();
  send_no_tls();
  ciphertext_.flush();  // the alert, if there is room for it
  const bool is_alert = ERR_GET_LIB(failure.error) == ERR_LIB_SSL &&
                        ERR_GET_REASON(failure.error) >= SSL_AD_REASON_OFFSET;
  if (is_agreed_ && failure.is_at_end && !is_alert) {
    return Error(ErrorKind::kConnectionLost,
                 "the connection was cut off: the other side is gone without a word");
  }
  Error error(ErrorKind::kConnectionLost, explain_failure(about_, failure));
  error.is_tls = true;
  return error;
}

// What a call of OpenSSL has come to. Errors: as receive().
Stream::Progress Stream::step(int result) {
  if (!is_agreed_ && SSL_is_init_finished(ssl_.get()) != 0) agree();
  const bool was_empty = ciphertext_.take_was_empty();
  if (result == 1) {
    fruitful_at_ = ciphertext_.received();
    return Progress::kMade;
  }
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_ZERO_RETURN) return Progress::kEnded;
  if (why != SSL_ERROR_WANT_READ) throw failed();
  if (ciphertext_.received() - fruitful_at_ > kFruitlessMax || ciphertext_.unsent() > kUnsentMax) {
    is_failed_ = true;
    throw Error(ErrorKind::kProtocol, "the peer sends control messages of TLS and nothing else");
  }
  return was_empty ? Progress::kNothingThere : Progress::kMade;
}

Channel::Step Stream::shake_hands() {
  {
    std::lock_guard lock(mutex_);
    ciphertext_.begin_receive(true);
    while (!is_agreed_) {
      ERR_clear_error();
      const Progress progress = step(SSL_do_handshake(ssl_.get()));
      if (progress == Progress::kEnded) throw failed();
      if (!ciphertext_.flush()) return Step::kWantsWrite;
      if (progress == Progress::kNothingThere) return Step::kWantsRead;
    }
    if (!ciphertext_.flush()) return Step::kWantsWrite;
  }
  tell_agreed();
  return Step::kDone;
}

void Stream::begin_receive(bool is_end_expected) {
  std::lock_guard lock(mutex_);
  ciphertext_.begin_receive(is_end_expected);
}

std::int64_t Stream::receive(std::byte* to, std::size_t room) {
  std::size_t filled = 0;
  bool is_ended = false;
  bool is_news = false;
  {
    std::lock_guard lock(mutex_);
    if (failure_) throw Error(*failure_);
    const bool was_agreed = is_agreed_;
    const std::size_t most = std::min(room, kReadAtOnce);
    try {
      for (bool is_more = true; is_more && filled < most;) {
        ERR_clear_error();
        std::size_t got = 0;
        // The handshake by itself: else a failure right behind it would look like one of its own.
        const Progress progress =
            step(is_agreed_ ? SSL_read_ex(ssl_.get(), to + filled, most - filled, &got)
                            : SSL_do_handshake(ssl_.get()));
        filled += got;
        is_ended = progress == Progress::kEnded;
        is_more = progress == Progress::kMade;
      }
    } catch (const Error& error) {
      failure_ = error;
    }
    ciphertext_.flush();
    if (failure_ && filled == 0) throw Error(*failure_);
    is_news = is_agreed_ && !was_agreed;
  }
  if (is_news) tell_agreed();
  if (filled != 0) return static_cast<std::int64_t>(filled);
  return is_ended ? 0 : -1;
}

// Into one record. False: the connection is broken.
bool Stream::encrypt(std::span<const std::byte> bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  // All is taken, or nothing can be any more: the ciphertext has room.
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1) {
    sent_since_rekey_ += bytes.size();
    if (sent_since_rekey_ >= rekey_bytes_ && SSL_version(ssl_.get()) == TLS1_3_VERSION) {
      sent_since_rekey_ = 0;
      SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);  // leaves with the next record
    }
    return true;
  }
  is_failed_ = true;
  ERR_clear_error();
  return false;
}

std::int64_t Stream::send(std::span<const iovec> pieces) {
  if (guard_.is_child()) return -1;
  Records records(pieces);
  std::array<std::byte, kRecordBytes> scratch;
  std::int64_t taken = 0;
  while (!records.is_done()) {
    // Given up after each step: the reader has its turn.
    std::lock_guard lock(mutex_);
    if (is_failed_ || ciphertext_.is_broken()) return -1;
    if (!is_agreed_ || !ciphertext_.flush()) return taken;
    for (std::size_t now = 0; now < kSentAtOnce && !records.is_done();) {
      const auto record = records.next(scratch);
      if (!encrypt(record)) return -1;
      now += record.size();
      taken += static_cast<std::int64_t>(record.size());
    }
    if (!ciphertext_.flush()) return taken;
  }
  return taken;
}

bool Stream::flush() {
  if (guard_.is_child()) return true;
  std::lock_guard lock(mutex_);
  return ciphertext_.flush();
}

void Stream::end() {
  if (guard_.is_child()) return;
  std::lock_guard lock(mutex_);
  if (!is_agreed_ || is_failed_ || ciphertext_.is_broken()) return;
  ERR_clear_error();
  if (SSL_in_init(ssl_.get()) != 0) SSL_do_handshake(ssl_.get());  // new keys are still to be sent
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  ciphertext_.flush();
}

}  // namespace cppipc::tls
