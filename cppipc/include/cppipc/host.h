// SPDX-License-Identifier: Apache-2.0
#pragma once
// Host: serves a registry to any number of connected sockets.
//
// A host has no listener: whoever accepts connections hands it connected descriptors. It makes
// its own threads: one that leads (reads sockets and runs short methods itself), one that stands
// by while a method runs, and as many more as there are slow methods at work.

#include <cppipc/context.h>
#include <cppipc/description.h>
#include <cppipc/error.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {

class AccessTokens;
class Registry;
class TlsServer;

// Limits of one session. Past one the call gets kQuotaExceeded, or waits if it is one of threads or
// of unread replies; no other session notices.
struct HostLimits {
  std::uint64_t message_bytes = 64ull << 20;        // one message
  std::uint64_t inline_bytes = 1ull << 20;          // larger str, bytes and arrays cross in chunks
  std::uint64_t live_objects = 1'000'000;           // objects a session holds at one time
  std::uint64_t calls_in_flight = 50'000;           // calls sent and not yet answered
  std::uint64_t callbacks_in_flight = 256;          // calls of the client's functions, at one time
  std::uint64_t queued_reply_bytes = 256ull << 20;  // unread replies before the host stops reading
  // Arrays, str and bytes of a session that the host holds; 0: a quarter of the machine's memory.
  std::uint64_t bulk_bytes = 0;
  std::uint64_t bulk_total_bytes = 0;  // of all sessions; 0: half of the memory that is free
  std::size_t arenas = 256;            // of its own memory that a session shares with the host
  std::uint64_t arena_bytes = 0;       // of all its arenas; 0: the machine's memory
  unsigned session_threads = 224;      // methods that run at one time
  // The same, of all sessions together; but a session that runs none may always run one.
  unsigned worker_threads = 256;
  std::uint64_t object_tokens = 10'000;             // tokens of objects (Client::save)
  std::chrono::seconds object_token_lifetime{600};  // for which a token keeps its object
};

// More to offer than there is in the registry of a host.
struct LoadedExtension {
  ExtensionDescription about;
  // Its names begin with that of the extension and a dot.
  std::shared_ptr<const Registry> registry;
};

struct HostOptions {
  HostLimits limits;
  // With clients on the same machine that can do so too.
  bool shares_memory = true;
  std::string version = "0.1.0";
  // What sessions are opened with, of connections that need a token; see Admission.
  std::shared_ptr<const AccessTokens> access_tokens;
  // A machine that is gone is noticed after about that time, even if nothing is sent. TCP only.
  std::chrono::seconds keep_alive{30};
  // Called once when a session begins and ends; from a host thread, with no lock held.
  // `reason` is empty when the peer closed in order.
  std::function<void(std::uint64_t session, const std::string& peer)> session_began;
  std::function<void(std::uint64_t session, const std::string& reason)> session_ended;
  // The client has opened the session, which was pending since it began. `identity` is who that is,
  // such as "uid 1000" or "access token 'alice'". On the host thread that reads, with no lock held.
  std::function<void(std::uint64_t session, const std::string& identity)> session_opened;
  // On the thread that runs a method, just before it and just after it. `where` is its name, such
  // as "Counter.increment"; `file` that of the extension it belongs to, or empty. Must be quick,
  // and must not throw.
  std::function<void(std::uint64_t session, std::string_view where, std::string_view file)>
      call_began;
  std::function<void()> call_ended;
  // Loads a file for Session.load_extension. `path` is as the client has it, and `folder` the
  // client's working directory if it is relative. On the thread of that call. Empty: the host loads
  // nothing for its clients.
  std::function<LoadedExtension(const std::string& path, const std::string& folder)> load_extension;
  // Lines for a log: from Context::log and of the host itself.
  using LogLevel = cppipc::LogLevel;
  std::function<void(LogLevel, const std::string&)> log;
};

struct HostStats {
  std::uint64_t sessions = 0;        // connected now
  std::uint64_t pending = 0;         // of them, those whose client has not opened them yet
  std::uint64_t sessions_total = 0;  // begun since the start
  std::uint64_t live_objects = 0;    // exposed objects held by any session now
  std::uint64_t calls = 0;           // finished since the start
  std::uint64_t calls_failed = 0;    // of these, with an error
  std::uint64_t calls_running = 0;   // being run now
  std::uint64_t calls_waiting = 0;   // waiting for an object or a thread
  std::uint64_t bytes_inline = 0;    // received in messages since the start
  std::uint64_t bytes_sent = 0;      // in messages since the start
  // Bulk bytes that were copied on their way: in pieces, or once into shared memory.
  std::uint64_t bytes_copied = 0;
  std::uint64_t bytes_held = 0;     // of HostLimits::bulk_total_bytes
  std::uint64_t threads = 0;        // of the host, now
  std::uint64_t object_tokens = 0;  // good now
  std::uint64_t arenas = 0;         // mapped now: of sessions, and made for them
};

// What one open session has done and holds.
struct SessionStats {
  std::uint64_t id = 0;
  std::string peer;                             // as given to Host::adopt()
  std::chrono::system_clock::time_point since;  // when it began
  std::uint64_t calls = 0;                      // finished
  std::uint64_t calls_failed = 0;               // of these, with an error
  std::uint64_t live_objects = 0;               // that it holds now
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t queued_bytes = 0;  // of messages that the peer has still to read, now
};

// What the host asks of a connection before it serves it.
struct Admission {
  // The session is opened with one of HostOptions::access_tokens, or not at all.
  bool needs_token = false;
  // The peer has to speak TLS, with this server's certificate. Null: nothing is encrypted.
  std::shared_ptr<TlsServer> tls;
};

// Owns: its threads, the sockets it was given, all exposed objects of its sessions.
// Threads: every method is safe from any thread but the host's own.
class Host {
 public:
  // `registry` must outlive the host and not change any more; what is offered beside it comes by
  // add().
  explicit Host(const Registry& registry, HostOptions options = {});
  // As stop(), with no time for running methods.
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Serves a connected stream socket from now on; takes the descriptor, also when it throws.
  // `peer` names the other side in logs. Errors: kInputOutput. The handshake of TLS comes with the
  // peer's first bytes, on a thread of the host; if it fails, the session ends with the reason.
  std::uint64_t adopt(int socket_fd, const std::string& peer, const Admission& admission = {});
  // Ends a session that its client has not opened yet. False, and nothing is done, if it is open,
  // or over. `reason` goes to session_ended.
  bool end_pending(std::uint64_t session, const std::string& reason);

  // Offers more from now on, in every session, and returns the names. An extension of the same name
  // takes the place of an earlier one: new calls use the new code, and objects that there are keep
  // their type and code; the host keeps every version as long as it lives. With the same content
  // hash nothing changes. Clients hear of it at once; if a session's call does this, its client
  // does so before the reply. Errors: kInvalidArgument naming the extension, with nothing changed:
  // for a name of another form, or that the host's own registry uses. Threads: any, the host's own
  // too.
  std::vector<std::string> add(LoadedExtension extension);

  // Refuses new calls, waits up to `patience` for running ones, answers them, and closes every
  // session. Returns whether all running calls ended in time.
  bool stop(std::chrono::milliseconds patience);

  HostStats stats() const;
  // Of the open sessions, the oldest first, `most` of them.
  std::vector<SessionStats> sessions(std::size_t most = ~std::size_t{0}) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cppipc
