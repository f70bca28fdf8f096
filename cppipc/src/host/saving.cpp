// SPDX-License-Identifier: Apache-2.0
#include "host/saving.h"

#include <cppipc/context.h>

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "host/builtins.h"
#include "save/save.h"

namespace cppipc {
namespace {

constexpr std::size_t kFilesMax = 16;
// How often loading says how far it is.
constexpr std::uint64_t kProgressBytes = 32 << 20;

[[noreturn]] void refuse_system(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// A file of the client's, written at its place. Errors: kCancelled between two blocks.
class FileSink final : public SaveSink {
 public:
  FileSink(Descriptor file, const Context& context) : file_(std::move(file)), context_(context) {}

  void write(std::span<const std::byte> head, std::span<const std::byte> body) override {
    while (head.size() + body.size() != 0) {
      context_.throw_if_cancelled();
      std::array<iovec, 2> parts = {{{const_cast<std::byte*>(head.data()), head.size()},
                                     {const_cast<std::byte*>(body.data()), body.size()}}};
      const ssize_t written = ::writev(file_.get(), parts.data(), parts.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) refuse_system("writing the file");
      const auto count = static_cast<std::size_t>(written);
      const auto of_head = std::min(count, head.size());
      head = head.subspan(of_head);
      body = body.subspan(count - of_head);
    }
  }

 private:
  const Descriptor file_;
  const Context& context_;
};

class FileSource final : public SaveSource {
 public:
  FileSource(Descriptor file, const Context& context) : file_(std::move(file)), context_(context) {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) refuse_system("looking at the file");
    const off_t place = ::lseek(file_.get(), 0, SEEK_CUR);
    if (!S_ISREG(status.st_mode) || place < 0) return;
    size_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size - place, 0));
  }

  std::size_t read(std::span<std::byte> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      context_.throw_if_cancelled();
      const ssize_t count = ::read(file_.get(), out.data() + filled, out.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) refuse_system("reading the file");
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    done_ += filled;
    if (size_ && *size_ != 0 && done_ - told_ >= kProgressBytes) {
      told_ = done_;
      context_.progress(std::min(1.0, static_cast<double>(done_) / static_cast<double>(*size_)));
    }
    return filled;
  }

  std::optional<std::uint64_t> bytes_left() const override {
    if (!size_) return std::nullopt;
    return *size_ - std::min(*size_, done_);
  }

 private:
  const Descriptor file_;
  const Context& context_;
  std::optional<std::uint64_t> size_;  // from where reading began
  std::uint64_t done_ = 0;
  std::uint64_t told_ = 0;
};

class FunctionSink final : public SaveSink {
 public:
  FunctionSink(CallablePtr function, const Context& context)
      : function_(std::move(function)), context_(context) {}

  void write(std::span<const std::byte> head, std::span<const std::byte> body) override {
    context_.throw_if_cancelled();
    std::string bytes;
    bytes.reserve(head.size() + body.size());
    bytes.append(reinterpret_cast<const char*>(head.data()), head.size());
    bytes.append(reinterpret_cast<const char*>(body.data()), body.size());
    Arguments arguments;
    arguments.values.emplace_back(Bytes(std::string_view(bytes)));
    (void)function_->call(std::move(arguments));
  }

 private:
  const CallablePtr function_;
  const Context& context_;
};

class FunctionSource final : public SaveSource {
 public:
  FunctionSource(CallablePtr function, const Context& context)
      : function_(std::move(function)), context_(context) {}

  std::size_t read(std::span<std::byte> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      if (next_.empty()) fetch(out.size() - filled);
      if (next_.empty()) break;
      const auto count = std::min(next_.size(), out.size() - filled);
      std::memcpy(out.data() + filled, next_.data(), count);
      next_ = next_.subspan(count);
      filled += count;
    }
    return filled;
  }

  std::optional<std::uint64_t> bytes_left() const override { return std::nullopt; }

 private:
  void fetch(std::size_t wanted) {
    context_.throw_if_cancelled();
    Arguments arguments;
    // No more than that: what follows in the file is for others, or never comes.
    arguments.values.emplace_back(static_cast<std::int64_t>(std::min(wanted, kBlockBytes)));
    Variant result = function_->call(std::move(arguments));
    const auto* bytes = result.get_if<Bytes>();
    if (bytes == nullptr) {
      throw Error(ErrorKind::kWrongType, "read() of the file has to return bytes, not " +
                                             std::string(name_of(result.kind())));
    }
    if (bytes->size() > wanted) {
      throw Error(ErrorKind::kInvalidArgument,
                  "read() of the file has returned more bytes than it was asked for");
    }
    held_ = *bytes;
    next_ = held_.span();
  }

  const CallablePtr function_;
  const Context& context_;
  Bytes held_;
  std::span<const std::byte> next_;  // of it
};

// The end of a file that `file` stands for.
template <class End, class FileEnd, class FunctionEnd>
std::unique_ptr<End> end_of(const Variant& file, const Context& context) {
  if (const auto* function = file.get_if<CallablePtr>()) {
    return std::make_unique<FunctionEnd>(*function, context);
  }
  const auto* number = file.get_if<std::int64_t>();
  if (number == nullptr) {
    throw Error(ErrorKind::kWrongType,
                "a file is a number or a function, not " + std::string(name_of(file.kind())));
  }
  return std::make_unique<FileEnd>(calling_session().files().take(*number), context);
}

void save(Variant value, const Variant& file, Context& context) {
  const auto sink = end_of<SaveSink, FileSink, FunctionSink>(file, context);
  save_value(value, calling_session().core().registry(), *sink);
}

Variant load(const Variant& file, Context& context) {
  const auto source = end_of<SaveSource, FileSource, FunctionSource>(file, context);
  HostSession& session = calling_session();
  return load_value(session.core().registry(), *source, session.account());
}

}  // namespace

std::int64_t GivenFiles::add(Descriptor file) {
  std::lock_guard lock(mutex_);
  if (files_.size() >= kFilesMax) {
    throw Error(ErrorKind::kQuotaExceeded, "the session has given " + std::to_string(kFilesMax) +
                                               " files that it did not use");
  }
  files_.emplace(++last_, std::move(file));
  return last_;
}

Descriptor GivenFiles::take(std::int64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(number);
  if (found == files_.end()) {
    throw Error(ErrorKind::kInvalidArgument,
                "the session has given no file " + std::to_string(number));
  }
  Descriptor file = std::move(found->second);
  files_.erase(found);
  return file;
}

void register_saving(Registry& builtins) {
  builtins.function("save", &save, arg("value"), arg("file"), blocking,
                    "Writes a value, with the objects in it, to a file.");
  builtins.function("load", &load, arg("file"), blocking, "The value that a file holds.");
}

}  // namespace cppipc
