// SPDX-License-Identifier: Apache-2.0
// The dynamic linker takes two files for one if they have one inode, and goes on using a file that
// it has open when that is written over: the one would be stale, the other ends in a crash. So what
// it loads is a copy, without a name in any file system, that nobody else can write. A link in a
// directory of its own lends the copy the file's name while it is opened.
#include "extension/library.h"

#include <cppipc/error.h>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

// The first bytes of the program or library that this code is linked into.
extern "C" const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

namespace cppipc::detail {
namespace {

std::string quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

[[noreturn]] void fail_errno(const std::string& what, int number) {
  Error error(ErrorKind::kInputOutput, what + ": " + std::generic_category().message(number));
  error.error_number = number;
  throw Error(std::move(error));
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// A directory of one's own, and in it a link to a descriptor; both are gone with it.
class Link {
 public:
  Link(const std::filesystem::path& name, int descriptor) {
    std::string made = (std::filesystem::temp_directory_path() / "unity-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) fail_errno("cannot make a directory in " + made, errno);
    directory_ = made;
    path_ = made + "/" + name.string();
    const std::string target = "/proc/self/fd/" + std::to_string(descriptor);
    if (::symlink(target.c_str(), path_.c_str()) != 0) {
      const int number = errno;
      ::rmdir(directory_.c_str());
      fail_errno("cannot make " + path_, number);
    }
  }
  ~Link() {
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string directory_;
  std::string path_;
};

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "arm64";
    case EM_386:
      return "x86";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "machine " + std::to_string(machine);
  }
}

void write_all(int descriptor, const char* bytes, std::size_t size, const std::string& what) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, bytes, size);
    if (written < 0 && errno != EINTR) fail_errno(what, errno);
    if (written <= 0) continue;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

std::string hexadecimal(const XXH128_hash_t& hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) text += {kHex[byte >> 4], kHex[byte & 0xf]};
  return text;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

LibraryCopy::LibraryCopy(std::filesystem::path file) : file_(std::filesystem::absolute(file)) {
  // Without waiting for somebody at the other end of what turns out to be a pipe.
  const File source(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (source.get() < 0) fail_errno("cannot open extension " + quoted(file_), errno);
  struct stat status = {};
  if (::fstat(source.get(), &status) != 0) fail_errno(quoted(file_), errno);
  if (S_ISDIR(status.st_mode)) fail_errno("cannot load " + quoted(file_), EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kInvalidArgument, quoted(file_) + " is no regular file");
  }
  memory_ = ::memfd_create(file_.filename().c_str(), MFD_CLOEXEC);
  if (memory_ < 0) fail_errno("no memory to load " + quoted(file_), errno);
  try {
    copy(source.get());
  } catch (...) {
    ::close(memory_);
    throw;
  }
}

LibraryCopy::~LibraryCopy() { ::close(memory_); }

void LibraryCopy::copy(int source) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const ssize_t count = ::read(source, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("cannot read " + quoted(file_), errno);
    if (count == 0) break;
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(count));
    write_all(memory_, buffer.data(), static_cast<std::size_t>(count),
              "no memory to load " + quoted(file_));
  }
  hash_ = hexadecimal(XXH3_128bits_digest(state.get()));
}

void LibraryCopy::check_header() const {
  ElfW(Ehdr) header = {};
  const ssize_t count = ::pread(memory_, &header, sizeof header, 0);
  const bool is_elf = count >= static_cast<ssize_t>(EI_NIDENT) + 4 &&
                      std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  if (!is_elf) {
    throw Error(ErrorKind::kInvalidArgument,
                quoted(file_) + " is not a shared library; build one with `python -m unity build`");
  }
  // These fields are in one place in files for 32 and for 64 bits.
  const bool is_ours = header.e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
                       header.e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
                       header.e_machine == __ehdr_start.e_machine;
  if (!is_ours) {
    throw Error(ErrorKind::kInvalidArgument,
                quoted(file_) + " is for " + machine_name(header.e_machine) +
                    (header.e_ident[EI_CLASS] == ELFCLASS32 ? ", 32 bits" : "") +
                    ", and this process is for " + machine_name(__ehdr_start.e_machine) +
                    "; build it for this one");
  }
  if (header.e_type != ET_DYN) {
    throw Error(ErrorKind::kInvalidArgument,
                quoted(file_) + " is an object file or a program, not a shared library; link it " +
                    "with -shared");
  }
}

void LibraryCopy::check_length() const {
  struct stat status = {};
  ElfW(Ehdr) header = {};
  bool is_whole = ::fstat(memory_, &status) == 0 &&
                  ::pread(memory_, &header, sizeof header, 0) == ssize_t{sizeof header} &&
                  header.e_phentsize == sizeof(ElfW(Phdr));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  for (unsigned i = 0; is_whole && i < header.e_phnum; ++i) {
    ElfW(Phdr) segment = {};
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof segment);
    is_whole = ::pread(memory_, &segment, sizeof segment, at) == ssize_t{sizeof segment} &&
               segment.p_offset <= size && segment.p_filesz <= size - segment.p_offset;
  }
  if (is_whole) return;
  throw Error(ErrorKind::kInvalidArgument, quoted(file_) + " is cut off: it has " +
                                               std::to_string(size) +
                                               " bytes, fewer than it needs; build it again");
}

void* LibraryCopy::open() const {
  const Link link(file_.filename(), memory_);
  // Local: extensions must not find each other's symbols. Now: what is missing is told here, and
  // does not end the process in the middle of a call.
  void* library = ::dlopen(link.path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse_open(link.path());
  return library;
}

void LibraryCopy::refuse_open(const std::string& private_path) const {
  const char* given = ::dlerror();
  std::string text = given == nullptr ? "the dynamic linker refuses it" : given;
  // Who reads it knows the file by its own name, which stands before the text already.
  if (const std::size_t at = text.find(private_path); at != std::string::npos) {
    text.erase(at, private_path.size());
    if (text.compare(at, 2, ": ") == 0) text.erase(at, 2);
  }
  const bool is_missing = contains(text, "undefined symbol") ||
                          contains(text, "cannot open shared object file") ||
                          (contains(text, "version `") && contains(text, "not found"));
  throw Error(is_missing ? ErrorKind::kUnknownName : ErrorKind::kInvalidArgument,
              "cannot load " + quoted(file_) + ": " + text);
}

Entry LibraryCopy::load() const {
  check_header();
  check_length();
  void* library = open();
  void* entry = ::dlsym(library, CPPIPC_ENTRY_NAME);
  if (entry != nullptr) return reinterpret_cast<Entry>(entry);
  ::dlclose(library);
  throw Error(ErrorKind::kInvalidArgument,
              quoted(file_) + " is no extension: it has no symbol " CPPIPC_ENTRY_NAME
                              "; write CPPIPC_EXTENSION(name, m) in one of its sources");
}

}  // namespace cppipc::detail
