// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the status endpoint answers, apart from how it crosses a socket.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/address.h"
#include "server/status_figures.h"

namespace cppipc::server {

struct StatusReply {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // more than those of each reply
};

// A reply with a text for people.
StatusReply plain_reply(unsigned status, const std::string& text);

using StatusSource = std::function<StatusFigures()>;

// The pages of one listener. Threads: one at a time.
class StatusPages {
 public:
  // `source` is asked when somebody wants figures, and only then. `bound` is where it listens, and
  // `written` the host that the user wrote, which may be a name.
  StatusPages(StatusSource source, Address bound, std::string written);

  // `host` is the Host header, or that of the target; empty if there is none.
  StatusReply reply(std::string_view method, std::string_view target, std::string_view host) const;

  // Whether a browser that says it wants `host` means this server, and not a name of a foreign
  // page's that leads here. On a Unix socket, where no browser comes, everything is.
  bool is_own_host(std::string_view host) const;

 private:
  StatusReply page(std::string_view path) const;

  const StatusSource source_;
  const Address bound_;
  const std::string written_;
};

}  // namespace cppipc::server
