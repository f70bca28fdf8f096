// SPDX-License-Identifier: Apache-2.0
// How a connection becomes a session. Opening it and giving it up exclude each other: whichever
// comes first decides, and the other finds out.
#include <cppipc/access.h>

#include "host/host_session.h"

namespace cppipc {
namespace {

// Answers that a client holds beyond twice its calls in flight: it says that it has finished with
// one when it sends something else, or moments later.
constexpr std::uint64_t kAnswersMore = 1'024;

}  // namespace

void HostSession::open(std::string_view token) {
  const Channel* channel = peer_->connection().channel();
  if (channel != nullptr && !channel->agreed().identity.empty()) {
    peer_identity_ = channel->agreed().identity;
    is_certified_ = true;
  }
  if (needs_token_) check_token(token);
  Opening expected = Opening::kPending;
  if (!opening_.compare_exchange_strong(expected, Opening::kOpen)) {
    throw Error(ErrorKind::kConnectionLost, "the session is over");
  }
  peer_->limit_messages(Peer::kNoLimit);
  peer_->limit_answers(2 * core_->options().limits.calls_in_flight + kAnswersMore);
  peer_->connection().set_message_bytes(core_->options().limits.message_bytes);
  const auto& opened = core_->options().session_opened;
  if (opened) opened(id_, peer_identity_);
}

bool HostSession::give_up() {
  Opening expected = Opening::kPending;
  return opening_.compare_exchange_strong(expected, Opening::kGivenUp) ||
         expected == Opening::kGivenUp;
}

void HostSession::check_token(std::string_view token) {
  const auto& known = core_->options().access_tokens;
  auto name = known && !token.empty() ? known->find(token) : std::nullopt;
  if (name) {
    const std::string holder = "access token '" + *name + "'";
    peer_identity_ = is_certified_ ? peer_identity_ + ", " + holder : holder;
    return;
  }
  const bool is_missing = token.empty();
  core_->log(HostOptions::LogLevel::kWarning,
             "refused a session of " + peer_name_ +
                 (is_missing ? ": it has no access token" : ": nobody has its access token"));
  throw Error(ErrorKind::kNotPermitted,
              is_missing ? "the server wants an access token, and was given none: "
                           "unity.connect(address, token=...), or the variable UNITY_TOKEN or "
                           "UNITY_TOKEN_FILE"
                         : "the server does not know this access token, or not any more: ask who "
                           "runs the server for one of its token file");
}

}  // namespace cppipc
