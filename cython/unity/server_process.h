// SPDX-License-Identifier: Apache-2.0
#pragma once
// A private server: the process that unity.launch() starts and a session ends.
//
// The process leads a session of its own, so no terminal signals it. It gets three descriptors
// and no others: its standard streams (what it prints lands in a memory file), one end of the
// session's socket as 3, and a pidfd of its launcher as 4.

#include <cppipc/error.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <utility>
#include <vector>
#include "backtrace_names.h"

#include "descriptor.h"

namespace unity {

inline constexpr int kServerSocketFd = 3;
inline constexpr int kServerLauncherFd = 4;

// Owns: the process until it is reaped. Threads: all methods from any thread; none uses Python.
class ServerProcess {
 public:
  // Starts `arguments[0]`, a path. `*socket_fd` becomes the caller's end of the session's socket,
  // which the caller owns. Errors: std::system_error with the errno of the start, e.g. ENOENT or
  // EACCES.
  static std::shared_ptr<ServerProcess> start(const std::vector<std::string>& arguments,
                                              int* socket_fd) {
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    Descriptor ours(ends[0]), theirs(ends[1]);
    Descriptor output(memfd_create("unity_server output", MFD_CLOEXEC));
    check(fcntl(output.get(), F_SETFL, O_APPEND));
    Descriptor launcher(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
    const pid_t pid = spawn(arguments, theirs.get(), output.get(), launcher.get());
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) {
      const int error = errno;
      kill(-pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      throw std::system_error(error, std::generic_category(), "opening its pidfd, a descriptor");
    }
    Descriptor process(pidfd);
    std::shared_ptr<ServerProcess> started(
        new ServerProcess(pid, std::move(process), std::move(output)), &ServerProcess::let_go);
    *socket_fd = ours.release();
    return started;
  }

  pid_t pid() const { return pid_; }

  // Whether the process has ended; waits for that up to `timeout_s` seconds.
  bool has_ended(double timeout_s = 0) const {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::duration<double>(timeout_s);
    for (;;) {
      const double left = std::chrono::duration<double>(deadline - Clock::now()).count();
      pollfd entry{process_.get(), POLLIN, 0};
      const int ready = poll(&entry, 1, left <= 0 ? 0 : static_cast<int>(left * 1000) + 1);
      if (ready > 0) return true;
      if (ready == 0 || left <= 0) return false;  // else a signal came: go on
    }
  }

  // Waits up to `patience_s` seconds for the process to end by itself, then kills it with
  // everything it has started; leaves no zombie. Twice is fine.
  void finish(double patience_s) {
    if (!has_ended(patience_s)) kill(-pid_, SIGKILL);
    has_ended(kKillSeconds);
    reap(WNOHANG);
  }

  // How the process ended: its signal (0: none), and in words. Empty words: it has not ended.
  struct Ending {
    int signal = 0;
    std::string text;
  };
  Ending ending() {
    reap(WNOHANG | WNOWAIT);
    std::lock_guard lock(mutex_);
    return ending_;
  }

  // The last lines of what the process has printed, at most 32 and 8 KiB, with readable names.
  std::string last_lines() const {
    constexpr off_t kBytesMax = 8192;
    constexpr int kLinesMax = 32;
    struct stat status {};
    if (fstat(output_.get(), &status) != 0 || status.st_size == 0) return {};
    const off_t start = std::max<off_t>(0, status.st_size - kBytesMax);
    std::string text(static_cast<std::size_t>(status.st_size - start), '\0');
    const ssize_t size = pread(output_.get(), text.data(), text.size(), start);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    drop_announcements(text);
    while (text.ends_with('\n')) text.pop_back();
    std::size_t from = text.size();
    for (int line = 0; line < kLinesMax && from != std::string::npos && from > 0; ++line) {
      from = text.rfind('\n', from - 1);
    }
    if (from != std::string::npos && from != 0) text.erase(0, from + 1);
    return with_readable_names(text);
  }

  // What a lost connection means: kServerCrashed with the signal in `error_number` and the last
  // lines in the text if the process was killed; nullopt if it lives on.
  std::optional<cppipc::Error> explain_loss() {
    if (!has_ended(kDyingSeconds)) return std::nullopt;
    const Ending end = ending();
    const std::string lines = last_lines();
    cppipc::Error error(cppipc::ErrorKind::kServerCrashed,
                        "the server (process " + std::to_string(pid_) + ") " +
                            (end.text.empty() ? "ended" : end.text) +
                            (lines.empty() ? "" : "\nits last lines:\n" + lines));
    error.error_number = end.signal;
    return error;
  }

 private:
  // Takes out what the server prints for whoever waits for its start: the log says it as well.
  static void drop_announcements(std::string& text) {
    constexpr std::string_view kAnnouncement = "listening on ";
    for (std::size_t line = 0; line < text.size();) {
      const std::size_t next = std::min(text.find('\n', line), text.size() - 1) + 1;
      if (std::string_view(text).substr(line).starts_with(kAnnouncement)) {
        text.erase(line, next - line);
      } else {
        line = next;
      }
    }
  }

  static constexpr double kDyingSeconds = 1.0;   // from its sockets' end to the process's end
  static constexpr double kKillSeconds = 10.0;   // from SIGKILL to the end
  static constexpr double kOrphanSeconds = 5.0;  // for a server whose session was just dropped

  ServerProcess(pid_t pid, Descriptor process, Descriptor output)
      : pid_(pid), process_(std::move(process)), output_(std::move(output)) {}

  // Deletes the object; a process that was not finished is waited for by a thread of its own.
  static void let_go(ServerProcess* process) {
    std::unique_ptr<ServerProcess> owned(process);
    if (owned->is_child_of_another()) {
      owned.release();  // the launcher's forked child: nothing here is its own
      return;
    }
    owned->reap(WNOHANG);
    if (owned->is_reaped_) return;
    std::thread([orphan = std::move(owned)] { orphan->finish(kOrphanSeconds); }).detach();
  }

  bool is_child_of_another() const { return launcher_pid_ != getpid(); }

  static void check(int result) {
    if (result >= 0) return;
    throw std::system_error(errno, std::generic_category(), "opening its descriptors");
  }

  static pid_t spawn(const std::vector<std::string>& arguments, int socket_fd, int output_fd,
                     int launcher_fd) {
    // Above the numbers that they get in the server, so that no dup2() there hits another.
    const Descriptor null_in(
        fcntl(Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)).get(), F_DUPFD_CLOEXEC, 10));
    const Descriptor out(fcntl(output_fd, F_DUPFD_CLOEXEC, 10));
    const Descriptor socket(fcntl(socket_fd, F_DUPFD_CLOEXEC, 10));
    const Descriptor launcher(fcntl(launcher_fd, F_DUPFD_CLOEXEC, 10));

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, null_in.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, out.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, out.get(), 2);
    posix_spawn_file_actions_adddup2(&actions, socket.get(), kServerSocketFd);
    posix_spawn_file_actions_adddup2(&actions, launcher.get(), kServerLauncherFd);
    posix_spawn_file_actions_addclosefrom_np(&actions, kServerLauncherFd + 1);

    // Python ignores SIGPIPE and whoever launches may block signals: the server starts clean.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(
        &attributes,
        static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.data()));
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error(error, std::generic_category(), arguments[0]);
    return pid;
  }

  // waitid() with `options`; notes how the process ended, if it has.
  void reap(int options) {
    std::lock_guard lock(mutex_);
    if (is_reaped_) return;
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | options) != 0) {
      if (errno == ECHILD) is_reaped_ = true;  // somebody else did, or SIGCHLD is ignored
      return;
    }
    if (info.si_pid == 0) return;
    is_reaped_ = (options & WNOWAIT) == 0;
    if (info.si_code == CLD_EXITED) {
      ending_ = {0, "exited with status " + std::to_string(info.si_status)};
    } else {
      const char* name = sigabbrev_np(info.si_status);
      ending_ = {info.si_status, "was killed by " + (name ? "SIG" + std::string(name)
                                                          : std::to_string(info.si_status))};
    }
  }

  const pid_t pid_;
  const pid_t launcher_pid_ = getpid();
  const Descriptor process_;  // a pidfd
  const Descriptor output_;   // a memory file
  std::mutex mutex_;          // guards what follows
  bool is_reaped_ = false;
  Ending ending_;
};

}  // namespace unity
