// SPDX-License-Identifier: Apache-2.0
#include "rpc/poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace cppipc {
namespace {

constexpr std::size_t kEventsMax = 64;

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  check(epoll_.get(), "epoll_create1");
  wake_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  check(wake_.get(), "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeTag;
  check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event), "epoll_ctl");
}

void Poller::add(int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.u64 = tag;
  check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void Poller::remove(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Poller::want_write(int fd, std::uint64_t tag, bool is_wanted) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  if (is_wanted) event.events |= EPOLLOUT;
  event.data.u64 = tag;
  // ENOENT: the socket was removed meanwhile; there is nobody left to write for.
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) < 0 && errno != ENOENT) {
    check(-1, "epoll_ctl");
  }
}

void Poller::wake() noexcept {
  const std::uint64_t one = 1;
  // EAGAIN means the counter is full: the wake-up is on its way already.
  (void)!::write(wake_.get(), &one, sizeof one);
}

int Poller::wait_raw(void* raw, int count, int timeout_ms) {
  auto* events = static_cast<epoll_event*>(raw);
  if (timeout_ms != 0) {
    const auto budget = spin_.budget();
    if (budget.count() > 0) {
      const auto until = Spin::Clock::now() + budget;
      do {
        const int found = epoll_wait(epoll_.get(), events, count, 0);
        if (found != 0) {
          spin_.found();
          return found;
        }
      } while (Spin::Clock::now() < until);
      spin_.slept();
    }
  }
  return epoll_wait(epoll_.get(), events, count, timeout_ms);
}

std::size_t Poller::wait(std::span<PollEvent> events, int timeout_ms) {
  std::array<epoll_event, kEventsMax> raw;
  const int count =
      wait_raw(raw.data(), static_cast<int>(std::min(events.size(), kEventsMax)), timeout_ms);
  if (count < 0) {
    if (errno == EINTR) return 0;
    check(count, "epoll_wait");
  }
  std::size_t used = 0;
  for (int i = 0; i < count; ++i) {
    if (raw[i].data.u64 == kWakeTag) {
      std::uint64_t value = 0;
      (void)!::read(wake_.get(), &value, sizeof value);
      continue;
    }
    const bool is_ended = (raw[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    events[used++] = {raw[i].data.u64, is_ended || (raw[i].events & EPOLLIN) != 0,
                      (raw[i].events & EPOLLOUT) != 0, is_ended};
  }
  return used;
}

}  // namespace cppipc
