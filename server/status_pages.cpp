// SPDX-License-Identifier: Apache-2.0
#include "server/status_pages.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "server/status_page.h"
#include "server/status_text.h"

namespace cppipc::server {
namespace {

constexpr std::string_view kNonce = "%NONCE%";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// A Host header without its port, and an IPv6 number without its brackets.
std::string name_of_host(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(1, host.find(']') - 1));
  return lower(host.substr(0, host.find(':')));
}

bool is_ip_number(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool is_loopback_number(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

// Good for one reply. Errors: std::system_error.
std::string make_nonce() {
  std::array<std::uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

StatusReply html_reply() {
  const std::string nonce = make_nonce();
  std::string body(status_page());
  for (auto at = body.find(kNonce); at != std::string::npos; at = body.find(kNonce, at)) {
    body.replace(at, kNonce.size(), nonce);
  }
  const std::string policy =
      "default-src 'none'; connect-src 'self'; img-src data:; style-src 'nonce-" + nonce +
      "'; script-src 'nonce-" + nonce +
      "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return {200, "text/html; charset=utf-8", std::move(body), {{"Content-Security-Policy", policy}}};
}

}  // namespace

StatusReply plain_reply(unsigned status, const std::string& text) {
  StatusReply reply;
  reply.status = status;
  reply.body = text + "\n";
  return reply;
}

StatusPages::StatusPages(StatusSource source, Address bound, std::string written)
    : source_(std::move(source)), bound_(std::move(bound)), written_(lower(written)) {}

bool StatusPages::is_own_host(std::string_view host) const {
  if (!bound_.is_tcp()) return true;
  const std::string name = name_of_host(host);
  if (name.empty()) return false;
  if (name == "localhost" || is_loopback_number(name)) return true;
  if (name == bound_.host || name == written_) return true;
  // Behind a number there is no name that could be made to lead elsewhere.
  return (bound_.host == "0.0.0.0" || bound_.host == "::") && is_ip_number(name);
}

StatusReply StatusPages::reply(std::string_view method, std::string_view target,
                               std::string_view host) const {
  if (method != "GET" && method != "HEAD") {
    StatusReply reply = plain_reply(405, "only GET and HEAD are answered here");
    reply.headers.emplace_back("Allow", "GET, HEAD");
    return reply;
  }
  // A target may be a whole URL, whose host then counts.
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {
    const std::size_t slash = std::min(target.find('/', kScheme.size()), target.size());
    host = target.substr(kScheme.size(), slash - kScheme.size());
    target = slash == target.size() ? "/" : target.substr(slash);
  }
  if (!host.empty() && !is_own_host(host)) {
    return plain_reply(403,
                       "this server does not go by the name in the Host header; use localhost, "
                       "the number of its address, or the host as it stands in --status");
  }
  return page(target.substr(0, target.find('?')));
}

StatusReply StatusPages::page(std::string_view path) const {
  if (path == "/") return html_reply();
  if (path == "/status.json") return {200, "application/json", json_text(source_()), {}};
  if (path == "/metrics") {
    return {200, "text/plain; version=0.0.4; charset=utf-8", prometheus_text(source_()), {}};
  }
  if (path == "/healthz") {
    return source_().is_draining ? plain_reply(503, "draining") : plain_reply(200, "ok");
  }
  return plain_reply(404, "nothing here; there are /, /healthz, /metrics and /status.json");
}

}  // namespace cppipc::server
