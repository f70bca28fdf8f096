// SPDX-License-Identifier: Apache-2.0
#pragma once
// Arrays: a pointer to elements with dtype, shape and strides, and an owner that keeps the memory.
//
// AnyArray is the type-erased form that a Variant holds; ArrayView<T> and Array<T> are what C++
// functions take and return. Shapes count elements, strides count bytes, as in NumPy.

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {

class SharedPool;

// The type of an array's elements, in NumPy's terms.
struct DType {
  // NumPy's type string, e.g. "<f8", "|b1", ">i4", "<M8[ns]", "|V5"; a structured type is the
  // text of its descr, a Python literal that begins with "[" or "{".
  std::string text;
  // NumPy's type character, which keeps 'l' and 'q' apart; 'V' for structured types.
  char code = 0;
  std::uint32_t itemsize = 0;

  // The dtype of a C++ arithmetic or complex type, in native byte order.
  template <class T>
  static DType of();

  bool operator==(const DType&) const = default;
  // Whether the elements are those of a C++ T in native byte order ('l' and 'q' are one).
  template <class T>
  bool is() const;
  // "float64", "int32", "complex128", "bool"; other types give their text.
  std::string name() const;
};

// What an array was on the Python side, so that it comes back as the same.
enum class ArrayFlavor : std::uint8_t {
  kArray = 0,       // numpy.ndarray
  kScalar = 1,      // a NumPy scalar (0-d)
  kByteArray = 2,   // bytearray
  kArrayArray = 3,  // array.array
  kBuffer = 4,      // any other exporter of the buffer protocol
};

// Where the elements of an array came from.
enum class ArrayOrigin : std::uint8_t {
  kHere = 0,     // made in this process
  kMessage = 1,  // copied from the message that brought the array: the sender's are others
  kBeside = 2,   // came beside the message, and are nobody else's any more
  kLent = 3,     // lie in memory that the sender goes on using: both see what either one writes
};

// Owns: a share of `owner`, which keeps `data` alive. Copying shares the memory.
// Threads: as safe as the memory it points to.
struct AnyArray {
  DType dtype;
  std::vector<std::int64_t> shape;    // empty for 0-d
  std::vector<std::int64_t> strides;  // bytes, as many as `shape`
  std::byte* data = nullptr;          // the element with all indices 0
  std::shared_ptr<const void> owner;
  bool is_readonly = true;
  ArrayFlavor flavor = ArrayFlavor::kArray;
  ArrayOrigin origin = ArrayOrigin::kHere;

  // The product of the shape; 1 for 0-d, 0 if any dimension is. Errors: kOverflow past 2^63-1.
  std::int64_t size() const;
  // size() * itemsize. Errors: kOverflow past 2^63-1.
  std::int64_t nbytes() const;
  bool is_c_contiguous() const;
  bool is_f_contiguous() const;
  // The elements in C order, one after the other, copied to `out` (nbytes() bytes).
  void copy_to(std::byte* out) const;
  // A new writable array in C order (Fortran order if this is F- but not C-contiguous).
  AnyArray copy() const;
  // Same dtype, shape and elements (bitwise: NaN equals itself); strides and flavor do not matter.
  bool operator==(const AnyArray& other) const;
};

// The bytes from the lowest element to the end of the highest one, whatever the strides are; none
// if there is no element.
std::span<std::byte> extent_of(const AnyArray& array);

// Where the elements lie in memory that is shared with a peer.
struct ArenaPlace {
  std::uint64_t arena = 0;   // the number its maker gave it
  std::uint64_t offset = 0;  // of the element with all indices 0, in bytes
};
// nullopt for memory of this process alone.
std::optional<ArenaPlace> arena_place(const AnyArray& array);
// If the elements lie in a SharedPool of this process, makes a share of their block the owner, so
// that they cross without a copy, and returns true.
bool share_in_place(AnyArray& array);
// A copy in C or Fortran order in a block of `pool`; in ordinary memory if that is null or full.
AnyArray copy_into(SharedPool* pool, const AnyArray& array);

// A new writable array of zeros in C order. Errors: kOutOfMemory, kInvalidArgument for negative
// shapes, kOverflow.
AnyArray make_array(const DType& dtype, std::vector<std::int64_t> shape);
// C-order strides in bytes for a shape.
std::vector<std::int64_t> c_strides(std::span<const std::int64_t> shape, std::int64_t itemsize);

// A borrowed, strided, read-only view of elements of exactly type T. A range:
// `for (double x : view)` goes through all elements in C order, whatever shape and strides are.
template <class T>
class ArrayView {
 public:
  // Errors: kWrongType naming both dtypes.
  explicit ArrayView(AnyArray array);

  std::span<const std::int64_t> shape() const { return array_.shape; }
  std::size_t ndim() const { return array_.shape.size(); }
  std::int64_t size() const { return size_; }
  // In C order without gaps, and aligned for T.
  bool is_contiguous() const { return is_contiguous_; }
  // The element at `i` in C order; any strides. No bounds check.
  T operator[](std::int64_t i) const;
  // A forward iterator that gives elements by value. It refers to the view, which must outlive it.
  // No bounds check. About as fast as a pointer along the last dimension.
  class Iterator;
  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, size_); }
  // The elements as one span. Errors: std::logic_error unless is_contiguous().
  std::span<const T> span() const;
  const AnyArray& any() const { return array_; }

 private:
  AnyArray array_;
  std::int64_t size_ = 0;
  bool is_contiguous_ = false;
};

// An owned array of T in C order, writable by its owner.
template <class T>
class Array {
 public:
  explicit Array(std::vector<std::int64_t> shape);
  explicit Array(std::int64_t length) : Array(std::vector<std::int64_t>{length}) {}
  // Takes the memory if it is owned, writable, not lent, aligned, in C order and of exactly T;
  // copies otherwise.
  // Errors: kWrongType if the dtype is another.
  explicit Array(AnyArray array);

  std::span<const std::int64_t> shape() const { return array_.shape; }
  std::int64_t size() const { return size_; }
  T* data() { return reinterpret_cast<T*>(array_.data); }
  const T* data() const { return reinterpret_cast<const T*>(array_.data); }
  std::span<T> span() { return {data(), static_cast<std::size_t>(size_)}; }
  std::span<const T> span() const { return {data(), static_cast<std::size_t>(size_)}; }
  T& operator[](std::int64_t i) { return data()[i]; }
  const T& operator[](std::int64_t i) const { return data()[i]; }
  const AnyArray& any() const { return array_; }

 private:
  AnyArray array_;
  std::int64_t size_ = 0;
};

}  // namespace cppipc

#include <cppipc/detail/array_impl.h>
