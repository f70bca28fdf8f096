// SPDX-License-Identifier: Apache-2.0
#pragma once
// The file of an extension: its bytes, and the code that is loaded from them.

#include <cppipc/extension_abi.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace cppipc::detail {

using Entry = decltype(&cppipc_extension_entry);

// The bytes of a file as they were when they were read, in memory of their own: whatever becomes of
// the file, the code that was loaded stays as it is, and the next load sees the new file. Owns:
// that memory, by a descriptor. Threads: one at a time.
class LibraryCopy {
 public:
  // Errors: kInputOutput if the file cannot be read.
  explicit LibraryCopy(std::filesystem::path file);
  ~LibraryCopy();
  LibraryCopy(const LibraryCopy&) = delete;
  LibraryCopy& operator=(const LibraryCopy&) = delete;

  const std::filesystem::path& file() const { return file_; }  // absolute
  const std::string& hash() const { return hash_; }            // XXH3-128, in hexadecimal

  // Loads the code, for good, and finds its entry point. The dynamic linker, and whoever prints a
  // backtrace, knows it by the name of the file.
  // Errors: kInvalidArgument unless it is a shared library for this machine with an entry point;
  // kUnknownName if it needs what is not there; kInputOutput if there is no room for it.
  Entry load() const;

 private:
  void copy(int source);
  void check_header() const;
  // The dynamic linker takes a file's word for its length, and ends in a signal if that is wrong.
  void check_length() const;
  void* open() const;
  [[noreturn]] void refuse_open(const std::string& private_path) const;

  std::filesystem::path file_;
  std::string hash_;
  int memory_ = -1;
};

}  // namespace cppipc::detail
