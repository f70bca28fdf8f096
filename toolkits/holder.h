// SPDX-License-Identifier: Apache-2.0
#pragma once
// Holder: keeps values on the server, and looks into their memory.

#include <cppipc/save.h>
#include <cppipc/variant.h>

#include <cstdint>
#include <map>

namespace cppipc::toolkits {

// Values by number, from 1 on. Errors: std::out_of_range for an unknown number.
// Threads: one call at a time, as the host calls it.
class Holder {
 public:
  // Keeps the very object or memory; returns its number.
  std::int64_t hold(Variant x);
  // Keeps a new array of `n` zeros, of double, that was made here; returns its number.
  std::int64_t zeros(std::int64_t n);
  Variant get(std::int64_t h) const;
  void drop(std::int64_t h);

  // `n` bytes at `offset` of the memory of a str, bytes or contiguous array. Errors: kWrongType
  // for other values, std::out_of_range past the end, std::invalid_argument for gaps.
  Bytes peek(std::int64_t h, std::int64_t offset, std::int64_t n) const;
  // Writes into the memory of an array. Errors: as peek, and std::invalid_argument if it is
  // read-only.
  void poke(std::int64_t h, std::int64_t offset, const Bytes& data);

  // The values with their numbers.
  void save(SaveWriter& out) const;
  static Holder load(SaveReader& in);

 private:
  std::map<std::int64_t, Variant> values_;
  std::int64_t last_ = 0;
};

}  // namespace cppipc::toolkits
