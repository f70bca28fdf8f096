// SPDX-License-Identifier: Apache-2.0
#pragma once
// When and how the server ends: by signal, with its launcher, or with a private session.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "server/logging.h"

namespace cppipc::server {

// Starts the end once, and makes sure that it comes: when the time for it is over, or at a second
// signal, the process is ended at once, whatever its threads are doing.
// Threads: everything on the thread that runs the io_context.
class Lifetime {
 public:
  using Milliseconds = std::chrono::milliseconds;
  struct Hooks {
    // Begins to end without waiting; running calls may take `patience`. When everything has
    // ended, finished() is to be called.
    std::function<void(Milliseconds patience)> begin_end;
    // Ends the process at once with kExitForced. Replaced in tests.
    std::function<void()> end_now;
    // Does what SIGHUP asks for; empty: that ends the server.
    std::function<void()> reload = {};
  };
  // `drain`: for running calls at the first signal; `grace`: after that, for everything else.
  Lifetime(boost::asio::io_context& loop, Log& log, Milliseconds drain, Milliseconds grace,
           Hooks hooks);

  // Ends at SIGTERM and SIGINT, and reloads at SIGHUP. That signal also says that the terminal is
  // gone which the process was started from: then it ends, unless the signal was ignored before.
  // Errors: boost::system::system_error.
  void watch_signals();
  // Ends once `pidfd` says that its process is dead. Takes the descriptor.
  // Errors: std::runtime_error if it is none of a process.
  void watch_launcher(int pidfd);
  // Ends with the given reason, which is logged. The first call decides on the patience, but a
  // later one with less shortens what is left.
  void end(const std::string& reason, Milliseconds patience);
  // Everything has ended in order: the loop may go.
  void finished();

  bool is_ending() const { return is_ending_; }

 private:
  void wait_for_signal();
  void take_signal(int signal);
  void arm(Milliseconds patience);
  void force(const std::string& reason);

  boost::asio::io_context& loop_;
  Log& log_;
  const Milliseconds drain_;
  const Milliseconds grace_;
  const Hooks hooks_;
  boost::asio::signal_set signals_;
  boost::asio::posix::stream_descriptor launcher_;
  boost::asio::steady_timer deadline_;
  bool had_terminal_ = false;
  bool is_ending_ = false;
};

}  // namespace cppipc::server
