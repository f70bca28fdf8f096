// SPDX-License-Identifier: Apache-2.0
#pragma once
// What stands between a connection and its socket when the bytes are encrypted.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace cppipc {

// Uses the socket, which does not block and outlives it, and sends nothing when it is destroyed.
// Threads: send() on one thread at a time; receive() on one thread at a time, with or without a
// send() at that time; everything else on any thread.
class Channel {
 public:
  // What the handshake has come to. Texts for people.
  struct Agreed {
    std::string version;   // "TLSv1.3"
    std::string cipher;    // "TLS_AES_256_GCM_SHA384"
    std::string identity;  // who the other side's certificate says it is; empty: it showed none
  };
  enum class Step { kDone, kWantsRead, kWantsWrite };

  virtual ~Channel() = default;

  // Goes on with the handshake, as receive() does by itself. Errors: as receive().
  virtual Step shake_hands() = 0;
  // Called once by the thread whose receive() ends the handshake. Set it before the first one.
  virtual void set_on_agreed(std::function<void(const Agreed&)> on_agreed) = 0;
  // Empty texts until the handshake is over; does not change afterwards. For the thread that
  // receives, and whoever has to do with what it received.
  virtual const Agreed& agreed() const = 0;

  // Encrypts the first bytes of what is in the pieces and sends them, and returns how many it has
  // taken. It takes none while the handshake lasts or the socket is full. -1: the connection is
  // broken, and the reader finds out why.
  virtual std::int64_t send(std::span<const iovec> pieces) = 0;
  // Sends what was taken and the socket refused. True if nothing is left, or all is lost.
  virtual bool flush() = 0;
  // Bytes that the socket refused so far, as they travel.
  virtual std::size_t unsent() const = 0;

  // The poller has reported something: the socket is read until it is empty. With
  // `is_end_expected` a short read is not taken for an empty socket.
  virtual void begin_receive(bool is_end_expected) = 0;
  // What came, decrypted: so many bytes; 0 at the end that the other side has announced; -1 if
  // nothing more is there now. May leave something unsent.
  // Errors: kConnectionLost, with Error::is_tls unless the connection was merely cut off;
  // kProtocol. It is of no use afterwards.
  virtual std::int64_t receive(std::byte* to, std::size_t room) = 0;

  // Tells the other side that nothing more comes, if that can be done at once.
  virtual void end() = 0;
};

}  // namespace cppipc
