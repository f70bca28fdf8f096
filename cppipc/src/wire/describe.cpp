// SPDX-License-Identifier: Apache-2.0
// The description of a server: to a message, back, and its hash.
//
// Both directions are written field by field in the order of broker.capnp. Defaults are plain
// values; they lie in the message whatever their size.

#include "wire/bulk.h"
#include "wire/guard.h"
#include "wire/refusing_caps.h"

#include "values/utf8.h"

#include <capnp/message.h>
#include <xxhash.h>

#include <limits>
#include <string>

namespace cppipc {
namespace {

MarshalLimits no_limits() {
  MarshalLimits limits;
  limits.message_bytes = limits.inline_bytes = std::numeric_limits<std::uint64_t>::max();
  return limits;
}

capnp::Text::Reader checked_text_of(const std::string& text) {
  if (is_utf8(text)) return {text.c_str(), text.size()};
  throw Error(ErrorKind::kInvalidArgument, "a name or doc of the registry is not valid UTF-8");
}

void put(const ParameterDescription& parameter, wire::Description::Parameter::Builder builder) {
  builder.setName(checked_text_of(parameter.name));
  builder.setType(checked_text_of(parameter.type));
  builder.setIsVariadic(parameter.is_variadic);
  if (!parameter.default_value) return;
  RefusingOutgoingCaps caps;
  measure(*parameter.default_value, no_limits());
  marshal(*parameter.default_value, builder.getDefault().initValue(), caps, no_limits());
}

void put(const FunctionDescription& function, wire::Description::Function::Builder builder) {
  builder.setName(checked_text_of(function.name));
  builder.setDoc(checked_text_of(function.doc));
  builder.setResult(checked_text_of(function.result));
  builder.setIsToolkit(function.is_toolkit);
  auto parameters = builder.initParameters(static_cast<unsigned>(function.parameters.size()));
  for (unsigned i = 0; i < parameters.size(); ++i) put(function.parameters[i], parameters[i]);
  builder.setIsStatic(function.is_static);
  if (function.overloads.empty()) return;
  auto overloads = builder.initOverloads(static_cast<unsigned>(function.overloads.size()));
  for (unsigned i = 0; i < overloads.size(); ++i) put(function.overloads[i], overloads[i]);
}

void put(const PropertyDescription& property, wire::Description::Property::Builder builder) {
  builder.setName(checked_text_of(property.name));
  builder.setDoc(checked_text_of(property.doc));
  builder.setType(checked_text_of(property.type));
  builder.setIsWritable(property.is_writable);
}

void put(const TypeDescription& type, wire::Description::Type::Builder builder) {
  builder.setName(checked_text_of(type.name));
  builder.setDoc(checked_text_of(type.doc));
  if (type.constructor) put(*type.constructor, builder.getConstructor().initFunction());
  auto methods = builder.initMethods(static_cast<unsigned>(type.methods.size()));
  for (unsigned i = 0; i < methods.size(); ++i) put(type.methods[i], methods[i]);
  auto properties = builder.initProperties(static_cast<unsigned>(type.properties.size()));
  for (unsigned i = 0; i < properties.size(); ++i) put(type.properties[i], properties[i]);
  if (type.bases.empty()) return;
  auto bases = builder.initBases(static_cast<unsigned>(type.bases.size()));
  for (unsigned i = 0; i < bases.size(); ++i) bases.set(i, checked_text_of(type.bases[i]));
}

void put(const EnumDescription& enumeration, wire::Description::Enumeration::Builder builder) {
  builder.setName(checked_text_of(enumeration.name));
  builder.setDoc(checked_text_of(enumeration.doc));
  auto members = builder.initMembers(static_cast<unsigned>(enumeration.members.size()));
  for (unsigned i = 0; i < members.size(); ++i) {
    members[i].setName(checked_text_of(enumeration.members[i].first));
    members[i].setValue(enumeration.members[i].second);
  }
}

void put(const ExceptionDescription& exception, wire::Description::Exception::Builder builder) {
  builder.setName(checked_text_of(exception.name));
  builder.setDoc(checked_text_of(exception.doc));
  builder.setBase(checked_text_of(exception.base));
  builder.setKind(static_cast<std::uint16_t>(exception.kind));
}

void put(const ExtensionDescription& extension, wire::Description::Extension::Builder builder) {
  builder.setName(checked_text_of(extension.name));
  builder.setDoc(checked_text_of(extension.doc));
  builder.setFile(to_valid_utf8(extension.file));
  builder.setContentHash(checked_text_of(extension.content_hash));
}

// The items of a list, each read by a take() below.
template <class Item, class Wire>
std::vector<Item> take_all(typename capnp::List<Wire>::Reader list);

ParameterDescription take(wire::Description::Parameter::Reader reader) {
  ParameterDescription parameter;
  parameter.name = checked_text(reader.getName());
  parameter.type = checked_text(reader.getType());
  parameter.is_variadic = reader.getIsVariadic();
  if (reader.getDefault().isValue()) {
    RefusingIncomingCaps caps;
    parameter.default_value = unmarshal(reader.getDefault().getValue(), caps);
  }
  return parameter;
}

FunctionDescription take(wire::Description::Function::Reader reader) {
  FunctionDescription function;
  function.name = checked_text(reader.getName());
  function.doc = checked_text(reader.getDoc());
  function.result = checked_text(reader.getResult());
  function.is_toolkit = reader.getIsToolkit();
  function.parameters =
      take_all<ParameterDescription, wire::Description::Parameter>(reader.getParameters());
  function.is_static = reader.getIsStatic();
  function.overloads =
      take_all<FunctionDescription, wire::Description::Function>(reader.getOverloads());
  return function;
}

PropertyDescription take(wire::Description::Property::Reader reader) {
  PropertyDescription property;
  property.name = checked_text(reader.getName());
  property.doc = checked_text(reader.getDoc());
  property.type = checked_text(reader.getType());
  property.is_writable = reader.getIsWritable();
  return property;
}

TypeDescription take(wire::Description::Type::Reader reader) {
  TypeDescription type;
  type.name = checked_text(reader.getName());
  type.doc = checked_text(reader.getDoc());
  const auto constructor = reader.getConstructor();
  if (constructor.isFunction()) type.constructor = take(constructor.getFunction());
  type.methods = take_all<FunctionDescription, wire::Description::Function>(reader.getMethods());
  type.properties =
      take_all<PropertyDescription, wire::Description::Property>(reader.getProperties());
  for (const auto base : reader.getBases()) type.bases.emplace_back(checked_text(base));
  return type;
}

std::pair<std::string, std::int64_t> take(wire::Description::Member::Reader reader) {
  return {std::string(checked_text(reader.getName())), reader.getValue()};
}

EnumDescription take(wire::Description::Enumeration::Reader reader) {
  EnumDescription enumeration;
  enumeration.name = checked_text(reader.getName());
  enumeration.doc = checked_text(reader.getDoc());
  enumeration.members = take_all<std::pair<std::string, std::int64_t>, wire::Description::Member>(
      reader.getMembers());
  return enumeration;
}

ExceptionDescription take(wire::Description::Exception::Reader reader) {
  ExceptionDescription exception;
  exception.name = checked_text(reader.getName());
  exception.doc = checked_text(reader.getDoc());
  exception.base = checked_text(reader.getBase());
  exception.kind = kind_of(reader.getKind());
  return exception;
}

ExtensionDescription take(wire::Description::Extension::Reader reader) {
  ExtensionDescription extension;
  extension.name = checked_text(reader.getName());
  extension.doc = checked_text(reader.getDoc());
  extension.file = checked_text(reader.getFile());
  extension.content_hash = checked_text(reader.getContentHash());
  return extension;
}

template <class Item, class Wire>
std::vector<Item> take_all(typename capnp::List<Wire>::Reader list) {
  std::vector<Item> items;
  if (list.size() == 0) return items;
  check_struct_size<Wire>(list[0]);
  items.reserve(list.size());
  for (const auto reader : list) items.push_back(take(reader));
  return items;
}

}  // namespace

void marshal(const Description& description, wire::Description::Builder builder) {
  builder.setVersion(checked_text_of(description.version));
  auto types = builder.initTypes(static_cast<unsigned>(description.types.size()));
  for (unsigned i = 0; i < types.size(); ++i) put(description.types[i], types[i]);
  auto functions = builder.initFunctions(static_cast<unsigned>(description.functions.size()));
  for (unsigned i = 0; i < functions.size(); ++i) put(description.functions[i], functions[i]);
  // Nothing at all for none, so that such descriptions keep their hash.
  if (!description.enumerations.empty()) {
    auto enumerations =
        builder.initEnumerations(static_cast<unsigned>(description.enumerations.size()));
    for (unsigned i = 0; i < enumerations.size(); ++i) {
      put(description.enumerations[i], enumerations[i]);
    }
  }
  if (!description.settings.empty()) {
    auto settings = builder.initSettings(static_cast<unsigned>(description.settings.size()));
    for (unsigned i = 0; i < settings.size(); ++i) put(description.settings[i], settings[i]);
  }
  if (!description.exceptions.empty()) {
    auto exceptions = builder.initExceptions(static_cast<unsigned>(description.exceptions.size()));
    for (unsigned i = 0; i < exceptions.size(); ++i) put(description.exceptions[i], exceptions[i]);
  }
  if (!description.extensions.empty()) {
    auto extensions = builder.initExtensions(static_cast<unsigned>(description.extensions.size()));
    for (unsigned i = 0; i < extensions.size(); ++i) put(description.extensions[i], extensions[i]);
  }
}

Description unmarshal(wire::Description::Reader reader) {
  return guarded([&] {
    Description description;
    description.version = checked_text(reader.getVersion());
    description.types = take_all<TypeDescription, wire::Description::Type>(reader.getTypes());
    description.functions =
        take_all<FunctionDescription, wire::Description::Function>(reader.getFunctions());
    description.enumerations =
        take_all<EnumDescription, wire::Description::Enumeration>(reader.getEnumerations());
    description.settings =
        take_all<SettingDescription, wire::Description::Property>(reader.getSettings());
    description.exceptions =
        take_all<ExceptionDescription, wire::Description::Exception>(reader.getExceptions());
    description.extensions =
        take_all<ExtensionDescription, wire::Description::Extension>(reader.getExtensions());
    return description;
  });
}

std::string hash_of(const Description& description) {
  capnp::MallocMessageBuilder message;
  const auto builder = message.initRoot<wire::Description>();
  marshal(description, builder);
  const kj::Array<capnp::word> canonical = capnp::canonicalize(builder.asReader());
  const auto bytes = canonical.asBytes();
  XXH128_canonical_t hash;
  XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes.begin(), bytes.size()));
  return {reinterpret_cast<const char*>(hash.digest), sizeof hash.digest};
}

}  // namespace cppipc
