// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the server leaves behind when it crashes: one line with the signal, and a backtrace.

namespace cppipc::server {

// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write `unity_server: crashed with
// SIGSEGV`, the latest calls (call_history.h) and a backtrace to stderr (and to the log file, see
// set_crash_log), and then end the process by that same signal, so that its parent sees it.
// std::terminate first writes the type and text of the exception. Call once, early in main().
// Threads: from the main thread. Errors: std::system_error.
void install_crash_handler();

// A second descriptor to write a crash to; -1 for none. Does not own it. Threads: any.
void set_crash_log(int fd);
// No second descriptor any more, unless it is another one by now. Threads: any.
void forget_crash_log(int fd);

// Gives the calling thread a signal stack of its own for the rest of its life, so that even an
// overflow of its stack is reported. Cheap when called again. Threads: any; does nothing where
// there is no memory for it, since the handler works without.
void use_crash_stack() noexcept;

}  // namespace cppipc::server
