// SPDX-License-Identifier: Apache-2.0
// Everything the signal handler calls is async-signal-safe: write, poll, fcntl, fstat, sigaction,
// raise, and backtrace_symbols_fd, which allocates nothing once libgcc has been loaded
// (install_crash_handler does that by taking one backtrace ahead).
#include "server/crash.h"

#include <cxxabi.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>
#include <typeinfo>

#include "server/call_history.h"

namespace cppipc::server {
namespace {

struct CrashSignal {
  int number;
  const char* name;
};
constexpr std::array<CrashSignal, 5> kCrashSignals{{{SIGSEGV, "SIGSEGV"},
                                                    {SIGBUS, "SIGBUS"},
                                                    {SIGFPE, "SIGFPE"},
                                                    {SIGILL, "SIGILL"},
                                                    {SIGABRT, "SIGABRT"}}};
// As many as fit into the last lines of the log that a launcher shows; what lies deeper is the
// host's own way to a method. The first one is the handler's.
constexpr int kFramesMax = 16;
constexpr int kFramesSkipped = 1;
constexpr std::size_t kStackBytes = 64 << 10;

std::atomic<int> crash_log{-1};
std::atomic<pid_t> crashing_thread{0};

const char* name_of(int signal) {
  for (const CrashSignal& known : kCrashSignals) {
    if (known.number == signal) return known.name;
  }
  return "an unknown signal";
}

// A line put together without allocating. Longer text is cut.
class Line {
 public:
  Line& operator<<(const char* text) {
    const std::size_t length = std::min(std::strlen(text), sizeof(text_) - 1 - size_);
    std::memcpy(text_ + size_, text, length);
    size_ += length;
    return *this;
  }
  Line& operator<<(const void* address) {
    return *this << "0x" << Number{reinterpret_cast<std::uintptr_t>(address), 16};
  }
  Line& operator<<(std::uint64_t value) { return *this << Number{value, 10}; }
  // Writes the line and its end.
  void write_to(int fd) {
    text_[size_] = '\n';
    std::size_t done = 0;
    while (done < size_ + 1) {
      const ssize_t written = ::write(fd, text_ + done, size_ + 1 - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      done += static_cast<std::size_t>(written);
    }
  }

 private:
  struct Number {
    std::uint64_t value;
    unsigned base;
  };
  Line& operator<<(Number number) {
    char digits[24];
    char* end = digits + sizeof(digits) - 1;
    *end = '\0';
    do {
      *--end = "0123456789abcdef"[number.value % number.base];
      number.value /= number.base;
    } while (number.value != 0);
    return *this << end;
  }

  char text_[512];
  std::size_t size_ = 0;
};

// A pipe that nobody reads must not keep a crashed process alive.
void never_wait_for(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  if (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode)) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void report_calls(int fd) {
  call_history().for_each_latest([fd](const CallHistory::Call& call) {
    Line line;
    line << (call.is_own       ? "unity_server: crashed in "
             : call.is_running ? "unity_server: running: "
                               : "unity_server: before that: ")
         << call.name << " (session " << call.session << ")";
    if (call.file[0] != '\0') line << " of extension " << call.file;
    line.write_to(fd);
  });
}

void report_crash(int fd, int signal, const siginfo_t* info, void* const* frames, int count) {
  never_wait_for(fd);
  Line line;
  line << "unity_server: crashed with " << name_of(signal);
  if (signal != SIGABRT && info->si_code > 0) {  // raised by the processor, not by kill()
    line << "\nunity_server: fault at address " << info->si_addr;
  }
  line.write_to(fd);
  report_calls(fd);
  Line heading;
  heading << "unity_server: backtrace:";
  heading.write_to(fd);
  if (count > 0) ::backtrace_symbols_fd(frames, count, fd);
}

// Ends the process by `signal`, as if nobody had handled it.
void die_by(int signal) {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(signal, &plain, nullptr);
  sigset_t only_this;
  sigemptyset(&only_this);
  sigaddset(&only_this, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only_this, nullptr);
  ::raise(signal);
}

void on_crash(int signal, siginfo_t* info, void*) {
  const pid_t self = static_cast<pid_t>(::syscall(SYS_gettid));
  pid_t nobody = 0;
  if (!crashing_thread.compare_exchange_strong(nobody, self)) {
    if (nobody == self) die_by(signal);  // the report itself crashed
    for (;;) ::pause();                  // another thread reports and ends the process
  }
  void* taken[kFramesSkipped + kFramesMax];
  const int count = ::backtrace(taken, kFramesSkipped + kFramesMax) - kFramesSkipped;
  void* const* frames = taken + kFramesSkipped;
  report_crash(STDERR_FILENO, signal, info, frames, count);
  const int log = crash_log.load();
  if (log >= 0) report_crash(log, signal, info, frames, count);
  die_by(signal);
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

// Type and text of the exception that nobody caught; empty if there is none.
std::string uncaught_exception_text() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return {};
  std::string text = demangled(type->name());
  try {
    throw;
  } catch (const std::exception& error) {
    text += std::string(": ") + error.what();
  } catch (...) {
    text += " (not a std::exception)";  // its type is all there is to say
  }
  return text;
}

[[noreturn]] void on_terminate() {
  const std::string what = uncaught_exception_text();
  Line line;
  line << "unity_server: terminated";
  if (!what.empty()) line << " by an uncaught exception: " << what.c_str();
  const int log = crash_log.load();
  for (const int fd : {STDERR_FILENO, log}) {
    if (fd < 0) continue;
    never_wait_for(fd);
    line.write_to(fd);
  }
  std::abort();
}

// Owns: one thread's signal stack, with a page below that faults when even that is too small;
// nothing if the thread had one already.
class CrashStack {
 public:
  CrashStack() {
    stack_t present{};
    if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    bytes_ = kStackBytes + page;
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) return;
    ::mprotect(memory_, page, PROT_NONE);
    stack_t stack{};
    stack.ss_sp = static_cast<std::byte*>(memory_) + page;
    stack.ss_size = kStackBytes;
    ::sigaltstack(&stack, nullptr);
  }
  ~CrashStack() {
    if (memory_ == MAP_FAILED) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
    ::munmap(memory_, bytes_);
  }
  CrashStack(const CrashStack&) = delete;
  CrashStack& operator=(const CrashStack&) = delete;

 private:
  void* memory_ = MAP_FAILED;
  std::size_t bytes_ = 0;
};

}  // namespace

void install_crash_handler() {
  void* frame = nullptr;
  ::backtrace(&frame, 1);  // loads what later backtraces need
  use_crash_stack();
  std::set_terminate(&on_terminate);
  struct sigaction action {};
  action.sa_sigaction = &on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (const CrashSignal& signal : kCrashSignals) {
    if (::sigaction(signal.number, &action, nullptr) != 0) {
      throw std::system_error(errno, std::generic_category(), "sigaction");
    }
  }
}

void set_crash_log(int fd) { crash_log.store(fd); }
void forget_crash_log(int fd) { crash_log.compare_exchange_strong(fd, -1); }

void use_crash_stack() noexcept {
  thread_local CrashStack stack;
  static_cast<void>(stack);
}

}  // namespace cppipc::server
