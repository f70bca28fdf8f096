// SPDX-License-Identifier: Apache-2.0
#pragma once
// The numbers in a list of Variants, read and written where they lie. Through Cap'n Proto's
// accessors every element costs a call and a copy of its reader; these lists are long.
//
// This repeats what the schema says of a Variant: the union's tag in the first two bytes, a bool
// in the bit behind it, an int or a float in the second word, all little-endian.

#include <cppipc/broker.capnp.h>

#include <capnp/any.h>
#include <capnp/list.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace cppipc {

static_assert(std::endian::native == std::endian::little, "elements lie in wire order");

using VariantList = capnp::List<wire::Variant>;

// Where a Variant keeps what, in bytes.
inline constexpr std::size_t kVariantBytes = 16;  // without its pointer
inline constexpr std::size_t kVariantPointers = 1;
inline constexpr std::size_t kTagOffset = 0;
inline constexpr std::size_t kBoolOffset = 2;
inline constexpr std::size_t kNumberOffset = 8;

// The elements of a list that is being read. Owns nothing.
class ElementReader {
 public:
  ElementReader() = default;
  // Errors: kProtocol if the elements are smaller than a Variant. They may be larger, from a newer
  // peer.
  explicit ElementReader(const VariantList::Reader& list);

  wire::Variant::Which which(unsigned i) const {
    return static_cast<wire::Variant::Which>(at<std::uint16_t>(i, kTagOffset));
  }
  bool boolean(unsigned i) const { return (at<std::uint8_t>(i, kBoolOffset) & 1) != 0; }
  template <class T>
  T number(unsigned i) const {
    return at<T>(i, kNumberOffset);
  }

 private:
  template <class T>
  T at(unsigned i, std::size_t offset) const {
    T value;
    std::memcpy(&value, first_ + i * stride_ + offset, sizeof value);
    return value;
  }

  const capnp::byte* first_ = nullptr;
  std::size_t stride_ = 0;
};

// The elements of a list that is being built, all of them null at first. Owns nothing.
class ElementWriter {
 public:
  ElementWriter() = default;
  explicit ElementWriter(VariantList::Builder& list) {
    if (list.size() > 0) first_ = capnp::AnyStruct::Builder(list[0]).getDataSection().begin();
  }

  void set_boolean(unsigned i, bool value) {
    put<std::uint16_t>(i, kTagOffset, wire::Variant::BOOL);
    put<std::uint8_t>(i, kBoolOffset, value ? 1 : 0);
  }
  void set_int(unsigned i, std::int64_t value) {
    put<std::uint16_t>(i, kTagOffset, wire::Variant::INT);
    put(i, kNumberOffset, value);
  }
  void set_float(unsigned i, double value) {
    put<std::uint16_t>(i, kTagOffset, wire::Variant::FLOAT);
    put(i, kNumberOffset, value);
  }

 private:
  static constexpr std::size_t kStride = kVariantBytes + kVariantPointers * sizeof(capnp::word);

  template <class T>
  void put(unsigned i, std::size_t offset, T value) {
    std::memcpy(first_ + i * kStride + offset, &value, sizeof value);
  }

  capnp::byte* first_ = nullptr;
};

}  // namespace cppipc
