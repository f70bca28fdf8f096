// SPDX-License-Identifier: Apache-2.0
// The only file that includes Boost.Beast, which takes its time to compile.
//
// A connection reads a header, replies, and reads the next one: never two at a time, so that a
// client that sends a thousand requests and reads nothing makes one reply. A request with a body
// is refused and ends the connection, as does one that cannot be understood; before the end, what
// the client is still sending is read and dropped for a while, since a socket that is closed with
// unread bytes would take the reply away from its reader.
#include "server/status_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace cppipc::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;

constexpr std::size_t kLingerBytes = 1 << 20;

bool is_of_http(const error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

std::string_view as_view(beast::string_view text) { return {text.data(), text.size()}; }

int family_of(int fd) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

}  // namespace

// What connections have in common, and may need after the server is gone.
struct StatusServer::Shared {
  StatusPages pages;
  Log& log;
  const StatusLimits limits;
  unsigned open = 0;
  std::function<void()> freed = {};  // a connection has ended; empty once the server is gone
};

class StatusServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& loop, std::shared_ptr<Shared> shared)
      : stream_(loop), shared_(std::move(shared)), buffer_(2 * shared_->limits.header_bytes) {
    ++shared_->open;
  }
  ~Connection() {
    --shared_->open;
    if (shared_->freed) shared_->freed();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes the socket. Errors: boost::system::system_error.
  void begin(OwnedFd socket) {
    stream_.socket().assign(Protocol(family_of(socket.get()), 0), socket.get());
    socket.release();
    read();
  }

 private:
  void read() {
    parser_.emplace();
    parser_->header_limit(shared_->limits.header_bytes);
    parser_->body_limit(~std::uint64_t{0});  // of a body nothing is read, whatever its size
    stream_.expires_after(shared_->limits.patience);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              self->has_read(error);
                            });
  }

  void has_read(const error_code& error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return refuse(plain_reply(431, "the header of the request is too long"));
    }
    if (error == http::error::end_of_stream || (error && !is_of_http(error))) return;  // it left
    if (error) return refuse(plain_reply(400, "this is no HTTP/1.1 request: " + error.message()));
    answer();
  }

  void answer() {
    const auto& request = parser_->get();
    const bool has_body = !parser_->is_done();
    const std::size_t hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
      return refuse(plain_reply(400, "a request has one Host header"));
    }
    StatusReply reply;
    try {
      reply = shared_->pages.reply(as_view(request.method_string()), as_view(request.target()),
                                   as_view(request[http::field::host]));
    } catch (const std::exception& failure) {
      shared_->log.error(std::string("the status endpoint cannot answer: ") + failure.what());
      return refuse(plain_reply(500, "the figures cannot be read; the server's log says why"));
    }
    if (has_body && reply.status == 200) reply = plain_reply(400, "a request has no body here");
    write(reply, request.keep_alive() && !has_body, request.method() == http::verb::head);
  }

  void refuse(const StatusReply& reply) { write(reply, false, false); }

  void write(const StatusReply& reply, bool is_kept, bool is_head) {
    response_ = {};
    response_.version(parser_->is_header_done() ? parser_->get().version() : 11);
    response_.result(reply.status);
    response_.set(http::field::content_type, reply.type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set("Referrer-Policy", "no-referrer");
    response_.set("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : reply.headers) response_.set(name, value);
    response_.keep_alive(is_kept);
    response_.content_length(reply.body.size());
    if (!is_head) response_.body() = reply.body;
    stream_.expires_after(shared_->limits.patience);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), is_kept](const error_code& error, std::size_t) {
                        if (error) return;  // it left, or did not read in time
                        is_kept ? self->read() : self->linger();
                      });
  }

  // Reads and drops what still comes, until the client closes as well.
  void linger() {
    error_code error;
    stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
    if (error) return;
    stream_.expires_after(shared_->limits.patience);
    drop_more();
  }

  void drop_more() {
    stream_.async_read_some(asio::buffer(dropped_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                              self->dropped_bytes_ += size;
                              if (!error && self->dropped_bytes_ < kLingerBytes) self->drop_more();
                            });
  }

  beast::basic_stream<Protocol> stream_;
  const std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_;  // bounded
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
  std::array<char, 1'024> dropped_;
  std::size_t dropped_bytes_ = 0;
};

StatusServer::StatusServer(asio::io_context& loop, ListeningSocket socket,
                           const std::string& written, StatusSource source, Log& log,
                           const StatusLimits& limits)
    : loop_(loop),
      listener_(
          loop, std::move(socket), ::geteuid(),
          [this](OwnedFd accepted, const std::string&) { accept(std::move(accepted)); }, log),
      shared_(std::make_shared<Shared>(
          Shared{StatusPages(std::move(source), listener_.address(), written), log, limits})) {
  shared_->freed = [this] { listener_.go_on(); };
}

StatusServer::~StatusServer() { shared_->freed = nullptr; }

void StatusServer::start() { listener_.start(); }

std::string StatusServer::url() const {
  const std::string text = listener_.address().text();
  return listener_.address().is_tcp() ? "http://" + text.substr(4) + "/" : text;
}

void StatusServer::accept(OwnedFd socket) {
  const auto connection = std::make_shared<Connection>(loop_, shared_);
  connection->begin(std::move(socket));
  if (shared_->open >= shared_->limits.connections) listener_.hold();
}

}  // namespace cppipc::server
