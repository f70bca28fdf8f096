// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens: random words that name an object outside of the session it was used in, so that another
// session of the same server gets a reference to it.
//
// Whoever knows one, and is who it was given to, may have the object. Only digests of tokens are
// kept, so nobody learns one from the server's memory, or from a core file of it.

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace cppipc {

class Instance;

// A token keeps its object for `lifetime` after it was given out or renewed. After that it is good
// for as long as something else keeps the object and the session lives that asked for it.
// Owns: shares of the objects, and a thread from the first token on, which sleeps until one
// expires. Threads: every method from any thread.
class Tokens {
 public:
  using Token = std::array<std::uint8_t, 16>;
  using LetGo = std::function<void(std::shared_ptr<Instance>)>;

  // At most `session_max` tokens of one session, and as many of all sessions that have ended.
  // `let_go` gets the objects that a token has kept and keeps no longer, with no lock held.
  Tokens(std::uint64_t session_max, std::chrono::milliseconds lifetime, LetGo let_go);
  ~Tokens();

  // A token of an object for a session of that peer (peer_identity.h). If `earlier` is one that the
  // session has of that object already, it is renewed and returned.
  // Errors: kQuotaExceeded; kConnectionLost after stop(); std::system_error if there is no thread.
  Token give(std::uint64_t session, const std::string& peer, std::shared_ptr<Instance> object,
             std::span<const std::uint8_t> earlier = {});
  // The same of one that is good for the first who asks, whoever that is, and ends with its
  // session: for what a client hands from one of its sessions to another, at once.
  Token give_once(std::uint64_t session, std::shared_ptr<Instance> object);
  // The object of a token; null if it has none, or none any more.
  // Errors: kNotPermitted if it was given to another peer.
  std::shared_ptr<Instance> find(std::span<const std::uint8_t> token, std::string_view peer);
  // Ends all tokens of an object, whoever has asked for them. Returns how many there were.
  std::uint64_t revoke(const std::shared_ptr<Instance>& object);
  void session_ended(std::uint64_t session);
  std::uint64_t count() const;
  // Ends all tokens, and the thread; there are no new ones from then on. Not from `let_go`.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  using Objects = std::vector<std::shared_ptr<Instance>>;
  using Digest = std::array<std::uint8_t, 32>;
  struct Entry {
    Digest digest;
    std::uint64_t session;
    std::string peer;                // empty: good once, for anybody
    std::shared_ptr<Instance> kept;  // null when it is too old
    std::weak_ptr<Instance> object;
    Clock::time_point expiry;
    bool is_orphan = false;  // its session is over
    bool is_once() const { return peer.empty(); }
  };
  using Entries = std::list<Entry>;
  struct Hash {
    // Any eight of the bytes are random.
    std::size_t operator()(const Digest& digest) const {
      std::size_t value;
      std::memcpy(&value, digest.data(), sizeof(value));
      return value;
    }
  };

  Digest digest_of(std::span<const std::uint8_t> token) const;
  Token add(std::uint64_t session, std::string peer, std::shared_ptr<Instance> object);
  // Whether the token was one of that session and object, which then is renewed.
  bool renew_locked(std::uint64_t session, const std::shared_ptr<Instance>& object,
                    std::span<const std::uint8_t> token);
  void expire();
  void age_locked(Clock::time_point now, Objects& let_go);
  // Takes an entry out of everything; its object goes to `let_go`.
  void erase_locked(Entries::iterator entry, Objects& let_go);
  void make_room_locked(std::uint64_t session, Objects& let_go);
  void let_go_all(Objects objects) const;

  // Without it nobody can tell which token a digest belongs to, nor make one that fits.
  const Digest key_;
  const std::uint64_t session_max_;
  const std::chrono::milliseconds lifetime_;
  const LetGo let_go_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Entries kept_;  // the next to expire first
  Entries aged_;
  std::unordered_map<Digest, Entries::iterator, Hash> by_digest_;
  // Of sessions that live; an entry's address is its name here.
  std::unordered_map<std::uint64_t, std::unordered_map<const Entry*, Entries::iterator>> owned_;
  std::uint64_t orphans_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace cppipc
