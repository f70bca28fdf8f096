// SPDX-License-Identifier: Apache-2.0
#pragma once
// The builtins "save" and "load": between values and files that the client has opened.
//
// The file is the number of a descriptor that came with Session.takeFile; or, where descriptors do
// not cross, a function of the client: to save, one that takes bytes; to load, one that takes a
// number and returns at most so many bytes, none at the end.

#include <cppipc/registry.h>

#include <cstdint>
#include <map>
#include <mutex>

#include "rpc/descriptor.h"

namespace cppipc {

// The files that a session's client has given, and not used yet. Owns: them. Threads: any.
class GivenFiles {
 public:
  // Returns the file's number. Errors: kQuotaExceeded.
  std::int64_t add(Descriptor file);
  // Errors: kInvalidArgument if there is none.
  Descriptor take(std::int64_t number);

 private:
  std::mutex mutex_;
  std::int64_t last_ = 0;
  std::map<std::int64_t, Descriptor> files_;
};

void register_saving(Registry& builtins);

}  // namespace cppipc
