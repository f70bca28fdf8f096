// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files, so that corpora are replayed in ordinary and sanitized builds,
// where libFuzzer is not at hand. Directories among the arguments are walked.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

// Runs the target over one file. Errors: std::ios_base::failure when it cannot be read.
void replay(const fs::path& path) {
  std::ifstream file;
  file.exceptions(std::ios::badbit | std::ios::failbit);
  file.open(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    if (fs::is_directory(arguments[i])) {
      for (const auto& entry : fs::recursive_directory_iterator(arguments[i])) {
        if (!entry.is_regular_file()) continue;
        std::cerr << "replay " << entry.path().string() << std::endl;
        replay(entry.path());
        ++inputs;
      }
    } else {
      std::cerr << "replay " << arguments[i] << std::endl;
      replay(arguments[i]);
      ++inputs;
    }
  }
  std::cout << inputs << " inputs replayed" << std::endl;
  return inputs > 0 ? 0 : 1;  // an empty corpus tests nothing
}
