// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the values of options have to be.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <string>

namespace cppipc::server {

// Numbers with a fraction are for seconds only.
enum class Numbers { kWhole, kReal };

// A number between two limits and nothing else: no sign, no unit, no "nan" or "inf".
class Between : public CLI::Validator {
 public:
  Between(std::uint64_t least, std::uint64_t most, Numbers numbers = Numbers::kWhole) {
    const std::string range = std::to_string(least) + ".." + std::to_string(most);
    const bool is_whole = numbers == Numbers::kWhole;
    name_ = range;
    desc_function_ = [range] { return range; };
    func_ = [least, most, range, is_whole](const std::string& text) -> std::string {
      const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [=](char c) {
        return (c >= '0' && c <= '9') || (c == '.' && !is_whole);
      });
      double value = -1;
      if (is_plain && CLI::detail::lexical_cast(text, value) &&
          value >= static_cast<double>(least) && value <= static_cast<double>(most)) {
        return {};
      }
      return "'" + text + "' is not a " + (is_whole ? "whole " : "") + "number in " + range;
    };
  }
};

// A text that is not empty. An empty one, as of a variable of a shell that is not set, would count
// as an option that was not given.
class NotEmpty : public CLI::Validator {
 public:
  NotEmpty() {
    func_ = [](const std::string& text) -> std::string {
      return text.empty() ? "it is empty; is a variable not set?" : "";
    };
  }
};

}  // namespace cppipc::server
