// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which values can cross, beyond what their C++ types say. Both sides ask the same questions:
// marshalling refuses such values as a mistake of the caller, unmarshalling as one of the peer.
//
// Threads: no state; any thread.

#include <cppipc/array.h>
#include <cppipc/error.h>
#include <cppipc/variant.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cppipc {

inline constexpr std::size_t kDimensionsMax = 64;  // of an array; NumPy's own limit

// Each returns null if the value can cross, else what is wrong with it, as a clause that fits
// after a colon. The text lives forever.
const char* problem_of(const Date& date);
const char* problem_of(const TimeOfDay& time);
const char* problem_of(const TimeDelta& delta);
// Only what Python's str(Decimal) gives: digits with at most one point and an exponent,
// an infinity, or a NaN with or without a payload.
const char* problem_of(const Decimal& decimal);
// Element types of fixed size without pointers, whose text, code and itemsize agree. The fields
// of a structured type are not looked into; who builds such a dtype must refuse objects in it.
const char* problem_of(const DType& dtype);
// At most 64 dimensions, none negative, and no stride or size past 2^63-1 bytes.
const char* problem_of_shape(std::span<const std::int64_t> shape, std::uint32_t itemsize);

// Refuses a value of the caller that has a problem: throws InvalidArgument.
inline void refuse_if(const char* problem) {
  if (problem != nullptr) throw Error(ErrorKind::kInvalidArgument, std::string(problem));
}

// Whether all elements lie within `size_bytes` bytes, of which those at `start` are the element
// with all indices 0. Only for shapes without a problem and without a 0.
bool is_within(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides,
               std::uint32_t itemsize, std::uint64_t start, std::uint64_t size_bytes);

// Bytes of all elements. Only for shapes without a problem.
std::uint64_t nbytes_of(std::span<const std::int64_t> shape, std::uint32_t itemsize);

}  // namespace cppipc
