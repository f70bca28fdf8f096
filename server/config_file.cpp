// SPDX-License-Identifier: Apache-2.0
// CLI11 reads configuration files, gives its options their values and lets the command line win.
// Its own reader takes much for granted, though: it cuts strings at a #, knows no escapes, and no
// line numbers. So the text is read here, strictly, and every file that is accepted is TOML.
#include "server/config_file.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <istream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace cppipc::server {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool is_number(const std::string& text) {
  const auto is_part = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_part) &&
         std::count(text.begin(), text.end(), '.') <= 1 && text.front() != '.' &&
         text.back() != '.' && (text.front() != '0' || text.size() == 1 || text[1] == '.');
}

// Reads a text from its beginning to its end.
class Parser {
 public:
  explicit Parser(std::string text) : text_(std::move(text)) {}

  std::vector<ConfigEntry> entries() {
    std::vector<ConfigEntry> all;
    for (skip_lines(); !is_end(); skip_lines()) {
      ConfigEntry entry = next();
      const auto same = std::find_if(
          all.begin(), all.end(), [&](const ConfigEntry& other) { return other.key == entry.key; });
      if (same != all.end()) {
        fail(entry.line, "'" + entry.key + "' is set in line " + std::to_string(same->line) +
                             " already; several values are a list: " + entry.key +
                             " = [\"one\", \"two\"]");
      }
      all.push_back(std::move(entry));
    }
    return all;
  }

 private:
  [[noreturn]] static void fail(unsigned line, const std::string& why) {
    throw std::invalid_argument("line " + std::to_string(line) + ": " + why);
  }
  [[noreturn]] void fail(const std::string& why) const { fail(line_, why); }

  bool is_end() const { return at_ == text_.size(); }
  char here() const { return is_end() ? '\n' : text_[at_]; }
  void step() {
    if (here() == '\n') ++line_;
    ++at_;
  }
  void skip_blanks() {
    while (!is_end() && (here() == ' ' || here() == '\t' || here() == '\r')) step();
    if (here() == '#') {
      while (!is_end() && here() != '\n') step();
    }
  }
  void skip_lines() {
    for (skip_blanks(); !is_end() && here() == '\n'; skip_blanks()) step();
  }

  ConfigEntry next() {
    ConfigEntry entry;
    entry.line = line_;
    if (here() == '[') fail("there are no sections; a line is KEY = VALUE");
    while (!is_end() && is_word(here())) {
      entry.key += here();
      step();
    }
    skip_blanks();
    if (entry.key.empty() || here() != '=') {
      fail("expected KEY = VALUE, where KEY is a long option without its dashes");
    }
    step();
    skip_blanks();
    entry.is_list = here() == '[';
    if (entry.is_list) {
      entry.values = list();
    } else {
      entry.values.push_back(value());
    }
    skip_blanks();
    if (here() != '\n')
      fail("expected the end of the line behind the value of '" + entry.key + "'");
    return entry;
  }

  std::vector<std::string> list() {
    std::vector<std::string> values;
    step();
    for (skip_lines(); here() != ']'; skip_lines()) {
      if (is_end()) fail("a list has no ] at its end");
      values.push_back(value());
      skip_lines();
      if (here() == ',') {
        step();
      } else if (here() != ']') {
        fail("expected , or ] in a list");
      }
    }
    step();
    return values;
  }

  std::string value() {
    if (here() == '"' || here() == '\'') return quoted();
    std::string word;
    while (!is_end() && (is_word(here()) || here() == '.')) {
      word += here();
      step();
    }
    if (word == "true" || word == "false" || is_number(word)) return word;
    fail(word.empty() ? "expected a value: a number, true, false, or a text in quotes"
                      : "'" + word + "' has to be in quotes: \"" + word + "\"");
  }

  std::string quoted() {
    const char quote = here();
    std::string text;
    for (step(); here() != quote; step()) {
      if (here() == '\n') fail(std::string("a text has no ") + quote + " at its end");
      text += quote == '"' && here() == '\\' ? escape() : here();
    }
    step();
    return text;
  }

  // Stops at the last character of the escape.
  char escape() {
    step();
    switch (here()) {
      case '"':
      case '\\':
        return here();
      case 'n':
        return '\n';
      case 't':
        return '\t';
      default:
        fail(R"(in "…" there are the escapes \" \\ \n \t; '…' has none)");
    }
  }

  const std::string text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
};

std::string as_toml(const std::string& value) {
  if (is_number(value)) return value;
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  }
  return text + '"';
}

bool is_flag(const CLI::Option& option) { return option.get_expected_min() == 0; }

bool is_repeated(const CLI::Option& option) {
  return option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
}

}  // namespace

std::vector<ConfigEntry> read_config(std::istream& text) {
  return Parser({std::istreambuf_iterator<char>(text), {}}).entries();
}

// What CLI11 asks for the values of a file.
class ConfigOptions::Reader final : public CLI::ConfigTOML {
 public:
  explicit Reader(const CLI::App& app) : app_(app) {}

  // Of the options that the command line leaves open.
  std::vector<CLI::ConfigItem> from_config(std::istream& text) const override {
    std::vector<CLI::ConfigItem> items;
    try {
      for (ConfigEntry& entry : read_config(text)) {
        const CLI::Option& option = check(entry);
        if (option.count() != 0 || entry.values.empty()) continue;
        lines_[entry.key] = entry.line;
        items.push_back({{}, std::move(entry.key), std::move(entry.values)});
      }
    } catch (const std::invalid_argument& error) {
      throw CLI::ConfigError(file() + ": " + error.what(), CLI::ExitCodes::ConfigError);
    }
    return items;
  }

  std::string file() const {
    const CLI::Option* const option = app_.get_config_ptr();
    return option->count() == 0 ? "" : option->as<std::string>();
  }

  // In which line the file sets an option; 0 if the value is not from there.
  unsigned line_of(const std::string& key) const {
    const auto found = lines_.find(key);
    return found == lines_.end() ? 0 : found->second;
  }

 private:
  // Errors: std::invalid_argument.
  const CLI::Option& check(const ConfigEntry& entry) const {
    const std::string where = "line " + std::to_string(entry.line) + ": ";
    const CLI::Option* const option = app_.get_option_no_throw("--" + entry.key);
    if (option == nullptr) {
      throw std::invalid_argument(where + "there is no option '" + entry.key + "'");
    }
    if (!option->get_configurable()) {
      throw std::invalid_argument(where + "'" + entry.key + "' is for the command line only");
    }
    const bool is_switch = entry.values == std::vector<std::string>{"true"} ||
                           entry.values == std::vector<std::string>{"false"};
    if (is_flag(*option) && (entry.is_list || !is_switch)) {
      throw std::invalid_argument(where + "'" + entry.key + "' is true or false");
    }
    if (entry.is_list && !is_repeated(*option)) {
      throw std::invalid_argument(where + "'" + entry.key + "' has one value, not a list");
    }
    return *option;
  }

  const CLI::App& app_;
  mutable std::map<std::string, unsigned, std::less<>> lines_;  // the base's method is const
};

ConfigOptions::ConfigOptions(CLI::App& app) : app_(app), reader_(std::make_shared<Reader>(app)) {
  app.set_config("--config", "",
                 "read options from this file, one KEY = VALUE a line; the command line wins")
      ->type_name("FILE");
  app.config_formatter(reader_);
  app.add_flag("--print-config", is_printed_,
               "print the options that would be in effect, as a configuration file, and end")
      ->configurable(false);
}

ConfigOptions::~ConfigOptions() = default;

void ConfigOptions::complete(Options& options) const {
  options.config_file = reader_->file();
  options.is_log_level_of_file =
      app_.get_option("--log-level")->count() == 0 || reader_->line_of("log-level") != 0;
}

std::string ConfigOptions::text() const {
  std::string text;
  for (const CLI::Option* option : app_.get_options({})) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    std::vector<std::string> values = option->reduced_results();
    if (values.empty() && !option->get_default_str().empty()) {
      values.push_back(option->get_default_str());
    }
    const bool is_list = is_repeated(*option);
    if (is_flag(*option)) {
      const bool is_on = !values.empty() && values.back() == "true";
      text += option->get_lnames().front() + " = " + (is_on ? "true" : "false") + "\n";
      continue;
    }
    if (values.empty()) continue;
    std::string joined;
    for (const std::string& value : values) joined += (joined.empty() ? "" : ", ") + as_toml(value);
    text += option->get_lnames().front() + " = " + (is_list ? "[" + joined + "]" : joined) + "\n";
  }
  return text;
}

std::string ConfigOptions::explain(const std::string& error) const {
  if (!error.starts_with("--")) return error;
  const std::string key = error.substr(2, error.find_first_of(": ") - 2);
  const unsigned line = reader_->line_of(key);
  if (line == 0) return error;
  return reader_->file() + ": line " + std::to_string(line) + ": " + error.substr(2);
}

std::optional<LogLevel> log_level_in(const std::string& file) {
  std::ifstream text(file);
  if (!text) {
    throw std::runtime_error("cannot open '" + file +
                             "': " + std::generic_category().message(errno));
  }
  try {
    for (const ConfigEntry& entry : read_config(text)) {
      if (entry.key != "log-level") continue;
      const auto level = entry.is_list ? std::nullopt : level_of(entry.values.front());
      if (!level) {
        throw std::invalid_argument("line " + std::to_string(entry.line) +
                                    ": 'log-level' is debug, info, warning, error or off");
      }
      return level;
    }
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(file + ": " + error.what());
  }
  return std::nullopt;
}

}  // namespace cppipc::server
