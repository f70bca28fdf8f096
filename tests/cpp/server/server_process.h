// SPDX-License-Identifier: Apache-2.0
#pragma once
// The shipped server as a child process of a test.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "server/socket_file.h"

namespace cppipc::server {

inline constexpr std::chrono::seconds kPatience{30};

struct StreamPair {
  OwnedFd mine;
  OwnedFd theirs;
};

inline StreamPair make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

inline StreamPair make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error("socketpair");
  }
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

inline OwnedFd open_pidfd(pid_t pid) {
  return OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Whether `fd` becomes readable (or closed by the other side) before the deadline.
inline bool is_readable_in_time(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience);
  return ::poll(&wanted, 1, static_cast<int>(patience.count())) == 1;
}

// Waits until `condition` holds. Returns whether it did before the deadline.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

// Owns: the process, which is killed at the end if it still runs, and the reading ends of its
// stdout and stderr.
class ServerProcess {
 public:
  struct Setup {
    std::vector<int> inherited = {};  // descriptors the server gets, by their numbers
    std::vector<int> closed = {};     // descriptors it does not get, such as 0, 1, 2
    std::string stdout_path = {};     // instead of a pipe to the test
  };

  explicit ServerProcess(std::vector<std::string> arguments) : ServerProcess(arguments, Setup()) {}
  ServerProcess(std::vector<std::string> arguments, const Setup& setup) {
    arguments.insert(arguments.begin(), UNITY_SERVER_PATH);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    StreamPair out = make_pipe();
    StreamPair err = make_pipe();
    if (!setup.stdout_path.empty()) {
      out.theirs.reset(::open(setup.stdout_path.c_str(), O_WRONLY | O_CLOEXEC));
    }
    pid_ = ::fork();
    if (pid_ == 0) become_server(argv, out.theirs.get(), err.theirs.get(), setup);
    pidfd_ = open_pidfd(pid_);
    out_ = std::move(out.mine);
    err_ = std::move(err.mine);
  }
  ~ServerProcess() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  bool is_running() const {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0;
  }

  // The next line of stdout; empty at its end.
  std::string read_line() {
    std::string line;
    char c = 0;
    while (is_readable_in_time(out_.get()) && ::read(out_.get(), &c, 1) == 1 && c != '\n') {
      line.push_back(c);
    }
    return line;
  }

  // Waits for the end. Returns the exit code, or minus the signal that ended it.
  int wait() {
    if (!is_readable_in_time(pidfd_.get())) throw std::runtime_error("the server does not end");
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // All of stderr. After wait() only.
  std::string stderr_text() { return read_all(err_.get()); }
  std::string stdout_text() { return read_all(out_.get()); }

 private:
  [[noreturn]] static void become_server(const std::vector<char*>& argv, int out, int err,
                                         const Setup& setup) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    for (const int fd : setup.inherited) ::fcntl(fd, F_SETFD, 0);
    for (const int fd : setup.closed) ::close(fd);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  static std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t n; (n = ::read(fd, piece.data(), piece.size())) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

  pid_t pid_ = 0;
  OwnedFd pidfd_;
  OwnedFd out_;
  OwnedFd err_;
};

}  // namespace cppipc::server
