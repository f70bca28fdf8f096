// SPDX-License-Identifier: Apache-2.0
#pragma once
// The small values a Variant may hold beside the arithmetic ones: bytes, dates and times, decimals,
// UUIDs and objects.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cppipc {

// A run of bytes that is not text. Owns: a share of the memory; it is never written.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::string_view copied);
  Bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  std::span<const std::byte> span() const { return bytes_; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  std::size_t size() const { return bytes_.size(); }
  // Keeps the memory; null if nobody needs to.
  const std::shared_ptr<const void>& owner() const { return owner_; }
  bool operator==(const Bytes& other) const { return view() == other.view(); }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

// Python's datetime module. Proleptic Gregorian; ranges as there (year 1 to 9999). Compared field
// by field.
struct Date {
  std::int32_t year = 1;
  std::uint8_t month = 1, day = 1;
  bool operator==(const Date&) const = default;
};
struct TimeOfDay {
  std::uint8_t hour = 0, minute = 0, second = 0;
  std::uint32_t microsecond = 0;
  std::uint8_t fold = 0;
  std::optional<std::int32_t> utc_offset_s;  // nullopt: naive
  bool operator==(const TimeOfDay&) const = default;
};
struct DateTime {
  Date date;
  TimeOfDay time;
  bool operator==(const DateTime&) const = default;
};
struct TimeDelta {
  std::int32_t days = 0, seconds = 0, microseconds = 0;  // normalised as timedelta does
  bool operator==(const TimeDelta&) const = default;
};
// The text of a Python Decimal; compared as text (1.0 is not 1.00).
struct Decimal {
  std::string text;
  bool operator==(const Decimal&) const = default;
};
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const Uuid&) const = default;
};
// A member of an enumeration, by the names that Registry::enumeration() gave to both.
struct EnumMember {
  std::string type;
  std::string name;
  bool operator==(const EnumMember&) const = default;
};

// What a Variant of kind object holds: on the server an exposed object (LocalObject, registry.h),
// on the client a reference to one (RemoteObject, client.h). Compared by pointer.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
};
using ObjectPtr = std::shared_ptr<Object>;

}  // namespace cppipc
