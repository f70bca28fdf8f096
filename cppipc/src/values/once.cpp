// SPDX-License-Identifier: Apache-2.0
#include "values/once.h"

#include <cppipc/error.h>

#include <chrono>

namespace cppipc::detail {
namespace {

// How often a thread that waits looks at its deadline, which wakes nobody.
constexpr auto kLook = std::chrono::milliseconds(100);

}  // namespace

bool Once::is_maker(const Context& context) const {
  if (maker_.thread == std::this_thread::get_id()) return true;
  return context.chain != 0 && maker_.chain == context.chain &&
         maker_.session == context.session_objects.get();
}

Variant Once::get(const std::function<Variant()>& make, const Context& context,
                  const std::string& type) {
  std::unique_lock lock(mutex_);
  while (is_being_made_) {
    if (is_maker(context)) {
      throw Error(ErrorKind::kRemote,
                  "the factory of " + type + " asks for the " + type + " that it is about to make");
    }
    changed_.wait_for(lock, context.stop_token(), kLook, [&] { return !is_being_made_; });
    context.throw_if_cancelled();
  }
  if (!object_.is_null()) return object_;
  is_being_made_ = true;
  maker_ = {std::this_thread::get_id(), context.session_objects.get(), context.chain};
  lock.unlock();
  Variant made;
  std::exception_ptr failure;
  try {
    made = make();
    if (made.is_null()) {
      throw Error(ErrorKind::kRemote, "the factory of " + type + " has returned no object");
    }
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  object_ = std::move(made);
  is_being_made_ = false;
  changed_.notify_all();
  if (failure) std::rethrow_exception(failure);
  return object_;
}

Variant Once::object() const {
  std::lock_guard lock(mutex_);
  return object_;
}

std::shared_ptr<Once> SessionObjects::of(const std::shared_ptr<const void>& key) {
  std::lock_guard lock(mutex_);
  if (is_closed_) throw Error(ErrorKind::kConnectionLost, "the session is over");
  std::shared_ptr<Once>& once = objects_[key];
  if (!once) once = std::make_shared<Once>();
  return once;
}

std::vector<Variant> SessionObjects::close() {
  std::map<std::shared_ptr<const void>, std::shared_ptr<Once>> objects;
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    objects.swap(objects_);
  }
  std::vector<Variant> values;
  for (const auto& [key, once] : objects) values.push_back(once->object());
  return values;
}

}  // namespace cppipc::detail
