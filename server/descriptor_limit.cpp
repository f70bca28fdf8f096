// SPDX-License-Identifier: Apache-2.0
#include "server/descriptor_limit.h"

#include <sys/resource.h>

namespace cppipc::server {

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1'024;  // what Linux gives
  rlimit higher = limit;
  higher.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &higher) == 0 ? higher.rlim_cur : limit.rlim_cur;
}

}  // namespace cppipc::server
