// SPDX-License-Identifier: Apache-2.0
#include "old_toolkits/demo_addone.h"

#include <cstdint>
#include <string>
#include <utility>

namespace demo_addone {
namespace {

using cppipc::ToolkitInvocation;
using cppipc::ToolkitResponse;

// {"x": x + 1}, of the type of the given x, an int or a float.
ToolkitResponse add_one(ToolkitInvocation& invoke) {
  ToolkitResponse response;
  const cppipc::Variant& x = invoke.params["x"];
  if (const auto* whole = x.get_if<std::int64_t>()) {
    response.params["x"] = *whole + 1;
  } else if (const auto* real = x.get_if<double>()) {
    response.params["x"] = *real + 1;
  } else {
    response.success = false;
    response.message = "x must be an int or a float";
  }
  return response;
}

// Repeats a text; the options have defaults.
ToolkitResponse repeat(ToolkitInvocation& invoke) {
  const auto text = invoke.get<std::string>("text");
  const auto times = invoke.get<std::int64_t>("times");
  const auto separator = invoke.get<std::string>("separator");
  ToolkitResponse response;
  if (times < 0) {
    response.success = false;
    response.message = "times must not be negative, and is " + std::to_string(times);
    return response;
  }
  std::string repeated;
  for (std::int64_t i = 0; i < times; ++i) {
    invoke.context.throw_if_cancelled();
    repeated += (i == 0 ? "" : separator) + text;
  }
  response.params["text"] = std::move(repeated);
  return response;
}

}  // namespace

std::vector<cppipc::ToolkitSpecification> get_registration() {
  return {
      {.name = "demo_addone", .function = &add_one, .description = "x + 1, of the type of x."},
      {.name = "repeat",
       .function = &repeat,
       .default_options = {{"separator", " "}, {"times", 2}},
       .description = "A text several times, with a separator between.",
       .required = {{"text"}}},
  };
}

}  // namespace demo_addone
