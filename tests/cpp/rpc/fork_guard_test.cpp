// SPDX-License-Identifier: Apache-2.0
#include "rpc/fork_guard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppipc::fork_guard_test {
namespace {

// The exit status of a child that runs `test`.
template <class Test>
int in_child(Test test) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(test());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ForkGuard, TheProcessThatMadeItIsNoChild) {
  const ForkGuard guard;
  EXPECT_FALSE(guard.is_child());
  in_child([] { return 0; });
  EXPECT_FALSE(guard.is_child());
}

TEST(ForkGuard, AChildAndItsChildrenKnow) {
  const ForkGuard guard;
  EXPECT_EQ(in_child([&] {
              const ForkGuard own;
              if (!guard.is_child() || own.is_child()) return 1;
              return in_child([&] { return guard.is_child() && own.is_child() ? 42 : 2; });
            }),
            42);
}

TEST(ForkGuard, TheGenerationGoesUpByOne) {
  const auto before = fork_generation();
  EXPECT_EQ(in_child([&] { return fork_generation() == before + 1 ? 42 : 1; }), 42);
  EXPECT_EQ(fork_generation(), before);
}

}  // namespace
}  // namespace cppipc::fork_guard_test
