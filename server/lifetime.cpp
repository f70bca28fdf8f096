// SPDX-License-Identifier: Apache-2.0
#include "server/lifetime.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "server/socket_file.h"

namespace cppipc::server {
namespace {

// The process a pidfd stands for, by what the kernel says of the descriptor; 0 if it is none of a
// process, -1 if that process is dead and collected.
long process_of(int pidfd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(pidfd));
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("Pid:")) return std::stol(line.substr(4));
  }
  return 0;
}

// Whether the process has a controlling terminal that is still there.
bool has_terminal() {
  const OwnedFd terminal(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  return terminal.get() >= 0;
}

}  // namespace

Lifetime::Lifetime(boost::asio::io_context& loop, Log& log, Milliseconds drain, Milliseconds grace,
                   Hooks hooks)
    : loop_(loop),
      log_(log),
      drain_(drain),
      grace_(grace),
      hooks_(std::move(hooks)),
      signals_(loop),
      launcher_(loop),
      deadline_(loop) {}

void Lifetime::watch_signals() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  struct sigaction before {};
  ::sigaction(SIGHUP, nullptr, &before);
  signals_.add(SIGHUP);
  // Whoever starts it with nohup means it to outlive the terminal.
  had_terminal_ = before.sa_handler != SIG_IGN && has_terminal();
  wait_for_signal();
}

void Lifetime::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    take_signal(signal);
    wait_for_signal();
  });
}

void Lifetime::take_signal(int signal) {
  const std::string name = std::string("SIG") + ::sigabbrev_np(signal);
  const bool is_reload = signal == SIGHUP && hooks_.reload && !(had_terminal_ && !has_terminal());
  if (is_reload) {
    if (!is_ending_) return hooks_.reload();
    log_.info("no reload: the server is ending");
  } else if (is_ending_) {
    force("a second signal (" + name + ")");
  } else {
    end(name, drain_);
  }
}

void Lifetime::watch_launcher(int pidfd) {
  const long pid = process_of(pidfd);
  if (pid == 0) {
    throw std::runtime_error("descriptor " + std::to_string(pidfd) +
                             " (--launcher-pidfd) is not a pidfd");
  }
  ::fcntl(pidfd, F_SETFD, FD_CLOEXEC);
  launcher_.assign(pidfd);
  launcher_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error == boost::asio::error::operation_aborted) return;
                         end("the launcher is gone", Milliseconds(0));
                       });
  log_.debug("ends with its launcher, pid " + std::to_string(pid));
}

void Lifetime::end(const std::string& reason, Milliseconds patience) {
  if (is_ending_) {
    if (boost::asio::steady_timer::clock_type::now() + patience + grace_ < deadline_.expiry()) {
      arm(patience);
    }
    return;
  }
  is_ending_ = true;
  log_.info("ending: " + reason);
  arm(patience);
  hooks_.begin_end(patience);
}

void Lifetime::arm(Milliseconds patience) {
  deadline_.expires_after(patience + grace_);
  deadline_.async_wait([this](const boost::system::error_code& error) {
    if (!error) force("calls or threads did not end within the end grace");
  });
}

void Lifetime::force(const std::string& reason) {
  log_.error("ended at once: " + reason);
  hooks_.end_now();
}

void Lifetime::finished() {
  deadline_.cancel();
  loop_.stop();
}

}  // namespace cppipc::server
