// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens: random words that name an object outside of the session it was used in, so that another
// session of the same server gets a reference to it. Whoever knows one may have the object.

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cppipc {

class Instance;

// A token keeps its object for `lifetime` after it was last given out. After that it is good for as
// long as something else keeps the object and the session lives that asked for it.
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

  // The token of an object for a session: the same one as long as it is good. One that is good
  // once only is a new one each time, and ends with its session.
  // Errors: kQuotaExceeded; std::system_error if there are no random bytes, or is no thread.
  Token give(std::uint64_t session, std::shared_ptr<Instance> object, bool is_once);
  // The object of a token; null if it has none, or none any more.
  std::shared_ptr<Instance> find(std::span<const std::uint8_t> token);
  // Ends all tokens of an object, whoever has asked for them. Returns how many there were.
  std::uint64_t revoke(const std::shared_ptr<Instance>& object);
  void session_ended(std::uint64_t session);
  std::uint64_t count() const;
  // Ends all tokens, and the thread; there are no new ones from then on. Not from `let_go`.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  using Objects = std::vector<std::shared_ptr<Instance>>;
  struct Entry {
    Token token;
    std::uint64_t session;
    const void* key;                 // in by_object_: the object, or of those good once the entry
    std::shared_ptr<Instance> kept;  // null when it is too old
    std::weak_ptr<Instance> object;
    Clock::time_point expiry;
    bool is_once;
    bool is_orphan = false;  // its session is over
  };
  using Entries = std::list<Entry>;
  struct Hash {
    // Any eight of the bytes are random.
    std::size_t operator()(const Token& token) const {
      std::size_t value;
      std::memcpy(&value, token.data(), sizeof(value));
      return value;
    }
  };

  void expire();
  void age_locked(Clock::time_point now, Objects& let_go);
  // Takes an entry out of everything; its object goes to `let_go`.
  void erase_locked(Entries::iterator entry, Objects& let_go);
  void make_room_locked(std::uint64_t session, Objects& let_go);
  void let_go_all(Objects objects) const;

  const std::uint64_t session_max_;
  const std::chrono::milliseconds lifetime_;
  const LetGo let_go_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Entries kept_;  // the next to expire first
  Entries aged_;
  std::unordered_map<Token, Entries::iterator, Hash> by_token_;
  std::map<std::pair<std::uint64_t, const void*>, Entries::iterator> by_object_;  // and session
  std::unordered_map<std::uint64_t, std::uint64_t> counts_;  // of sessions that live
  std::uint64_t orphans_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace cppipc
