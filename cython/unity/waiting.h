// SPDX-License-Identifier: Apache-2.0
#pragma once
// Opening clients, sending calls and waiting for them: all that the seam does without the GIL.

#include <cppipc/client.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime.h"
#include "server_process.h"

namespace unity {

// What a call is addressed to.
enum class Target : int { kMethod, kCreate, kRun, kStats, kPing };

// The options of every client of the seam. `process` may be null.
inline cppipc::ConnectOptions connect_options(Runtime& runtime, double timeout_s,
                                              std::string peer_name,
                                              std::shared_ptr<ServerProcess> process) {
  cppipc::ConnectOptions options;
  options.timeout_s = timeout_s;
  options.peer_name = std::move(peer_name);
  options.on_interrupt = [&runtime] { runtime.check_interrupt(); };
  // For whoever waits without the wait() below: the C++ proxies.
  options.on_return = [&runtime] { runtime.park_if_exiting(); };
  options.run_callback = [&runtime](std::function<void()> call) {
    runtime.run_on_callback_thread(std::move(call));
  };
  if (process) options.explain_loss = [process] { return process->explain_loss(); };
  return options;
}

inline std::shared_ptr<cppipc::Client> connect(Runtime& runtime, const std::string& address,
                                               double timeout_s, const std::string& access_token,
                                               double keep_alive_s,
                                               const std::optional<cppipc::TlsClientOptions>& tls) {
  cppipc::ConnectOptions options = connect_options(runtime, timeout_s, {}, nullptr);
  options.access_token = access_token;
  options.keep_alive_s = keep_alive_s;
  options.tls = tls;
  return cppipc::Client::connect(address, std::move(options));
}

// Takes the descriptor.
inline std::shared_ptr<cppipc::Client> adopt(Runtime& runtime, int socket_fd, double timeout_s,
                                             const std::string& peer_name,
                                             const std::shared_ptr<ServerProcess>& process) {
  return cppipc::Client::adopt(socket_fd, connect_options(runtime, timeout_s, peer_name, process));
}

// Sends a call. `name` is that of a method, type or function.
inline cppipc::CallPtr send(cppipc::Client& client, Target target, const std::string& name,
                            const std::shared_ptr<cppipc::RemoteObject>& object,
                            cppipc::ValueWriter& arguments, const cppipc::CallOptions& options) {
  switch (target) {
    case Target::kMethod:
      return client.call(object, name, arguments, options);
    case Target::kCreate:
      return client.create(name, arguments, options);
    case Target::kRun:
      return client.run(name, arguments, options);
    case Target::kStats:
      return client.stats(options);
    case Target::kPing:
      break;
  }
  return client.ping(options);
}

// Waits for a call. Errors: as Call::wait(); `is_interrupted` tells the exception of a signal
// handler from an outcome of the call. Does not return while the interpreter ends.
inline void wait(const Runtime& runtime, cppipc::Call& call, std::optional<double> timeout_s,
                 std::shared_ptr<cppipc::Result>* result, bool* is_interrupted) {
  try {
    *result = call.receive(timeout_s);
  } catch (const Interrupted&) {
    *is_interrupted = true;
    throw;  // on the main thread, which is never parked
  } catch (...) {
    runtime.park_if_exiting();
    throw;
  }
  runtime.park_if_exiting();
}

// send() and wait() in one: an interrupt cancels the call, of which nobody else knows.
inline void send_and_wait(const Runtime& runtime, cppipc::Client& client, Target target,
                          const std::string& name,
                          const std::shared_ptr<cppipc::RemoteObject>& object,
                          cppipc::ValueWriter& arguments, cppipc::CallOptions options,
                          std::shared_ptr<cppipc::Result>* result) {
  options.is_awaited = true;
  const cppipc::CallPtr call = send(client, target, name, object, arguments, options);
  bool is_interrupted = false;
  wait(runtime, *call, std::nullopt, result, &is_interrupted);
}

// Client::save(), save_once() and restore(), likewise.
inline void save_and_wait(const Runtime& runtime, cppipc::Client& client,
                          const std::shared_ptr<cppipc::RemoteObject>& object,
                          const std::string& earlier, cppipc::CallOptions options,
                          std::shared_ptr<cppipc::Result>* result) {
  options.is_awaited = true;
  bool is_interrupted = false;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(earlier.data());
  wait(runtime, *client.save(object, {bytes, earlier.size()}, options), std::nullopt, result,
       &is_interrupted);
}

inline void save_once_and_wait(const Runtime& runtime, cppipc::Client& client,
                               const std::shared_ptr<cppipc::RemoteObject>& object,
                               cppipc::CallOptions options,
                               std::shared_ptr<cppipc::Result>* result) {
  options.is_awaited = true;
  bool is_interrupted = false;
  wait(runtime, *client.save_once(object, options), std::nullopt, result, &is_interrupted);
}

inline void restore_and_wait(const Runtime& runtime, cppipc::Client& client, const char* token,
                             std::size_t size, cppipc::CallOptions options,
                             std::shared_ptr<cppipc::Result>* result) {
  options.is_awaited = true;
  bool is_interrupted = false;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(token);
  wait(runtime, *client.restore({bytes, size}, options), std::nullopt, result, &is_interrupted);
}

// Client::watch() and unwatch(), likewise. `watcher` is of kind callable.
inline void watch_and_wait(const Runtime& runtime, cppipc::Client& client,
                           const std::string& prefix, const cppipc::Variant& watcher,
                           std::shared_ptr<cppipc::Result>* result) {
  cppipc::CallOptions options;
  options.is_awaited = true;
  bool is_interrupted = false;
  const auto call = client.watch(prefix, watcher.as<cppipc::CallablePtr>(), options);
  wait(runtime, *call, std::nullopt, result, &is_interrupted);
}

inline void unwatch_and_wait(const Runtime& runtime, cppipc::Client& client, std::uint64_t watch,
                             std::shared_ptr<cppipc::Result>* result) {
  cppipc::CallOptions options;
  options.is_awaited = true;
  bool is_interrupted = false;
  wait(runtime, *client.unwatch(watch, options), std::nullopt, result, &is_interrupted);
}

// Client::give_file(), likewise.
inline void give_file_and_wait(const Runtime& runtime, cppipc::Client& client, int fd,
                               std::shared_ptr<cppipc::Result>* result) {
  cppipc::CallOptions options;
  options.is_awaited = true;
  bool is_interrupted = false;
  wait(runtime, *client.give_file(fd, options), std::nullopt, result, &is_interrupted);
}

// Lets something live for ever: in a forked child, what belongs to the parent's session must
// neither be used nor destroyed.
template <class T>
void leak(T& value) {
  new T(std::move(value));
}

}  // namespace unity
