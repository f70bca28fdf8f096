// SPDX-License-Identifier: Apache-2.0
#include "host/offers.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "values/naming.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

[[noreturn]] void refuse_offer(const std::string& extension, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, "extension '" + extension + "' " + why);
}

// Errors: kInvalidArgument for what a registry of its own would have refused.
Description described(const ExtensionDescription& about, const Registry& registry) {
  try {
    detail::check_identifier(about.name, "extension");
    return registry.describe({});
  } catch (const std::logic_error& error) {
    refuse_offer(about.name, std::string("cannot be offered: ") + error.what());
  }
}

// `inner` lies in the namespace `outer`, or is it.
bool is_within(std::string_view inner, std::string_view outer) {
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '.');
}

// A function, or a static method of a type.
const FunctionInfo* find_in(const Registry& registry, std::string_view name) {
  const FunctionInfo* function = registry.find_function(name);
  return function != nullptr ? function : registry.find_static_method(name);
}

template <class Item>
void check_names(const std::vector<Item>& items, const std::string& extension) {
  for (const Item& item : items) {
    if (is_within(item.name, extension) && item.name.size() > extension.size()) continue;
    refuse_offer(extension,
                 "offers '" + item.name + "'; its names must begin with '" + extension + ".'");
  }
}

template <class Item>
void check_unused(const std::vector<Item>& items, const std::string& extension,
                  const std::string& what) {
  for (const Item& item : items) {
    if (!is_within(item.name, extension)) continue;
    refuse_offer(extension,
                 "cannot be offered: the server itself has the " + what + " '" + item.name + "'");
  }
}

template <class Item>
void append(std::vector<Item>& to, const std::vector<Item>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class Item>
void sort(std::vector<Item>& items) {
  std::sort(items.begin(), items.end(),
            [](const Item& one, const Item& other) { return one.name < other.name; });
}

}  // namespace

Offers::Offers(const Registry& own, std::string version)
    : own_(own), own_description_(own.describe(std::move(version))) {
  publish_locked();
}

const Addition* Offers::owner_of_locked(std::string_view name) const {
  const auto found = current_.find(name.substr(0, name.find('.')));
  return found == current_.end() ? nullptr : found->second;
}

Found<FunctionInfo> Offers::find_function(std::string_view name) const {
  const FunctionInfo* own = find_in(own_, name);
  if (own != nullptr || !has_additions_) return {own, nullptr};
  const std::lock_guard lock(mutex_);
  const Addition* addition = owner_of_locked(name);
  if (addition == nullptr) return {};
  return {find_in(*addition->registry, name), addition};
}

Found<TypeInfo> Offers::find_type(std::string_view name) const {
  const TypeInfo* own = own_.find_type(name);
  if (own != nullptr || !has_additions_) return {own, nullptr};
  const std::lock_guard lock(mutex_);
  const Addition* addition = owner_of_locked(name);
  if (addition == nullptr) return {};
  return {addition->registry->find_type(name), addition};
}

const Addition* Offers::home_of(const TypeInfo& type) const {
  if (!has_additions_) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto found = homes_.find(&type);
  return found == homes_.end() ? nullptr : found->second;
}

std::shared_ptr<const Offer> Offers::now() const {
  const std::lock_guard lock(mutex_);
  return offer_;
}

void Offers::check_free(const Addition& added) const {
  const std::string& name = added.about.name;
  check_names(added.description.types, name);
  check_names(added.description.functions, name);
  check_names(added.description.enumerations, name);
  check_names(added.description.exceptions, name);
  check_unused(own_description_.types, name, "type");
  check_unused(own_description_.functions, name, "function");
  check_unused(own_description_.enumerations, name, "enumeration");
  check_unused(own_description_.exceptions, name, "exception");
}

std::vector<std::string> Addition::names() const {
  std::vector<std::string> names;
  for (const auto& type : description.types) names.push_back(type.name);
  for (const auto& function : description.functions) names.push_back(function.name);
  for (const auto& enumeration : description.enumerations) names.push_back(enumeration.name);
  for (const auto& exception : description.exceptions) names.push_back(exception.name);
  std::sort(names.begin(), names.end());
  return names;
}

Offers::Added Offers::add(LoadedExtension extension) {
  Description description = described(extension.about, *extension.registry);
  auto added = std::make_unique<const Addition>(
      Addition{std::move(extension.about), std::move(extension.registry), std::move(description)});
  check_free(*added);
  const std::lock_guard lock(mutex_);
  const auto known = current_.find(added->about.name);
  if (known != current_.end() && known->second->about.content_hash == added->about.content_hash) {
    return {*known->second, false};
  }
  for (const auto& [name, type] : added->registry->types()) homes_.emplace(&type, added.get());
  current_[added->about.name] = added.get();
  all_.push_back(std::move(added));
  has_additions_ = true;
  publish_locked();
  return {*all_.back(), true};
}

void Offers::publish_locked() {
  auto offer = std::make_shared<Offer>();
  offer->version = offer_ == nullptr ? 1 : offer_->version + 1;
  Description& all = offer->description;
  all = own_description_;
  for (const auto& [name, addition] : current_) {
    append(all.types, addition->description.types);
    append(all.functions, addition->description.functions);
    append(all.enumerations, addition->description.enumerations);
    append(all.exceptions, addition->description.exceptions);
    all.extensions.push_back(addition->about);
  }
  sort(all.types);
  sort(all.functions);
  sort(all.enumerations);
  sort(all.exceptions);
  offer->hash = hash_of(all);
  offer_ = std::move(offer);
}

}  // namespace cppipc
