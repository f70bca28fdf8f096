// SPDX-License-Identifier: Apache-2.0
#pragma once
// Objects of which there is one: for the server, or for each session.

#include <cppipc/context.h>
#include <cppipc/variant.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cppipc::detail {

// Owns: the object, once it has been made. Threads: any.
class Once {
 public:
  // The object. Whoever is first makes it, and others wait meanwhile; if that fails the next one
  // tries. Errors: what `make` throws; kCancelled and kTimeout while it waits; kRemote if `make`
  // gives no object, or asks for the one that it is to make.
  Variant get(const std::function<Variant()>& make, const Context& context,
              const std::string& type);
  // Null if there is none.
  Variant object() const;

 private:
  struct Maker {
    std::thread::id thread;
    const void* session = nullptr;
    std::uint64_t chain = 0;
  };

  bool is_maker(const Context& context) const;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Variant object_;
  bool is_being_made_ = false;
  Maker maker_;
};

// What one session has for itself. Threads: any.
class SessionObjects {
 public:
  // The one for `key`, which says what is made. Errors: kConnectionLost once it is closed.
  std::shared_ptr<Once> of(const std::shared_ptr<const void>& key);
  // The session is over: returns what there is.
  std::vector<Variant> close();

 private:
  std::mutex mutex_;
  bool is_closed_ = false;
  std::map<std::shared_ptr<const void>, std::shared_ptr<Once>> objects_;
};

}  // namespace cppipc::detail
