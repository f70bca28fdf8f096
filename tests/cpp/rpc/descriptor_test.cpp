// SPDX-License-Identifier: Apache-2.0
#include "rpc/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

#include "support/leak_check.h"

namespace cppipc::descriptor_test {
namespace {

using DescriptorTest = test::LeakCheck;

int any_file() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST_F(DescriptorTest, ItClosesWhatItOwns) {
  int fd = -1;
  {
    const Descriptor owned(any_file());
    fd = owned.get();
    EXPECT_TRUE(owned);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST_F(DescriptorTest, AnEmptyOneOwnsNothing) {
  const Descriptor empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty.get(), -1);
}

TEST_F(DescriptorTest, MovingLeavesOneOwner) {
  Descriptor first(any_file());
  const int fd = first.get();
  Descriptor second(std::move(first));
  EXPECT_FALSE(first);
  EXPECT_EQ(second.get(), fd);
  first = std::move(second);
  EXPECT_EQ(first.get(), fd);
  EXPECT_TRUE(is_open(fd));
}

TEST_F(DescriptorTest, AReleasedOneStaysOpen) {
  Descriptor owned(any_file());
  const int fd = owned.release();
  EXPECT_FALSE(owned);
  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

}  // namespace
}  // namespace cppipc::descriptor_test
