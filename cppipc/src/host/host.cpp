// SPDX-License-Identifier: Apache-2.0
#include <cppipc/host.h>

#include "host/host_impl.h"

namespace cppipc {

class Host::Impl {
 public:
  Impl(const Registry& registry, HostOptions options)
      : core(std::make_shared<HostCore>(registry, std::move(options))) {
    core->start();
  }
  ~Impl() { core->shut_down(); }

  const std::shared_ptr<HostCore> core;
};

Host::Host(const Registry& registry, HostOptions options)
    : impl_(std::make_unique<Impl>(registry, std::move(options))) {}

Host::~Host() = default;

std::uint64_t Host::adopt(int socket_fd, const std::string& peer, const Admission& admission) {
  return impl_->core->adopt(socket_fd, peer, admission);
}

bool Host::end_pending(std::uint64_t session, const std::string& reason) {
  return impl_->core->end_pending(session, reason);
}

std::vector<std::string> Host::add(LoadedExtension extension) {
  return impl_->core->add(std::move(extension));
}

bool Host::stop(std::chrono::milliseconds patience) { return impl_->core->stop(patience); }

HostStats Host::stats() const { return impl_->core->stats(); }

std::vector<SessionStats> Host::sessions(std::size_t most) const {
  return impl_->core->session_stats(most);
}

}  // namespace cppipc
