// SPDX-License-Identifier: Apache-2.0
// Arrays: sizes, order, copies and comparison for any number of dimensions and any strides. All
// loops over elements go through for_each_row (strided.h); all products are checked, because
// shapes may come from a peer.
#include <cppipc/array.h>
#include <cppipc/error.h>
#include <cppipc/shared_pool.h>

#include "memory/birth.h"
#include "memory/block.h"
#include "memory/lease.h"
#include "values/strided.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace cppipc {
namespace {

std::int64_t product(std::span<const std::int64_t> shape, std::int64_t start) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t total = start;
  for (const std::int64_t length : shape) {
    if (__builtin_mul_overflow(total, length, &total)) {
      throw Error(ErrorKind::kOverflow, "array is too large: more than 2^63-1 elements or bytes");
    }
  }
  return total;
}

std::vector<std::int64_t> f_strides(std::span<const std::int64_t> shape, std::int64_t itemsize) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = itemsize;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    strides[d] = stride;
    stride *= std::max<std::int64_t>(shape[d], 1);
  }
  return strides;
}

// Copies `count` elements of a size known to the compiler, so that each copy is one instruction.
template <std::size_t kSize>
void copy_elements(const std::byte* from, std::int64_t count, std::int64_t stride, std::byte* out) {
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(out + i * kSize, from + i * stride, kSize);
}

void copy_row(const std::byte* from, std::int64_t count, std::int64_t stride,
              std::uint32_t itemsize, std::byte* out) {
  if (stride == itemsize) {
    std::memcpy(out, from, static_cast<std::size_t>(count) * itemsize);
    return;
  }
  switch (itemsize) {
    case 1:
      return copy_elements<1>(from, count, stride, out);
    case 2:
      return copy_elements<2>(from, count, stride, out);
    case 4:
      return copy_elements<4>(from, count, stride, out);
    case 8:
      return copy_elements<8>(from, count, stride, out);
    case 16:
      return copy_elements<16>(from, count, stride, out);
    default:
      for (std::int64_t i = 0; i < count; ++i) {
        std::memcpy(out + i * itemsize, from + i * stride, itemsize);
      }
  }
}

// Fills an array in C order, which becomes one in Fortran order if `array` is.
void fill_with_copy(AnyArray& out, const AnyArray& array) {
  out.flavor = array.flavor;
  if (array.is_f_contiguous() && !array.is_c_contiguous()) {
    out.strides = f_strides(array.shape, array.dtype.itemsize);
    std::memcpy(out.data, array.data, static_cast<std::size_t>(array.nbytes()));
  } else {
    array.copy_to(out.data);
  }
}

// The same elements in C order; `array` itself if it has that order already.
AnyArray in_c_order(const AnyArray& array) {
  if (array.is_c_contiguous()) return array;
  AnyArray ordered = make_array(array.dtype, array.shape);
  array.copy_to(ordered.data);
  return ordered;
}

// False if there can be no arena: the array is one as any other then.
bool be_born_shared(AnyArray& array, std::size_t size) {
  try {
    std::shared_ptr<std::byte> memory = make_block(size);
    array.data = memory.get();
    array.owner = std::move(memory);
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kOutOfMemory) throw;
    return false;
  }
}

bool bytes_equal(const AnyArray& a, const AnyArray& b) {
  const std::size_t size = static_cast<std::size_t>(a.nbytes());
  return size == 0 || std::memcmp(a.data, b.data, size) == 0;
}

}  // namespace

namespace detail {

std::vector<Dimension> joined_dimensions(const AnyArray& array) {
  std::vector<Dimension> joined;
  joined.reserve(array.shape.size() + 1);
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    const Dimension next{array.shape[d], array.strides[d]};
    if (next.length == 1) continue;
    if (!joined.empty() && joined.back().stride == next.length * next.stride) {
      joined.back() = {joined.back().length * next.length, next.stride};
    } else {
      joined.push_back(next);
    }
  }
  if (joined.empty()) joined.push_back({1, array.dtype.itemsize});
  return joined;
}

void refuse_gaps() {
  throw std::logic_error("span() of an array that is not contiguous; ask is_contiguous() first");
}

bool is_aligned(const AnyArray& array, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(array.data) % alignment == 0;
}

const std::byte* element_at(const AnyArray& array, std::int64_t i) {
  const std::byte* element = array.data;
  for (std::size_t d = array.shape.size(); d > 0; --d) {
    const std::int64_t length = array.shape[d - 1];
    element += (i % length) * array.strides[d - 1];
    i /= length;
  }
  return element;
}

AnyArray own(AnyArray array, std::size_t alignment) {
  if (array.owner && !array.is_readonly && array.origin != ArrayOrigin::kLent &&
      array.is_c_contiguous() && is_aligned(array, alignment)) {
    return array;
  }
  AnyArray copied = make_array(array.dtype, array.shape);
  array.copy_to(copied.data);
  copied.flavor = array.flavor;
  return copied;
}

}  // namespace detail

std::int64_t AnyArray::size() const { return product(shape, 1); }

std::int64_t AnyArray::nbytes() const {
  return dtype.itemsize == 0 ? 0 : product(shape, dtype.itemsize);
}

bool AnyArray::is_c_contiguous() const {
  std::int64_t expected = dtype.itemsize;
  bool is_contiguous = true;
  for (std::size_t d = shape.size(); d > 0; --d) {
    const std::int64_t length = shape[d - 1];
    if (length == 0) return true;
    if (length != 1 && strides[d - 1] != expected) is_contiguous = false;
    expected *= length;
  }
  return is_contiguous;
}

bool AnyArray::is_f_contiguous() const {
  std::int64_t expected = dtype.itemsize;
  bool is_contiguous = true;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return true;
    if (shape[d] != 1 && strides[d] != expected) is_contiguous = false;
    expected *= shape[d];
  }
  return is_contiguous;
}

void AnyArray::copy_to(std::byte* out) const {
  if (dtype.itemsize == 0) return;
  detail::for_each_row(*this, [&](const std::byte* first, std::int64_t count, std::int64_t stride) {
    copy_row(first, count, stride, dtype.itemsize, out);
    out += count * dtype.itemsize;
  });
}

AnyArray AnyArray::copy() const {
  AnyArray copied = make_array(dtype, shape);
  fill_with_copy(copied, *this);
  return copied;
}

bool AnyArray::operator==(const AnyArray& other) const {
  if (dtype != other.dtype || shape != other.shape) return false;
  if (data == other.data && strides == other.strides) return true;
  if (is_f_contiguous() && other.is_f_contiguous()) return bytes_equal(*this, other);
  return bytes_equal(in_c_order(*this), in_c_order(other));
}

std::span<std::byte> extent_of(const AnyArray& array) {
  if (array.nbytes() == 0) return {};
  std::int64_t before = 0;
  std::int64_t behind = array.dtype.itemsize;
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    const std::int64_t way = (array.shape[d] - 1) * array.strides[d];
    if (way < 0) {
      before -= way;
    } else {
      behind += way;
    }
  }
  return {array.data - before, static_cast<std::size_t>(before + behind)};
}

bool share_in_place(AnyArray& array) {
  const auto bytes = extent_of(array);
  auto owner = bytes.empty() ? nullptr : pin(bytes.data(), bytes.size());
  // What was made to be given away belongs to what it was made for.
  if (!owner || block_hold(owner)->use != BlockUse::kLent) return false;
  array.owner = std::move(owner);
  return true;
}

AnyArray copy_into(SharedPool* pool, const AnyArray& array) {
  const std::int64_t size = array.nbytes();
  if (pool == nullptr || size == 0) return array.copy();
  AnyArray copied;
  try {
    std::shared_ptr<std::byte> memory = pool->share(static_cast<std::size_t>(size));
    copied.data = memory.get();
    copied.owner = std::move(memory);
  } catch (const std::bad_alloc&) {
    return array.copy();
  }
  copied.dtype = array.dtype;
  copied.shape = array.shape;
  copied.strides = c_strides(array.shape, array.dtype.itemsize);
  copied.is_readonly = false;
  fill_with_copy(copied, array);
  return copied;
}

std::optional<ArenaPlace> arena_place(const AnyArray& array) {
  if (const BlockHold* block = block_hold(array.owner)) {
    return ArenaPlace{block->arena->id(),
                      static_cast<std::uint64_t>(array.data - block->arena->data())};
  }
  const Lease* lease = lease_of(array.owner);
  if (lease == nullptr || lease->arena_id == 0) return std::nullopt;
  return ArenaPlace{lease->arena_id,
                    lease->arena_offset + static_cast<std::uint64_t>(array.data - lease->begin)};
}

AnyArray make_array(const DType& dtype, std::vector<std::int64_t> shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t length) { return length < 0; })) {
    throw Error(ErrorKind::kInvalidArgument, "negative dimensions are not allowed");
  }
  AnyArray array;
  array.dtype = dtype;
  array.strides = c_strides(shape, dtype.itemsize);
  array.shape = std::move(shape);
  array.is_readonly = false;
  (void)array.size();  // an array without bytes may still have too many elements
  const std::size_t size = static_cast<std::size_t>(std::max<std::int64_t>(array.nbytes(), 1));
  if (SharedBirths::are_on() && size >= kBornSharedBytes && be_born_shared(array, size)) {
    return array;
  }
  // calloc leaves large blocks to the kernel, which hands out zeroed pages when they are touched.
  std::shared_ptr<void> memory(std::calloc(size, 1), &std::free);
  if (!memory) {
    throw Error(ErrorKind::kOutOfMemory,
                "no memory for an array of " + std::to_string(size) + " bytes");
  }
  array.data = static_cast<std::byte*>(memory.get());
  array.owner = std::move(memory);
  return array;
}

std::vector<std::int64_t> c_strides(std::span<const std::int64_t> shape, std::int64_t itemsize) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = itemsize;
  for (std::size_t d = shape.size(); d > 0; --d) {
    strides[d - 1] = stride;
    if (__builtin_mul_overflow(stride, std::max<std::int64_t>(shape[d - 1], 1), &stride)) {
      stride = std::numeric_limits<std::int64_t>::max();  // nbytes() refuses unless it is empty
    }
  }
  return strides;
}

}  // namespace cppipc
