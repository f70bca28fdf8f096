// SPDX-License-Identifier: Apache-2.0
#pragma once
// Loads extensions: shared libraries, built by any compiler, that offer functions and types
// through the C boundary of extension_abi.h.
//
// All names of an extension begin with its own: what "square" calls "square_root" and
// "Accumulator" is registered as "square.square_root" and "square.Accumulator".

#include <cppipc/registry.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cppipc {

// One loaded extension. It is never taken out of the process again: its functions, and the
// destructors of its objects, may be needed as long as anything refers to them.
// Threads: every method is safe from any thread.
class Extension {
 public:
  const std::string& name() const { return name_; }  // "square"
  const std::string& doc() const { return doc_; }
  // As it was given to load_extension(), made absolute.
  const std::string& path() const { return path_; }
  // XXH3-128 of the file's bytes, 32 hexadecimal digits.
  const std::string& content_hash() const { return content_hash_; }
  // What it offers. Types, functions and everything they return keep the code in memory.
  const Registry& registry() const { return registry_; }
  // All registered names, sorted: {"square.Accumulator", "square.square_root"}.
  std::vector<std::string> names() const;

 protected:
  Extension() = default;

 private:
  friend class detail::ExtensionLoader;

  std::string name_;
  std::string doc_;
  std::string path_;
  std::string content_hash_;
  Registry registry_;
};

// Loads `file` and registers what it offers. A file whose bytes were loaded before gives the
// Extension of that time; other bytes are loaded anew, whatever the file is called.
// Errors, all of which leave the process as it was (but for what the extension's own code did):
//   kInputOutput      there is no such file, or it cannot be read
//   kInvalidArgument  it is not a shared library, is one for another machine, or is no extension
//   kNotSupported     it was built for another version of the boundary
//   kUnknownName      it needs a library or a symbol that is not there
//   kRemote           its entry point failed; the text is that of its exception
//   kToolkit          what it registers is wrong: a name that is none, or is taken twice
// Threads: any; two loads run one after the other.
std::shared_ptr<const Extension> load_extension(const std::filesystem::path& file);

}  // namespace cppipc
