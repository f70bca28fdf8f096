// SPDX-License-Identifier: Apache-2.0
// fork() finds every lock of this room free: the forking thread takes them all before, in the order
// pools, index, mappings, and lets go of them after, in the parent and in the child.
//
// In the child, each mapping that can be written is replaced, at its address, by one that is
// private: of the same file, so that the parent's later writes show until the child touches a page;
// or, for arenas that are copied at a fork, by a copy of the pages in use, made before the fork by
// the thread that forks. Writes that other threads of the parent make meanwhile may or may not be
// in that copy; those of the forking thread are. Where there is no memory for a copy, the child has
// what it has without one. The pools of the child give nothing more out of what it inherited.
//
// A process made by vfork(), posix_spawn() or clone() runs no handlers, and has to exec.
#include "memory/fork.h"

#include <pthread.h>

#include "memory/address_index.h"
#include "memory/mapping.h"
#include "memory/pool.h"

namespace cppipc {
namespace {

void before_fork() {
  Pool::lock_all();
  address_index().lock();
  Mapping::mutex().lock();
  copy_mappings();
}

void after_fork_in_parent() {
  drop_copies();
  Mapping::mutex().unlock();
  address_index().unlock();
  Pool::unlock_all();
}

void after_fork_in_child() {
  leave_mappings_to_parent();
  Mapping::mutex().unlock();
  address_index().unlock();
  Pool::leave_all_to_parent();
  Pool::unlock_all();
}

}  // namespace

void watch_forks() {
  // The handlers live as long as the process: a library with threads is never unloaded.
  static const int registered =
      pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
  (void)registered;
}

}  // namespace cppipc
