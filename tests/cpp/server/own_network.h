// SPDX-License-Identifier: Apache-2.0
#pragma once
// A network that nothing but a test is in, to listen on all of its interfaces.

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

#include "server/socket_file.h"

namespace cppipc::server {

// Runs `body` on a thread that has a network of its own, with a loopback interface. False if the
// system does not let this user make one.
template <class Body>
bool in_own_network(Body body) {
  bool is_there = false;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) return;
    const OwnedFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    is_there = ::ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0;
    if (is_there) body();
  }).join();
  return is_there;
}

}  // namespace cppipc::server
