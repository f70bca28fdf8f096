// SPDX-License-Identifier: Apache-2.0
#pragma once
// Makes the names in a backtrace readable.

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace unity {

// Replaces what stands between "(_Z" and "+" or ")", as glibc writes the name of a frame, by the
// name as C++ has it. What is no such name stays as it is.
inline std::string with_readable_names(const std::string& text) {
  std::string result;
  std::size_t from = 0;
  for (;;) {
    const std::size_t open = text.find("(_Z", from);
    const std::size_t close = open == std::string::npos ? open : text.find_first_of("+)\n", open);
    if (close == std::string::npos) return result + text.substr(from);
    const std::string name = text.substr(open + 1, close - open - 1);
    const std::unique_ptr<char, decltype(&std::free)> readable(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, nullptr), &std::free);
    result.append(text, from, open + 1 - from);
    result += readable ? readable.get() : name;
    from = close;
  }
}

}  // namespace unity
