// SPDX-License-Identifier: Apache-2.0
#pragma once
// The templates of <cppipc/array.h>. Included by it; not to be included directly.

#include <cppipc/array.h>

#include <cstddef>
#include <cstring>
#include <iterator>
#include <type_traits>

namespace cppipc {
namespace detail {

// What NumPy calls the kind of an element type: 'b' bool, 'i' signed, 'u' unsigned, 'f' floating,
// 'c' complex.
template <class T>
constexpr char dtype_kind() {
  if constexpr (std::is_same_v<T, bool>) return 'b';
  if constexpr (std::is_same_v<T, std::complex<float>>) return 'c';
  if constexpr (std::is_same_v<T, std::complex<double>>) return 'c';
  if constexpr (std::is_same_v<T, std::complex<long double>>) return 'c';
  if constexpr (std::is_floating_point_v<T>) return 'f';
  if constexpr (std::is_integral_v<T>) return std::is_signed_v<T> ? 'i' : 'u';
  return 0;
}

// Whether arrays may have elements of type T: bool, the integers of <cstdint> and all that are
// alike, float, double, long double, and std::complex of the latter three.
template <class T>
inline constexpr bool is_element = dtype_kind<T>() != 0 && !std::is_same_v<T, char> &&
                                   !std::is_same_v<T, wchar_t> && !std::is_same_v<T, char8_t> &&
                                   !std::is_same_v<T, char16_t> && !std::is_same_v<T, char32_t>;

// NumPy's type character of T. Types of one size differ: long is 'l', long long 'q'.
template <class T>
constexpr char dtype_code() {
  constexpr char kind = dtype_kind<T>();
  if constexpr (kind == 'b') return '?';
  if constexpr (kind == 'f') return sizeof(T) == 4 ? 'f' : std::is_same_v<T, double> ? 'd' : 'g';
  if constexpr (kind == 'c') {
    return sizeof(T) == 8 ? 'F' : std::is_same_v<T, std::complex<double>> ? 'D' : 'G';
  }
  if constexpr (kind == 'i' || kind == 'u') {
    using Signed = std::make_signed_t<T>;
    constexpr char code = std::is_same_v<Signed, signed char> ? 'b'
                          : std::is_same_v<Signed, short>     ? 'h'
                          : std::is_same_v<Signed, int>       ? 'i'
                          : std::is_same_v<Signed, long>      ? 'l'
                                                              : 'q';
    return kind == 'i' ? code : static_cast<char>(code - 'a' + 'A');
  }
  return 0;
}

// The dtype of a kind, code and size in native byte order.
DType native_dtype(char kind, char code, std::uint32_t itemsize);
// Whether `dtype` has elements of that kind and size in native byte order.
bool is_native_dtype(const DType& dtype, char kind, std::uint32_t itemsize);
[[noreturn]] void refuse_dtype(const DType& wanted, const DType& given);
[[noreturn]] void refuse_gaps();
bool is_aligned(const AnyArray& array, std::size_t alignment);
// The address of the element at `i` in C order.
const std::byte* element_at(const AnyArray& array, std::int64_t i);
// The element at that address, which may be of any alignment. Every nonzero byte is true.
template <class T>
T load_element(const std::byte* element) {
  if constexpr (std::is_same_v<T, bool>) return *element != std::byte{0};
  T value;
  std::memcpy(&value, element, sizeof(T));
  return value;
}
// `array` itself if Array<T> may take its memory, else a copy in C order.
AnyArray own(AnyArray array, std::size_t alignment);

}  // namespace detail

template <class T>
DType DType::of() {
  static_assert(detail::is_element<T>, "arrays have no elements of this type");
  return detail::native_dtype(detail::dtype_kind<T>(), detail::dtype_code<T>(), sizeof(T));
}

template <class T>
bool DType::is() const {
  static_assert(detail::is_element<T>, "arrays have no elements of this type");
  return detail::is_native_dtype(*this, detail::dtype_kind<T>(), sizeof(T));
}

template <class T>
ArrayView<T>::ArrayView(AnyArray array) : array_(std::move(array)) {
  if (!array_.dtype.template is<T>()) detail::refuse_dtype(DType::of<T>(), array_.dtype);
  size_ = array_.size();
  is_contiguous_ = array_.is_c_contiguous() && detail::is_aligned(array_, alignof(T));
}

template <class T>
T ArrayView<T>::operator[](std::int64_t i) const {
  const std::byte* element = is_contiguous_ ? array_.data + i * static_cast<std::int64_t>(sizeof(T))
                                            : detail::element_at(array_, i);
  return detail::load_element<T>(element);
}

// Walks by one stride within a row, which is the last dimension, or all elements if they have no
// gaps; the place of the next row is looked up.
template <class T>
class ArrayView<T>::Iterator {
 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::input_iterator_tag;  // as `reference` is no reference
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = T;

  Iterator() = default;
  T operator*() const { return detail::load_element<T>(element_); }
  Iterator& operator++() {
    ++index_;
    if (--left_ > 0) {
      element_ += stride_;
    } else if (index_ < view_->size_) {
      enter_row();
    }
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator& other) const { return index_ == other.index_; }

 private:
  friend class ArrayView;
  // `index` is that of the first element of a row, or one past the last element.
  Iterator(const ArrayView& view, std::int64_t index) : view_(&view), index_(index) {
    if (index_ < view_->size_) enter_row();
  }
  void enter_row() {
    const AnyArray& array = view_->array_;
    if (view_->is_contiguous_) {
      element_ = array.data;
      left_ = view_->size_;
      stride_ = sizeof(T);
    } else {
      element_ = detail::element_at(array, index_);
      left_ = array.shape.empty() ? 1 : array.shape.back();
      stride_ = array.strides.empty() ? 0 : array.strides.back();
    }
  }

  const ArrayView* view_ = nullptr;
  std::int64_t index_ = 0;
  const std::byte* element_ = nullptr;
  std::int64_t left_ = 0;  // elements of this row from here
  std::int64_t stride_ = 0;
};

template <class T>
std::span<const T> ArrayView<T>::span() const {
  if (!is_contiguous_) detail::refuse_gaps();
  return {reinterpret_cast<const T*>(array_.data), static_cast<std::size_t>(size_)};
}

template <class T>
Array<T>::Array(std::vector<std::int64_t> shape)
    : array_(make_array(DType::of<T>(), std::move(shape))), size_(array_.size()) {}

template <class T>
Array<T>::Array(AnyArray array) {
  if (!array.dtype.template is<T>()) detail::refuse_dtype(DType::of<T>(), array.dtype);
  array_ = detail::own(std::move(array), alignof(T));
  size_ = array_.size();
}

}  // namespace cppipc
