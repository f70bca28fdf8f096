// SPDX-License-Identifier: Apache-2.0
// Settings of a registry: how they are added, read and written.
//
// One lock is held around every getter and setter, so that a setting's two functions need none of
// their own, and a setter may look at more than one of the values that it belongs to. A value is
// converted by the same code that converts a call's arguments; its errors name the setting.
#include <cppipc/registry.h>

#include "values/naming.h"

#include <charconv>
#include <utility>

namespace cppipc {
namespace {

Variant invoke(const FunctionInfo& function, Arguments arguments, Context& context,
               const Registry& registry) {
  Invocation invocation{nullptr, std::move(arguments), context, registry};
  return function.invoke(invocation);
}

std::string name_of_setting(std::string_view name) { return "setting '" + std::string(name) + "'"; }

// The error being handled, naming the setting.
Error error_of_setting(std::string_view name) {
  Error error = current_error();
  const std::string prefix = name_of_setting(name);
  if (error.text().starts_with(prefix)) return error;
  Error named(error.kind(), prefix + ": " + std::string(error.text()));
  named.in_toolkit = error.in_toolkit;
  named.where = error.where;
  named.thrown_type = error.thrown_type;
  named.error_number = error.error_number;
  named.raised = error.raised;
  return named;
}

// What one word may stand for, beside itself.
std::optional<Variant> number_of(std::string_view word) {
  std::int64_t whole = 0;
  const char* const end = word.data() + word.size();
  auto read = std::from_chars(word.data(), end, whole);
  if (read.ec == std::errc() && read.ptr == end) return Variant(whole);
  double real = 0;
  read = std::from_chars(word.data(), end, real);
  if (read.ec == std::errc() && read.ptr == end) return Variant(real);
  return std::nullopt;
}

std::optional<Variant> plain_value_of(std::string_view word) {
  if (word == "true") return Variant(true);
  if (word == "false") return Variant(false);
  if (word == "none") return Variant();
  return number_of(word);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// All that a text may stand for; what the type wants is the first of them that fits.
std::vector<Variant> readings(std::string_view text) {
  std::vector<Variant> values;
  values.emplace_back(std::string(text));
  if (const auto value = plain_value_of(text)) values.push_back(*value);
  List words;
  List plain;
  for (const std::string_view word : split(text)) {
    words.items.emplace_back(std::string(word));
    if (const auto value = plain_value_of(word)) plain.items.push_back(*value);
  }
  const bool is_plain = plain.items.size() == words.items.size();
  values.emplace_back(std::move(words));
  if (is_plain) values.emplace_back(std::move(plain));
  return values;
}

// The value for a setting's setter. Errors: kWrongType if the text cannot be read as its type;
// kOverflow for a number that is too large.
Variant read_text(const SettingInfo& setting, std::string_view text, const Registry& registry) {
  const detail::Signature& signature = *setting.set->signature;
  const detail::ParameterType& type = signature.parameters.at(0).type;
  const detail::Place place = signature.parameter_place(0, registry).attempt(false);
  for (const Variant& value : readings(text)) {
    try {
      Variant tried = value;  // which a check may change
      type.check(tried, place);
      return value;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kOverflow || !detail::is_refusal(error)) throw;
    }
  }
  detail::refuse_given(place, type.spell(detail::Speller(&registry)),
                       "the text " + detail::quote(text));
}

}  // namespace

void Registry::add_setting(std::string_view name, detail::Adapted getter, detail::Adapted* setter,
                           detail::Extras extras) {
  detail::check_dotted(name, "setting");
  const std::string text = name_of_setting(name);
  if (settings_.contains(name)) throw std::logic_error(text + " is registered twice");
  if (!extras.args.empty()) throw std::logic_error(text + ": settings take no arg()");
  if (extras.is_blocking) throw std::logic_error(text + ": settings cannot be blocking");
  if (extras.is_at_start && setter == nullptr) {
    throw std::logic_error(text + ": without a setter nobody can write it at the start");
  }
  const detail::FunctionName full{std::string(name), std::string(name), false, true};
  SettingInfo info;
  info.description = {full.name, extras.doc, {}, setter != nullptr && !extras.is_at_start};
  info.get = detail::make_function_info(full, std::move(getter), extras, *this);
  if (setter != nullptr) {
    extras.add(Arg("value"));
    info.set = detail::make_function_info(full, std::move(*setter), std::move(extras), *this);
  }
  settings_.emplace(name, std::move(info));
}

const SettingInfo& Registry::known_setting(std::string_view name) const {
  const auto found = settings_.find(name);
  if (found != settings_.end()) return found->second;
  throw Error(ErrorKind::kUnknownKey, "the server has no " + name_of_setting(name));
}

void Registry::set(const SettingInfo& setting, Variant value, Context& context) const {
  Arguments arguments;
  arguments.values.push_back(std::move(value));
  const std::lock_guard lock(*settings_turn_);
  (void)invoke(*setting.set, std::move(arguments), context, *this);
}

Variant Registry::read_setting(std::string_view name, Context& context) const {
  const SettingInfo& setting = known_setting(name);
  try {
    const std::lock_guard lock(*settings_turn_);
    return invoke(setting.get, {}, context, *this);
  } catch (...) {
    throw error_of_setting(name);
  }
}

void Registry::write_setting(std::string_view name, Variant value, Context& context) const {
  const SettingInfo& setting = known_setting(name);
  if (!setting.description.is_writable) {
    throw Error(ErrorKind::kWrongType,
                name_of_setting(name) + " is read-only" +
                    (setting.set ? " while the server runs; give it at the start" : ""));
  }
  try {
    set(setting, std::move(value), context);
  } catch (...) {
    throw error_of_setting(name);
  }
}

void Registry::start_setting(std::string_view name, std::string_view text) {
  const SettingInfo& setting = known_setting(name);
  if (!setting.set) throw Error(ErrorKind::kWrongType, name_of_setting(name) + " is read-only");
  Context context;
  try {
    set(setting, read_text(setting, text, *this), context);
  } catch (...) {
    throw error_of_setting(name);
  }
}

}  // namespace cppipc
