// SPDX-License-Identifier: Apache-2.0
#pragma once
// Arrays: views of those that callers give, and new ones.

#include <cppipc/ext/convert_containers.h>

#include <iterator>

namespace cppipc::ext {
namespace detail {

// NumPy's type string of T, "<f8".
template <class T>
std::string dtype_text() {
  static_assert(is_element<T>, "arrays have elements of numbers and bools");
  constexpr char kOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
  return std::string{sizeof(T) == 1 ? '|' : kOrder, dtype_kind<T>()} + std::to_string(sizeof(T));
}

// "ndarray[float64]".
template <class T>
std::string spell_array() {
  constexpr char kKind = dtype_kind<T>();
  if constexpr (kKind == 'b') return "ndarray[bool]";
  const char* name = kKind == 'i'   ? "int"
                     : kKind == 'u' ? "uint"
                     : kKind == 'f' ? "float"
                                    : "complex";
  return joined({"ndarray[", name, std::to_string(8 * sizeof(T)), "]"});
}

// What both kinds of array are made of: a share of an array of the host's.
class HeldArray {
 public:
  explicit HeldArray(Handle handle) : handle_(std::move(handle)) {
    const cppipc_array& array = *handle_.value().as.array;
    shape_.assign(array.shape, array.shape + array.ndim);
    for (const std::int64_t length : shape_) size_ *= length;
  }

  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::size_t ndim() const { return shape_.size(); }
  std::int64_t size() const { return size_; }
  // Not for extensions.
  const Handle& handle() const { return handle_; }
  const cppipc_array& array() const { return *handle_.value().as.array; }

 private:
  Handle handle_;
  std::vector<std::int64_t> shape_;
  std::int64_t size_ = 1;
};

}  // namespace detail

// A strided, read-only view of elements of exactly type T, in the caller's memory. Copying shares
// it; it may be kept. A range: `for (double x : view)` goes through all elements in C order.
template <class T>
class ArrayView : public detail::HeldArray {
 public:
  explicit ArrayView(detail::Handle handle)
      : HeldArray(std::move(handle)),
        data_(static_cast<const char*>(array().data)),
        strides_(array().strides, array().strides + array().ndim) {
    std::int64_t expected = sizeof(T);
    for (std::size_t d = ndim(); d > 0; --d) {
      if (shape()[d - 1] != 1 && strides_[d - 1] != expected) is_contiguous_ = false;
      expected *= shape()[d - 1];
    }
    if (size() == 0) is_contiguous_ = true;
    if (reinterpret_cast<std::uintptr_t>(data_) % alignof(T) != 0) is_contiguous_ = false;
  }

  const std::vector<std::int64_t>& strides() const { return strides_; }  // bytes
  // In C order without gaps, and aligned for T.
  bool is_contiguous() const { return is_contiguous_; }
  // The first element. Only if is_contiguous().
  const T* data() const { return reinterpret_cast<const T*>(data_); }
  // The element at `i` in C order; any strides. No bounds check.
  T operator[](std::int64_t i) const { return read(address(i)); }
  // The element at one index for each dimension. No bounds check.
  template <class... Index>
  T operator()(Index... index) const {
    const char* at = data_;
    std::size_t d = 0;
    ((at += static_cast<std::int64_t>(index) * strides_[d++]), ...);
    return read(at);
  }

  // Refers to the view, which must outlive it. Steps along the last dimension, and finds its way
  // anew at the end of each row.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::int64_t;
    using pointer = const T*;
    using reference = T;

    Iterator(const ArrayView& view, std::int64_t i) : view_(&view), i_(i) { find_row(); }
    T operator*() const { return view_->read(at_); }
    Iterator& operator++() {
      ++i_;
      at_ += view_->step();
      if (i_ == row_end_) find_row();
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }
    bool operator!=(const Iterator& other) const { return i_ != other.i_; }

   private:
    void find_row() {
      if (i_ >= view_->size()) return;
      at_ = view_->address(i_);
      const std::int64_t row = view_->ndim() == 0 ? 1 : view_->shape().back();
      row_end_ = i_ - i_ % row + row;
    }
    const ArrayView* view_;
    std::int64_t i_;
    std::int64_t row_end_ = 0;
    const char* at_ = nullptr;
  };
  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, size()); }

 private:
  std::int64_t step() const { return strides_.empty() ? 0 : strides_.back(); }
  const char* address(std::int64_t i) const {
    const char* at = data_;
    for (std::size_t d = ndim(); d > 0; --d) {
      at += i % shape()[d - 1] * strides_[d - 1];
      i /= shape()[d - 1];
    }
    return at;
  }
  static T read(const char* at) {
    T element;
    __builtin_memcpy(&element, at, sizeof element);  // it may be aligned for less than T
    return element;
  }

  const char* data_;
  std::vector<std::int64_t> strides_;
  bool is_contiguous_ = true;
};

// An owned array of T in C order. A new one is all zeros and lies where results leave from without
// a copy. Copying shares the memory.
template <class T>
class Array : public detail::HeldArray {
 public:
  // Errors: kOutOfMemory, kInvalidArgument for a negative length.
  explicit Array(const std::vector<std::int64_t>& shape) : Array(make(shape)) {}
  explicit Array(std::int64_t length) : Array(std::vector<std::int64_t>{length}) {}
  explicit Array(detail::Handle handle)
      : HeldArray(std::move(handle)), data_(static_cast<T*>(array().data)) {}

  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size(); }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size(); }
  // No bounds check.
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  static detail::Handle make(const std::vector<std::int64_t>& shape) {
    const std::string dtype = detail::dtype_text<T>();
    cppipc_handle* handle = nullptr;
    detail::check(detail::host().new_array(
        detail::text_of(dtype), static_cast<std::int64_t>(shape.size()), shape.data(), &handle));
    return detail::Handle(handle);
  }
  T* data_;
};

namespace detail {

template <class T>
Handle load_array_of(const cppipc_value& value, const Place& place, bool is_own) {
  const std::string dtype = dtype_text<T>();
  cppipc_handle* handle = nullptr;
  check(host().load_array(&place, &value, text_of(dtype), is_own ? 1 : 0, &handle));
  return Handle(handle);
}

template <class T>
struct Converter<ArrayView<T>> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_ARRAY);

  static ArrayView<T> load(const cppipc_value& value, const Place& place) {
    return ArrayView<T>(load_array_of<T>(value, place, false));
  }
  static cppipc_value store(const ArrayView<T>& array, Store&, const Place&) {
    return array.handle().value();
  }
  CPPIPC_EXT_COLD static std::string spell() { return spell_array<T>(); }
};
template <class T>
struct Converter<Array<T>> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_ARRAY);

  static Array<T> load(const cppipc_value& value, const Place& place) {
    return Array<T>(load_array_of<T>(value, place, true));
  }
  static cppipc_value store(const Array<T>& array, Store&, const Place&) {
    return array.handle().value();
  }
  CPPIPC_EXT_COLD static std::string spell() { return spell_array<T>(); }
};

}  // namespace detail
}  // namespace cppipc::ext
