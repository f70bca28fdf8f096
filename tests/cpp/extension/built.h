// SPDX-License-Identifier: Apache-2.0
#pragma once
// The extensions that the build made for these tests, and copies of them.

#include <cppipc/extension_abi.h>
#include <cppipc/extension_loader.h>

#include <gtest/gtest.h>

#include <test_extensions.h>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace cppipc::test {

inline std::filesystem::path built(const std::string& name) {
  return std::filesystem::path(kTestExtensions) / (name + ".so");
}

// A directory of its own that is removed at the end.
class Folder {
 public:
  Folder() {
    std::string made = (std::filesystem::temp_directory_path() / "extension-test-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) throw std::runtime_error("no directory for the test");
    path_ = made;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The four builds of features.cpp. Those whose compiler or library is missing are not there.
inline std::vector<std::string> builds_of_features() {
  std::vector<std::string> found;
  for (const char* name : {"gcc17", "gcc20debug", "clang", "libcxx"}) {
    if (std::filesystem::exists(built(name))) found.emplace_back(name);
  }
  return found;
}

}  // namespace cppipc::test
