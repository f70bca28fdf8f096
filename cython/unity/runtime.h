// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the seam has to know of the Python process it lives in: forks, the interpreter's end,
// Ctrl-C, and Python objects that C++ keeps alive.
//
// C++ threads never take the GIL. What they leave behind (objects to release, calls whose
// callbacks are due) lies in queues that Python threads empty.

#include <Python.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace unity {

// Thrown through a wait when a Python signal handler has raised. The exception itself is set in
// the Python state of the thread that waits.
struct Interrupted {};

// There is one, in the module _runtime, which is never destroyed.
class Runtime {
 public:
  Runtime() {
    instance_ = this;
    pthread_atfork(nullptr, nullptr, &Runtime::child_begins);
  }

  // Differs in a forked child from what it was in the parent.
  std::uint32_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }

  // From now on threads that come back from a wait are parked. Cannot be undone.
  void begin_exit() noexcept { is_exiting_.store(true, std::memory_order_seq_cst); }
  bool is_exiting() const noexcept { return is_exiting_.load(std::memory_order_acquire); }

  // Never returns on other threads than the main one once the interpreter is ending: they must
  // not take the GIL any more, and nobody waits for them. Call it without the GIL.
  void park_if_exiting() const noexcept {
    if (is_exiting() && !is_main_thread()) {
      for (;;) pause();
    }
  }

  // Runs Python's signal handlers if this is the main thread, which has released the GIL.
  // Errors: Interrupted.
  void check_interrupt() const {
    if (!is_main_thread()) return;
    const PyGILState_STATE state = PyGILState_Ensure();
    const int result = PyErr_CheckSignals();
    PyGILState_Release(state);
    if (result < 0) throw Interrupted{};
  }

  // A share of a Python object for C++, which may drop it on any thread in any state. The
  // object itself is released when the GIL is next held here. Call it with the GIL.
  std::shared_ptr<const void> keep(PyObject* object) {
    Py_INCREF(object);
    return std::shared_ptr<Kept>(new Kept{object, nullptr}, [this](Kept* kept) { drop(kept); });
  }

  // What calls Python callables for C++ (see PythonFunction). Set it before the first is sent.
  void set_run_function(void* run) noexcept { run_function_.store(run); }
  void* run_function() const noexcept { return run_function_.load(); }

  // How tasks get to the thread "unity-callback"; good in this process, not in forked children.
  using Post = std::function<void(std::function<void()>)>;
  // `release` has it release what was dropped, in a moment.
  void set_callback_thread(Post post, std::function<void()> release) {
    const std::lock_guard lock(post_mutex_);
    post_ = std::move(post);
    release_ = std::move(release);
    post_generation_.store(generation(), std::memory_order_release);
  }
  // Whether callables can be called: that thread runs in this process.
  bool can_call() const noexcept {
    return run_function_.load() != nullptr &&
           post_generation_.load(std::memory_order_acquire) == generation();
  }
  // Runs a task on that thread; without one it is dropped. Without the GIL or with it.
  void run_on_callback_thread(std::function<void()> task) {
    if (!can_call()) return;
    const std::lock_guard lock(post_mutex_);
    post_(std::move(task));
  }
  // Has what C++ dropped released, even while the main thread is busy.
  void release_elsewhere() {
    if (!has_dropped() || !can_call()) return;
    const std::lock_guard lock(post_mutex_);
    release_();
  }

  bool has_dropped() const noexcept { return dropped_.load(std::memory_order_relaxed) != nullptr; }

  // Releases the objects that C++ has dropped. Call it with the GIL; runs their finalisers.
  void release_dropped() {
    Kept* kept = dropped_.exchange(nullptr, std::memory_order_acquire);
    while (kept != nullptr) {
      Kept* next = kept->next;
      Py_DECREF(kept->object);
      delete kept;
      kept = next;
    }
  }

 private:
  struct Kept {
    PyObject* object;
    Kept* next;
  };

  static void child_begins() { instance_->generation_.fetch_add(1, std::memory_order_relaxed); }
  static int release_pending(void* self) {
    static_cast<Runtime*>(self)->release_dropped();
    return 0;
  }

  // In a forked child this is the thread that forked, as Python sees it too.
  static bool is_main_thread() noexcept { return syscall(SYS_gettid) == getpid(); }

  void drop(Kept* kept) noexcept {
    Kept* head = dropped_.load(std::memory_order_relaxed);
    do {
      kept->next = head;
    } while (!dropped_.compare_exchange_weak(head, kept, std::memory_order_release,
                                             std::memory_order_relaxed));
    // Needs no GIL. If its queue is full, the next use of the seam releases the object.
    if (head == nullptr && !is_exiting()) Py_AddPendingCall(&Runtime::release_pending, this);
  }

  // Each extension module has its own copy of this; only that of _runtime is used.
  static inline Runtime* instance_ = nullptr;
  std::atomic<std::uint32_t> generation_{0};
  std::atomic<bool> is_exiting_{false};
  std::atomic<Kept*> dropped_{nullptr};
  std::atomic<void*> run_function_{nullptr};
  std::mutex post_mutex_;
  Post post_;
  std::function<void()> release_;
  std::atomic<std::uint32_t> post_generation_{~std::uint32_t{0}};  // in which post_ is good
};

}  // namespace unity
