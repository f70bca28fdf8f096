// SPDX-License-Identifier: Apache-2.0
#pragma once
// The configuration file: long options without their dashes, in a part of TOML.

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/logging.h"
#include "server/options.h"

namespace CLI {
class App;
class Config;
}  // namespace CLI

namespace cppipc::server {

// KEY = VALUE of a file. A value that is no list has one element.
struct ConfigEntry {
  std::string key;
  std::vector<std::string> values;
  bool is_list = false;
  unsigned line = 0;
};

// Reads lines of KEY = VALUE; a value is a "string" with escapes, a 'literal string', a word such
// as 64 or true, or a [list, of, such], also over several lines; # begins a comment.
// Errors: std::invalid_argument naming the line, for anything else and for a key that comes twice.
std::vector<ConfigEntry> read_config(std::istream& text);

// Adds --config FILE and --print-config, which sets `is_printed`. Options of the command line win
// over those of the file. After the app has parsed, config_text() of it is what --print-config
// prints; explain() makes its errors name the file and the line if they come from there.
class ConfigOptions {
 public:
  explicit ConfigOptions(CLI::App& app);
  ~ConfigOptions();
  ConfigOptions(const ConfigOptions&) = delete;
  ConfigOptions& operator=(const ConfigOptions&) = delete;

  bool is_printed() const { return is_printed_; }
  // Fills in what a reload has to know: the file, and whether it says from which level on is
  // logged.
  void complete(Options& options) const;
  // What the app would read back as the options that it has now.
  std::string text() const;
  // `error` is what the app has said.
  std::string explain(const std::string& error) const;

 private:
  class Reader;

  CLI::App& app_;
  std::shared_ptr<Reader> reader_;
  bool is_printed_ = false;
};

// The level that a configuration file asks for now; none if it says nothing of that.
// Errors: std::runtime_error naming the file.
std::optional<LogLevel> log_level_in(const std::string& file);

}  // namespace cppipc::server
