// SPDX-License-Identifier: Apache-2.0
// An extension that cannot be loaded, for the reason that the environment variable MISTAKE names.
#include <cppipc/extension.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#ifdef MISSING_SYMBOL
int missing_function();
#endif

namespace {

struct Unregistered {};
struct Thing {};
struct Derived : Thing {};

void nothing() {}
int same(int x) { return x; }

}  // namespace

CPPIPC_EXTENSION(mistakes, m) {
  const char* variable = std::getenv("MISTAKE");
  const std::string mistake = variable == nullptr ? "" : variable;
#ifdef MISSING_SYMBOL
  m.function("f", &missing_function);
#endif
  if (mistake == "throws") throw std::invalid_argument("no licence found");
  if (mistake == "throws int") throw 42;
  if (mistake == "bad name") m.function("no name", &nothing);
  if (mistake == "keyword") m.function("f", &same, arg("class"));
  if (mistake == "same parameters") {
    m.function(
        "f", [](int x, int y) { return x + y; }, arg("x"), arg("x"));
  }
  if (mistake == "function twice") m.function("f", &nothing).function("f", &nothing);
  if (mistake == "type twice") {
    m.type<Thing>("A");
    m.type<Thing>("B");
  }
  if (mistake == "arg count") m.function("f", &same);
  if (mistake == "bad default") m.function("f", &same, arg("x") = "text");
  if (mistake == "unregistered")
    m.function(
        "f", [](const Unregistered&) {}, arg("x"));
  if (mistake == "base too late") m.type<Derived>("Derived").base<Thing>();
  if (mistake == "member twice") {
    m.type<Thing>("Thing").method("f", [](Thing&) {}).property("f", [](Thing&) { return 1; });
  }
}
