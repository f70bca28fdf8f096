// SPDX-License-Identifier: Apache-2.0
#pragma once
// What leaves a function: text must be UTF-8, objects must get their registered type.

#include <cppipc/detail/load.h>
#include <cppipc/function.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cppipc::detail {

// Errors: kRemote unless it is UTF-8.
void check_text(std::string_view text, const Place& place);

// An exposed object put into a Variant where no registry was at hand. It never leaves the
// function that made it: store_object() finds its type on the way out.
class PendingObject final : public Object {
 public:
  explicit PendingObject(OutgoingObject object);
  std::string_view type_name() const override { return name_; }
  const OutgoingObject& object() const { return object_; }

 private:
  OutgoingObject object_;
  std::string name_;
};

}  // namespace cppipc::detail
