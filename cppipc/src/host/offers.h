// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a host offers: its own registry, and those that were added while it runs.

#include <cppipc/description.h>
#include <cppipc/host.h>
#include <cppipc/registry.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cppipc {

// A registry that was added, all names of which begin with the extension's and a dot.
struct Addition {
  ExtensionDescription about;
  std::shared_ptr<const Registry> registry;
  Description description;  // of the registry

  // Of all that it offers, sorted.
  std::vector<std::string> names() const;
};

// Something that was found by its name.
template <class T>
struct Found {
  const T* thing = nullptr;            // null: nothing has that name
  const Addition* addition = nullptr;  // null: it is of the host's own registry
};

// Owns: all that was ever added, until its own end. A version that was replaced is still needed by
// its objects, and by calls that run; its code stays in the process anyway. So what is found may
// be kept as long as the host.
// Threads: any.
class Offers {
 public:
  // `own` must outlive it. Errors: as Registry::describe().
  Offers(const Registry& own, std::string version);

  Found<FunctionInfo> find_function(std::string_view name) const;
  Found<TypeInfo> find_type(std::string_view name) const;
  // Where a type of an object was registered; null: with the host's own types, or nowhere.
  const Addition* home_of(const TypeInfo& type) const;
  // That of the addition; the host's own if it is null.
  const Registry& registry_of(const Addition* addition) const {
    return addition == nullptr ? own_ : *addition->registry;
  }
  // What is offered now.
  std::shared_ptr<const Offer> now() const;

  // Offers more from now on. One of the same name takes the place of an earlier one, unless its
  // content is the same. Errors: kInvalidArgument, with nothing changed.
  struct Added {
    const Addition& addition;
    bool is_new;
  };
  Added add(LoadedExtension extension);

 private:
  void check_free(const Addition& added) const;
  const Addition* owner_of_locked(std::string_view name) const;
  void publish_locked();

  const Registry& own_;
  const Description own_description_;
  std::atomic<bool> has_additions_{false};
  mutable std::mutex mutex_;
  std::shared_ptr<const Offer> offer_;
  std::vector<std::unique_ptr<const Addition>> all_;
  std::map<std::string, const Addition*, std::less<>> current_;  // by the name of the extension
  std::unordered_map<const TypeInfo*, const Addition*> homes_;
};

}  // namespace cppipc
