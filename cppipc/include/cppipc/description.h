// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a server offers, as plain data: what `help()`, signatures and completion are made of.

#include <cppipc/error.h>
#include <cppipc/variant.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cppipc {

struct ParameterDescription {
  std::string name;
  std::string type;  // as Python spells it, e.g. "int", "list[float]", "Probe | None"; may be empty
  std::optional<Variant> default_value;
  // Takes any further keywords (a toolkit without declared arguments); or, if the name begins with
  // a star ("*args"), any further positional arguments. Such parameters come last.
  bool is_variadic = false;
  bool operator==(const ParameterDescription&) const = default;
};

struct FunctionDescription {
  std::string name;  // dots nest: "diagnostics.echo"
  std::string doc;
  std::vector<ParameterDescription> parameters;
  std::string result;  // as Python spells it; may be empty
  bool is_toolkit = false;
  bool is_static = false;  // a method that needs no object
  // What else the name stands for, in the order in which a call tries them.
  std::vector<FunctionDescription> overloads = {};
  bool operator==(const FunctionDescription&) const = default;
};

struct PropertyDescription {
  std::string name;
  std::string doc;
  std::string type;
  bool is_writable = false;
  bool operator==(const PropertyDescription&) const = default;
};

// A setting of the server; `is_writable` by clients while it runs.
using SettingDescription = PropertyDescription;

struct TypeDescription {
  std::string name;
  std::string doc;
  std::optional<FunctionDescription> constructor;  // none: cannot be created by clients
  std::vector<FunctionDescription> methods;        // its own; those of its bases are theirs
  std::vector<PropertyDescription> properties;
  std::vector<std::string> bases = {};  // the names of registered types, in order
  bool operator==(const TypeDescription&) const = default;
};

struct EnumDescription {
  std::string name;
  std::string doc;
  std::vector<std::pair<std::string, std::int64_t>> members;  // in the order of registration
  bool operator==(const EnumDescription&) const = default;
};

// An exception class of the server.
struct ExceptionDescription {
  std::string name;
  std::string doc;
  std::string base;  // the registered exception it derives from; empty if none
  ErrorKind kind = ErrorKind::kRemote;
  bool operator==(const ExceptionDescription&) const = default;
};

// What was loaded into the server. All names that it offers begin with its own and a dot.
struct ExtensionDescription {
  std::string name;  // "square"
  std::string doc;
  std::string file;          // where the server found it
  std::string content_hash;  // of its bytes; another one is another version, with other types
  bool operator==(const ExtensionDescription&) const = default;
};

// Sorted by name.
struct Description {
  std::string version;  // of the server, "0.1.0"
  std::vector<TypeDescription> types;
  std::vector<FunctionDescription> functions;  // toolkits and plain functions
  std::vector<EnumDescription> enumerations;
  std::vector<SettingDescription> settings = {};
  std::vector<ExceptionDescription> exceptions = {};
  std::vector<ExtensionDescription> extensions = {};
  bool operator==(const Description&) const = default;
};

// What a server offers at one time.
struct Offer {
  Description description;
  std::string hash;           // 16 bytes that are equal for equal descriptions
  std::uint64_t version = 0;  // counts up with every change
};

}  // namespace cppipc
