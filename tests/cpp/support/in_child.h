// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace cppipc::test {

// The exit status of a forked child that runs `test`; -1 if a signal ended it, or none came to be.
template <class Test>
int in_child(Test test) {
  const pid_t child = ::fork();
  if (child < 0) return -1;
  if (child == 0) ::_exit(test());
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace cppipc::test
