// SPDX-License-Identifier: Apache-2.0
// One table says what there is; docs/operations.md has the same rows.
#include "server/status_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cppipc::server {
namespace {

using Figures = StatusFigures;
using Value = std::optional<double>;

struct Metric {
  const char* name;
  const char* type;  // "counter", or "gauge" for what may become less
  const char* help;
  Value (*value)(const Figures&);
};

template <class Number>
Value as_value(const std::optional<Number>& number) {
  if (!number) return std::nullopt;
  return static_cast<double>(*number);
}
Value as_value(std::uint64_t number) { return static_cast<double>(number); }

constexpr Metric kMetrics[] = {
    {"unity_draining", "gauge", "1 while the server ends and refuses new calls, else 0.",
     [](const Figures& f) -> Value { return f.is_draining ? 1 : 0; }},
    {"unity_sessions", "gauge", "Sessions that are connected.",
     [](const Figures& f) { return as_value(f.host.sessions); }},
    {"unity_sessions_pending", "gauge", "Of the sessions, those that are not opened yet.",
     [](const Figures& f) { return as_value(f.host.pending); }},
    {"unity_sessions_started_total", "counter", "Sessions that have begun.",
     [](const Figures& f) { return as_value(f.host.sessions_total); }},
    {"unity_live_objects", "gauge", "Objects that sessions refer to.",
     [](const Figures& f) { return as_value(f.host.live_objects); }},
    {"unity_object_tokens", "gauge", "Tokens of objects that are good.",
     [](const Figures& f) { return as_value(f.host.object_tokens); }},
    {"unity_calls_total", "counter", "Calls that have finished, with an error or without.",
     [](const Figures& f) { return as_value(f.host.calls); }},
    {"unity_calls_failed_total", "counter", "Calls that have finished with an error.",
     [](const Figures& f) { return as_value(f.host.calls_failed); }},
    {"unity_calls_running", "gauge", "Calls that run.",
     [](const Figures& f) { return as_value(f.host.calls_running); }},
    {"unity_calls_waiting", "gauge", "Calls that wait for an object or a thread.",
     [](const Figures& f) { return as_value(f.host.calls_waiting); }},
    {"unity_bytes_received_total", "counter", "Bytes received in messages.",
     [](const Figures& f) { return as_value(f.host.bytes_inline); }},
    {"unity_bytes_sent_total", "counter", "Bytes sent in messages.",
     [](const Figures& f) { return as_value(f.host.bytes_sent); }},
    {"unity_bytes_copied_total", "counter", "Bytes of large values that were copied on their way.",
     [](const Figures& f) { return as_value(f.host.bytes_copied); }},
    {"unity_bytes_held", "gauge", "Bytes of arrays, str, bytes and waiting calls that are held.",
     [](const Figures& f) { return as_value(f.host.bytes_held); }},
    {"unity_arenas", "gauge", "Arenas of shared memory that are mapped.",
     [](const Figures& f) { return as_value(f.host.arenas); }},
    {"unity_threads", "gauge", "Threads that serve sessions.",
     [](const Figures& f) { return as_value(f.host.threads); }},
    {"unity_reloads_total", "counter", "Reloads that SIGHUP has asked for.",
     [](const Figures& f) { return as_value(f.reloads); }},
    {"unity_reloads_failed_total", "counter", "Reloads in which something failed.",
     [](const Figures& f) { return as_value(f.reloads_failed); }},
    {"process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.",
     [](const Figures& f) { return f.process.start_time_s; }},
    {"process_cpu_seconds_total", "counter", "Processor time that the process has used.",
     [](const Figures& f) { return f.process.cpu_s; }},
    {"process_resident_memory_bytes", "gauge", "Memory of the process that is resident.",
     [](const Figures& f) { return as_value(f.process.resident_bytes); }},
    {"process_virtual_memory_bytes", "gauge", "Addresses of the process that are mapped.",
     [](const Figures& f) { return as_value(f.process.virtual_bytes); }},
    {"process_threads", "gauge", "Threads of the process.",
     [](const Figures& f) { return as_value(f.process.threads); }},
    {"process_open_fds", "gauge", "Descriptors that are open.",
     [](const Figures& f) { return as_value(f.process.open_fds); }},
    {"process_max_fds", "gauge", "Descriptors that may be open at one time.",
     [](const Figures& f) { return as_value(f.process.max_fds); }},
};

// As the value of a label, in which three characters have to be escaped.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    result += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return result;
}

std::string heading(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <class Number>
nlohmann::json or_null(const std::optional<Number>& number) {
  if (!number) return nullptr;
  return *number;
}

nlohmann::json json_of(const HostStats& host) {
  return {{"sessions", host.sessions},
          {"sessions_pending", host.pending},
          {"sessions_total", host.sessions_total},
          {"live_objects", host.live_objects},
          {"object_tokens", host.object_tokens},
          {"calls", host.calls},
          {"calls_failed", host.calls_failed},
          {"calls_running", host.calls_running},
          {"calls_waiting", host.calls_waiting},
          {"bytes_received", host.bytes_inline},
          {"bytes_sent", host.bytes_sent},
          {"bytes_copied", host.bytes_copied},
          {"bytes_held", host.bytes_held},
          {"arenas", host.arenas},
          {"threads", host.threads}};
}

nlohmann::json json_of(const ProcessFigures& process) {
  return {{"start_time_s", or_null(process.start_time_s)},
          {"cpu_s", or_null(process.cpu_s)},
          {"resident_bytes", or_null(process.resident_bytes)},
          {"virtual_bytes", or_null(process.virtual_bytes)},
          {"threads", or_null(process.threads)},
          {"open_fds", or_null(process.open_fds)},
          {"max_fds", or_null(process.max_fds)}};
}

nlohmann::json json_of(const SessionStats& session) {
  return {{"id", session.id},
          {"peer", session.peer},
          {"since_s", seconds_since_1970(session.since)},
          {"calls", session.calls},
          {"calls_failed", session.calls_failed},
          {"live_objects", session.live_objects},
          {"bytes_received", session.bytes_received},
          {"bytes_sent", session.bytes_sent},
          {"queued_bytes", session.queued_bytes}};
}

}  // namespace

std::string prometheus_text(const StatusFigures& figures) {
  constexpr char kInfo[] = "unity_build_info";
  std::string text = heading(kInfo, "gauge", "Always 1; the label names the server's version.");
  text += fmt::format("{}{{version=\"{}\"}} 1\n", kInfo, escaped(figures.version));
  for (const Metric& metric : kMetrics) {
    const Value value = metric.value(figures);
    if (!value) continue;
    text += heading(metric.name, metric.type, metric.help);
    text += fmt::format("{} {}\n", metric.name, *value);
  }
  return text;
}

std::string json_text(const StatusFigures& figures) {
  nlohmann::json sessions = nlohmann::json::array();
  for (const SessionStats& session : figures.sessions) sessions.push_back(json_of(session));
  const nlohmann::json whole = {{"version", figures.version},
                                {"pid", figures.pid},
                                {"state", figures.is_draining ? "draining" : "serving"},
                                {"time_s", seconds_since_1970(figures.now)},
                                {"addresses", figures.addresses},
                                {"reloads", figures.reloads},
                                {"reloads_failed", figures.reloads_failed},
                                {"host", json_of(figures.host)},
                                {"process", json_of(figures.process)},
                                {"sessions", std::move(sessions)}};
  return whole.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace cppipc::server
