// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <ios>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <typeinfo>
#include <utility>
#include <variant>

#include "toolkits/diagnostics.h"

namespace cppipc::toolkits {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSecondsMax = 1e6;
constexpr int kReports = 10;

Clock::duration duration_of(double seconds) {
  if (!(seconds >= 0 && seconds <= kSecondsMax)) {
    throw std::invalid_argument("seconds must be 0 to 1000000");
  }
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

double sleep(double seconds) {
  std::this_thread::sleep_for(duration_of(seconds));
  return seconds;
}

double work(const Context& context, double seconds) {
  const Clock::time_point start = Clock::now();
  const Clock::duration whole = duration_of(seconds);
  for (int report = 1; report <= kReports; ++report) {
    do {
      context.throw_if_cancelled();
    } while (Clock::now() - start < whole * report / kReports);
    context.progress(static_cast<double>(report) / kReports);
  }
  return seconds;
}

// The two standard exceptions that take no text, with one.
class BadAlloc : public std::bad_alloc {
 public:
  explicit BadAlloc(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};
class BadCast : public std::bad_cast {
 public:
  explicit BadCast(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

void throw_chars(const std::string& text) {
  thread_local std::string kept;  // what is thrown points into it
  kept = text;
  throw kept.c_str();
}

// A text that is not UTF-8 comes as bytes.
using AnyText = std::variant<std::string, Bytes>;

std::string as_string(const AnyText& text) {
  if (const auto* chars = std::get_if<std::string>(&text)) return *chars;
  const auto bytes = std::get<Bytes>(text).span();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void fail(const std::string& kind, const AnyText& any_text) {
  const std::string text = as_string(any_text);
  static const std::map<std::string, void (*)(const std::string&), std::less<>> kThrowers{
      {"runtime_error", [](const std::string& t) { throw std::runtime_error(t); }},
      {"invalid_argument", [](const std::string& t) { throw std::invalid_argument(t); }},
      {"domain_error", [](const std::string& t) { throw std::domain_error(t); }},
      {"out_of_range", [](const std::string& t) { throw std::out_of_range(t); }},
      {"bad_alloc", [](const std::string& t) { throw BadAlloc(t); }},
      {"bad_cast", [](const std::string& t) { throw BadCast(t); }},
      {"overflow_error", [](const std::string& t) { throw std::overflow_error(t); }},
      {"ios_base::failure", [](const std::string& t) { throw std::ios_base::failure(t); }},
      {"system_error",
       [](const std::string& t) { throw std::system_error(EIO, std::generic_category(), t); }},
      {"logic_error", [](const std::string& t) { throw std::logic_error(t); }},
      {"string", [](const std::string& t) { throw t; }},
      {"char*", &throw_chars},
      {"int", [](const std::string&) { throw 42; }},
      {"cppipc::Error", [](const std::string& t) { throw Error(ErrorKind::kRemote, t); }},
      {"toolkit", [](const std::string& t) { throw Error(ErrorKind::kToolkit, t); }}};
  const auto thrower = kThrowers.find(kind);
  if (thrower != kThrowers.end()) thrower->second(text);
  std::string known;
  for (const auto& [name, unused] : kThrowers) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorKind::kUnknownName, "there is no kind '" + kind + "'; there are " + known);
}

Variant call(const CallablePtr& f, Args args) {
  Arguments arguments{std::move(args.values), {}};
  for (auto& [name, value] : args.keywords) {
    arguments.names.push_back(name);
    arguments.values.push_back(std::move(value));
  }
  return f->call(std::move(arguments));
}

void crash(int signal) {
  if (::raise(signal) != 0) {
    throw std::system_error(errno, std::generic_category(), "signal " + std::to_string(signal));
  }
}

}  // namespace

void register_diagnostics_running(Registry& registry) {
  registry
      .function("diagnostics.sleep", &sleep, arg("seconds"),
                "Waits without looking at cancellation; returns the seconds.")
      .blocking();
  registry
      .function("diagnostics.work", &work, arg("seconds"),
                "Computes, reports progress ten times and honours cancellation; returns the "
                "seconds.")
      .blocking();
  registry.function(
      "diagnostics.fail", &fail, arg("kind"), arg("text"),
      "Throws the C++ exception of that kind. `text` may be bytes, which need not be UTF-8.");
  registry.function(
      "diagnostics.call", &call, arg("f"),
      "Calls the function `f` from C++ with the other arguments; returns its result.");
  registry.function("diagnostics.crash", &crash, arg("signal"), "Raises a signal in the server.");
}

}  // namespace cppipc::toolkits
