// SPDX-License-Identifier: Apache-2.0
#include "server/token_file.h"

#include <cppipc/error.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "server/socket_file.h"

namespace cppipc::server {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;
constexpr std::string_view kBlanks = " \t\r";

// The content of the file; wiped from memory at the end.
class Secret {
 public:
  Secret() { text_.reserve(kBytesMax + 1); }  // so that it never moves
  ~Secret() { ::explicit_bzero(text_.data(), text_.size()); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  std::string& text() { return text_; }

 private:
  std::string text_;
};

// The same of what was read off it.
class Tokens {
 public:
  Tokens() = default;
  ~Tokens() {
    for (AccessToken& token : list_) ::explicit_bzero(token.token.data(), token.token.size());
  }
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;
  std::vector<AccessToken>& list() { return list_; }

 private:
  std::vector<AccessToken> list_;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  void read(Secret& secret) const {
    // A pipe or a device of that name is looked at, and not waited for.
    const OwnedFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) fail(std::generic_category().message(errno));
    check(file.get());
    std::string& text = secret.text();
    text.resize(kBytesMax + 1);
    std::size_t size = 0;
    while (size < text.size()) {
      const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(std::generic_category().message(errno));
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    if (size > kBytesMax) fail("it has more than 1 MiB");
    text.resize(size);
  }

  void parse(std::string_view text, Tokens& tokens) const {
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      parse_line(text.substr(at, end - at), ++number, tokens);
      at = end + 1;
    }
    if (tokens.list().empty()) fail("there is no token in it");
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error("token file '" + path_ + "': " + why);
  }

 private:
  void check(int fd) const {
    struct stat info {};
    if (::fstat(fd, &info) != 0) fail(std::generic_category().message(errno));
    if (!S_ISREG(info.st_mode)) fail("it is no regular file");
    if (info.st_uid != ::geteuid()) {
      fail("it belongs to uid " + std::to_string(info.st_uid) + ", and has to belong to uid " +
           std::to_string(::geteuid()) + ", who runs the server");
    }
    if ((info.st_mode & 077) != 0) {
      fail("others than its owner may use it; chmod 600 sees to that");
    }
  }

  void parse_line(std::string_view line, std::size_t number, Tokens& tokens) const {
    std::array<std::string_view, 2> words;
    std::size_t count = 0;
    while (!line.empty()) {
      const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
      line.remove_prefix(begin);
      if (line.empty() || (count == 0 && line.front() == '#')) break;
      const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
      if (count == words.size()) {
        fail("line " + std::to_string(number) + " has more than NAME TOKEN");
      }
      words[count++] = line.substr(0, end);
      line.remove_prefix(end);
    }
    if (count == 0) return;
    tokens.list().push_back({.name = std::string(count == 2 ? words[0] : std::string_view()),
                             .token = std::string(words[count - 1]),
                             .place = "line " + std::to_string(number)});
  }

  const std::string& path_;
};

}  // namespace

TokenFile::TokenFile(std::string path) : path_(std::move(path)) { reload(); }

std::size_t TokenFile::reload() {
  const Reader reader(path_);
  Secret secret;
  reader.read(secret);
  Tokens tokens;
  reader.parse(secret.text(), tokens);
  try {
    tokens_->replace(tokens.list());
  } catch (const Error& error) {
    reader.fail(error.what());
  }
  return tokens.list().size();
}

}  // namespace cppipc::server
