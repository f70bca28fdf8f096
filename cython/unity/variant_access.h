// SPDX-License-Identifier: Apache-2.0
#pragma once
// The alternatives of a Variant under names that Cython can call. `put_*` sets the variant,
// `get_*` reads the alternative that kind() has named before.

#include <cppipc/client.h>
#include <cppipc/variant.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace unity {

using cppipc::Variant;
using Items = std::vector<Variant>;
using Entries = std::vector<std::pair<Variant, Variant>>;

inline void put_float(Variant* out, double value) { out->storage().emplace<double>(value); }
inline void put_complex(Variant* out, double real, double imaginary) {
  out->storage().emplace<std::complex<double>>(real, imaginary);
}
// Borrows the memory, until the variant has been written into a message.
inline void view_bytes(Variant* out, const char* bytes, std::size_t size) {
  out->storage().emplace<cppipc::Bytes>(std::span(reinterpret_cast<const std::byte*>(bytes), size),
                                        nullptr);
}
// Shares the memory, which `owner` keeps.
inline void put_bytes(Variant* out, const char* bytes, std::size_t size,
                      std::shared_ptr<const void> owner) {
  out->storage().emplace<cppipc::Bytes>(std::span(reinterpret_cast<const std::byte*>(bytes), size),
                                        std::move(owner));
}

inline void put_date(Variant* out, const cppipc::Date& value) { out->storage() = value; }
inline void put_time(Variant* out, const cppipc::TimeOfDay& value) { out->storage() = value; }
inline void put_datetime(Variant* out, const cppipc::Date& date, const cppipc::TimeOfDay& time) {
  out->storage().emplace<cppipc::DateTime>(cppipc::DateTime{date, time});
}
inline void put_timedelta(Variant* out, std::int32_t days, std::int32_t seconds,
                          std::int32_t microseconds) {
  out->storage().emplace<cppipc::TimeDelta>(cppipc::TimeDelta{days, seconds, microseconds});
}
inline void put_decimal(Variant* out, const char* text, std::size_t size) {
  out->storage().emplace<cppipc::Decimal>(std::string(text, size));
}
inline void put_uuid(Variant* out, const char* bytes) {
  std::memcpy(out->storage().emplace<cppipc::Uuid>().bytes.data(), bytes, 16);
}
// The memory under an array, as an array of bytes.
inline cppipc::AnyArray bytes_under(const cppipc::AnyArray& array) {
  const auto bytes = cppipc::extent_of(array);
  cppipc::AnyArray under;
  under.dtype = cppipc::DType::of<std::uint8_t>();
  under.shape = {static_cast<std::int64_t>(bytes.size())};
  under.strides = {1};
  under.data = bytes.data();
  under.owner = array.owner;
  under.is_readonly = array.is_readonly;
  return under;
}
// If the elements lie in those of `under`, in memory that is shared with a peer, gives `array` the
// same owner, and returns true.
inline bool share_memory_of(cppipc::AnyArray& array, const cppipc::AnyArray& under) {
  const auto inner = cppipc::extent_of(array);
  const auto outer = cppipc::extent_of(under);
  if (inner.empty() || outer.empty() || !cppipc::arena_place(under)) return false;
  const std::less_equal<const std::byte*> before;
  if (!before(outer.data(), inner.data())) return false;
  if (!before(inner.data() + inner.size(), outer.data() + outer.size())) return false;
  array.owner = under.owner;
  return true;
}
inline void put_array(Variant* out, cppipc::AnyArray& array) { *out = Variant(std::move(array)); }
inline void put_object(Variant* out, const std::shared_ptr<cppipc::RemoteObject>& object) {
  out->storage().emplace<cppipc::ObjectPtr>(object);
}
inline void put_enum(Variant* out, const char* type, std::size_t type_size, const char* name,
                     std::size_t name_size) {
  out->storage().emplace<cppipc::EnumMember>(
      cppipc::EnumMember{std::string(type, type_size), std::string(name, name_size)});
}

// Gives an array that has its shape the strides of C order.
inline void set_c_strides(cppipc::AnyArray& array) {
  array.strides = cppipc::c_strides(array.shape, array.dtype.itemsize);
}

template <class T>
const T& get(const Variant& value) {
  return *std::get_if<T>(&value.storage());
}
inline bool get_bool(const Variant& value) { return get<bool>(value); }
inline std::int64_t get_int(const Variant& value) { return get<std::int64_t>(value); }
inline double get_float(const Variant& value) { return get<double>(value); }
inline double get_real(const Variant& value) { return get<std::complex<double>>(value).real(); }
inline double get_imaginary(const Variant& value) {
  return get<std::complex<double>>(value).imag();
}
inline std::string_view get_str(const Variant& value) { return get<std::string>(value); }
inline std::string_view get_bytes(const Variant& value) { return get<cppipc::Bytes>(value).view(); }
template <class Sequence>
const Items& get_items(const Variant& value) {
  return get<Sequence>(value).items;
}
inline const Entries& get_entries(const Variant& value) { return get<cppipc::Dict>(value).entries; }
inline std::string_view get_decimal(const Variant& value) {
  return get<cppipc::Decimal>(value).text;
}
inline std::string_view get_uuid(const Variant& value) {
  return {reinterpret_cast<const char*>(get<cppipc::Uuid>(value).bytes.data()), 16};
}
inline const cppipc::AnyArray& get_array(const Variant& value) {
  return *get<std::shared_ptr<const cppipc::AnyArray>>(value);
}
inline std::string_view get_enum_type(const Variant& value) {
  return get<cppipc::EnumMember>(value).type;
}
inline std::string_view get_enum_name(const Variant& value) {
  return get<cppipc::EnumMember>(value).name;
}
// Null if the object is none of a server.
inline std::shared_ptr<cppipc::RemoteObject> get_object(const Variant& value) {
  return std::dynamic_pointer_cast<cppipc::RemoteObject>(get<cppipc::ObjectPtr>(value));
}

// The parts of a dataframe or a graph, which share their memory.
inline Items get_parts(const Variant& value) {
  const auto* frame = value.get_if<cppipc::DataFrame>();
  const auto parts = frame != nullptr ? frame->parts() : value.get_if<cppipc::Graph>()->parts();
  return Items(parts.begin(), parts.end());
}

// The segments of a message that is being put together.
using Segments = std::vector<cppipc::Bytes>;
// One that was put as bytes, or as an array of bytes without gaps.
inline void add_segment(Segments& segments, const Variant& value) {
  if (const auto* bytes = value.get_if<cppipc::Bytes>()) {
    segments.push_back(*bytes);
    return;
  }
  const cppipc::AnyArray& array = value.as_array();
  const auto size_bytes = static_cast<std::size_t>(array.nbytes());
  segments.emplace_back(std::span<const std::byte>(array.data, size_bytes), array.owner);
}
inline void put_message(Variant* out, Segments& segments) {
  out->storage().emplace<cppipc::Message>(std::move(segments));
}
inline std::size_t count_segments(const Variant& value) {
  return value.get_if<cppipc::Message>()->size();
}
// One segment as an array of bytes, read-only.
inline cppipc::AnyArray get_segment(const Variant& value, std::size_t i) {
  const cppipc::Bytes& bytes = value.get_if<cppipc::Message>()->segments()[i];
  cppipc::AnyArray array;
  array.dtype = cppipc::DType::of<std::uint8_t>();
  array.shape = {static_cast<std::int64_t>(bytes.size())};
  array.strides = {1};
  array.data = const_cast<std::byte*>(bytes.span().data());
  array.owner = bytes.owner();
  array.is_readonly = true;
  array.flavor = cppipc::ArrayFlavor::kBuffer;
  return array;
}

}  // namespace unity
