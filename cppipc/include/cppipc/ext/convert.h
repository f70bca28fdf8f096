// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all conversions of an extension have in common, and those of scalars, text and bytes.

#include <cppipc/ext/error.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace cppipc::ext {
namespace detail {

// Where in a call a value stands. A link of a chain on the stack; costs nothing until it is told.
struct Place : cppipc_place {
  Place(std::int32_t role_, cppipc_call* call_, std::int64_t index_ = 0)
      : cppipc_place{role_, index_, call_, nullptr, nullptr, {nullptr, 0}} {}
  explicit Place(std::string_view what)
      : cppipc_place{CPPIPC_VALUE, 0, nullptr, nullptr, nullptr, text_of(what)} {}

  Place item(std::size_t i) const { return inner(CPPIPC_ITEM, static_cast<std::int64_t>(i)); }
  Place entry(const cppipc_value& under) const {
    Place place = inner(CPPIPC_ENTRY, 0);
    place.key = &under;
    return place;
  }
  Place member(const cppipc_value& element) const {
    Place place = inner(CPPIPC_MEMBER, 0);
    place.key = &element;
    return place;
  }
  // "increment() parameter 'by'[3]".
  std::string text() const {
    std::string text;
    host().place_text(this, &text, [](void* sink, const char* data, std::size_t size) {
      static_cast<std::string*>(sink)->assign(data, size);
    });
    return text;
  }

 private:
  Place inner(std::int32_t role_, std::int64_t index_) const {
    Place place(role_, call, index_);
    place.outer = this;
    return place;
  }
};

// Errors: always; kWrongType "PLACE: expected EXPECTED, got TYPE OF GIVEN".
[[noreturn]] inline void refuse(const Place& place, std::string_view expected,
                                const cppipc_value& given) {
  throw Error(Handle(host().refuse(&place, text_of(expected), &given)));
}
// Errors: always; "PLACE: TEXT".
[[noreturn]] inline void fail_at(const Place& place, ErrorKind kind, std::string_view text) {
  throw Error(Handle(host().fail_at(&place, static_cast<std::int32_t>(kind), text_of(text))));
}

// Keeps what values on their way to the host point to, until the host has taken them. Made of
// little, because what it keeps is of many types, and each costs time to compile.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    while (first_ != nullptr) {
      Node* const node = first_;
      first_ = node->next;
      delete node;
    }
  }

  template <class T>
  T& keep(T value) {
    auto* const held = new Held<T>(std::move(value), first_);
    first_ = held;
    return held->value;
  }

 private:
  struct Node {
    explicit Node(Node* next_node) : next(next_node) {}
    virtual ~Node() = default;
    Node* next;
  };
  template <class T>
  struct Held final : Node {
    Held(T&& given, Node* next_node) : Node(next_node), value(std::move(given)) {}
    T value;
  };
  Node* first_ = nullptr;
};

inline cppipc_value make_value(std::int32_t kind) {
  cppipc_value value = {};
  value.kind = kind;
  return value;
}

// A value of the host's own, equal to `value`.
inline Handle keep(const cppipc_value& value) {
  cppipc_handle* handle = nullptr;
  check(host().keep(&value, &handle));
  return Handle(handle);
}

// A set of kinds, as bits.
template <class... Kind>
constexpr std::uint32_t kinds(Kind... kind) {
  return ((std::uint32_t{1} << kind) | ... | std::uint32_t{0});
}
constexpr bool has_kind(std::uint32_t set, std::int32_t kind) { return (set >> kind & 1) != 0; }

// How a T crosses:
//   kKinds                     what may convert to it; arrays for numbers and text: NumPy's scalars
//   load(value, place)         what a function gets; may point into the value
//   store(T&, store, place)    its value, which points into the T, the store, or the host's memory
//   spell()                    the type as Python spells it
// The template without specialisation is that of exposed types (ext/convert_objects.h).
template <class T, class = void>
struct Converter;

// Characters are no numbers, and no text either.
template <class T>
inline constexpr bool is_character = std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
                                     std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <class T>
struct Converter<T, std::enable_if_t<std::is_integral_v<T>>> {
  static_assert(!is_character<T>, "characters are not exposed: use std::string, or std::int8_t");
  using Limits = std::numeric_limits<T>;
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_INT, CPPIPC_BOOL, CPPIPC_ARRAY);

  static T load(const cppipc_value& value, const Place& place) {
    if constexpr (std::is_signed_v<T>) {
      if (value.kind == CPPIPC_INT && value.as.integer >= Limits::min() &&
          value.as.integer <= Limits::max()) {
        return static_cast<T>(value.as.integer);
      }
      std::int64_t integer = 0;
      check(host().load_signed(&place, &value, Limits::min(), Limits::max(), &integer));
      return static_cast<T>(integer);
    } else {
      std::uint64_t integer = 0;
      check(host().load_unsigned(&place, &value, Limits::max(), &integer));
      return static_cast<T>(integer);
    }
  }
  static cppipc_value store(T number, Store&, const Place& place) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    if constexpr (!std::is_signed_v<T> && sizeof(T) == sizeof kMost) {
      if (number > static_cast<std::uint64_t>(kMost)) {
        fail_at(place, ErrorKind::kOverflow,
                std::to_string(number) + " is past " + std::to_string(kMost) + ", the largest int");
      }
    }
    cppipc_value value = make_value(CPPIPC_INT);
    value.as.integer = static_cast<std::int64_t>(number);
    return value;
  }
  CPPIPC_EXT_COLD static std::string spell() { return "int"; }
};

template <>
struct Converter<bool> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_BOOL, CPPIPC_ARRAY);

  static bool load(const cppipc_value& value, const Place& place) {
    if (value.kind == CPPIPC_BOOL) return value.as.integer != 0;
    std::int32_t truth = 0;
    check(host().load_bool(&place, &value, &truth));
    return truth != 0;
  }
  static cppipc_value store(bool truth, Store&, const Place&) {
    cppipc_value value = make_value(CPPIPC_BOOL);
    value.as.integer = truth ? 1 : 0;
    return value;
  }
  CPPIPC_EXT_COLD static std::string spell() { return "bool"; }
};

// The largest finite value of a T, as far as a double has it.
template <class T>
inline constexpr double kLargest = sizeof(T) < sizeof(double)
                                       ? static_cast<double>(std::numeric_limits<T>::max())
                                       : std::numeric_limits<double>::max();

template <class T>
struct Converter<T, std::enable_if_t<std::is_floating_point_v<T>>> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_FLOAT, CPPIPC_INT, CPPIPC_ARRAY);

  static T load(const cppipc_value& value, const Place& place) {
    if (value.kind == CPPIPC_FLOAT && sizeof(T) >= sizeof(double)) {
      return static_cast<T>(value.as.number);
    }
    double number = 0;
    check(host().load_float(&place, &value, kLargest<T>, &number));
    return static_cast<T>(number);
  }
  static cppipc_value store(T number, Store&, const Place&) {
    cppipc_value value = make_value(CPPIPC_FLOAT);
    value.as.number = static_cast<double>(number);
    return value;
  }
  CPPIPC_EXT_COLD static std::string spell() { return "float"; }
};

// Whether it is std::complex, whose header is a large one that few extensions need.
template <class T, class = void>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool
    is_complex<T, std::void_t<typename T::value_type, decltype(std::declval<T>().real()),
                              decltype(T(typename T::value_type(), typename T::value_type()))>> =
        std::is_floating_point_v<typename T::value_type>;

template <class Complex>
struct Converter<Complex, std::enable_if_t<is_complex<Complex>>> {
  using T = typename Complex::value_type;
  static constexpr std::uint32_t kKinds =
      kinds(CPPIPC_COMPLEX, CPPIPC_FLOAT, CPPIPC_INT, CPPIPC_ARRAY);

  static Complex load(const cppipc_value& value, const Place& place) {
    double parts[2] = {};
    check(host().load_complex(&place, &value, kLargest<T>, parts));
    return {static_cast<T>(parts[0]), static_cast<T>(parts[1])};
  }
  static cppipc_value store(const Complex& number, Store&, const Place&) {
    cppipc_value value = make_value(CPPIPC_COMPLEX);
    value.as.complex[0] = static_cast<double>(number.real());
    value.as.complex[1] = static_cast<double>(number.imag());
    return value;
  }
  CPPIPC_EXT_COLD static std::string spell() { return "complex"; }
};

inline cppipc_value make_text(std::string_view text, std::int32_t kind = CPPIPC_STR) {
  cppipc_value value = make_value(kind);
  value.as.text = text_of(text);
  return value;
}

// Whether it is text, maybe NumPy's.
inline bool is_text(const cppipc_value& value) {
  return value.kind == CPPIPC_STR ||
         (value.kind == CPPIPC_ARRAY && (value.as.array->flags & CPPIPC_ARRAY_TEXT) != 0);
}

// The view lasts as long as the call.
template <>
struct Converter<std::string_view> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_STR, CPPIPC_ARRAY);

  static std::string_view load(const cppipc_value& value, const Place& place) {
    if (!is_text(value)) refuse(place, "str", value);
    return view(value.kind == CPPIPC_STR ? value.as.text : value.as.array->text);
  }
  static cppipc_value store(std::string_view text, Store&, const Place&) { return make_text(text); }
  CPPIPC_EXT_COLD static std::string spell() { return "str"; }
};
template <>
struct Converter<std::string> : Converter<std::string_view> {
  static std::string load(const cppipc_value& value, const Place& place) {
    return std::string(Converter<std::string_view>::load(value, place));
  }
};
// Results only. A null pointer is None.
template <>
struct Converter<const char*> : Converter<std::string_view> {
  static cppipc_value store(const char* text, Store&, const Place&) {
    return text == nullptr ? make_value(CPPIPC_NONE) : make_text(text);
  }
};

template <class T>
struct Converter<std::optional<T>> {
  static constexpr std::uint32_t kKinds = Converter<T>::kKinds | kinds(CPPIPC_NONE);

  static std::optional<T> load(const cppipc_value& value, const Place& place) {
    if (value.kind == CPPIPC_NONE) return std::nullopt;
    if (!has_kind(kKinds, value.kind)) refuse(place, spell(), value);
    return Converter<T>::load(value, place);
  }
  static cppipc_value store(std::optional<T>& held, Store& store, const Place& place) {
    return held ? Converter<T>::store(*held, store, place) : make_value(CPPIPC_NONE);
  }
  CPPIPC_EXT_COLD static std::string spell() {
    const std::string text = Converter<T>::spell();
    const bool has_none = text.size() >= 4 && text.compare(text.size() - 4, 4, "None") == 0;
    return has_none ? text : joined({text, " | None"});
  }
};

}  // namespace detail

// Bytes that never change. What came from the host is not copied. Copying shares them.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::string_view copied) : own_(std::make_shared<const std::string>(copied)) {}
  // Not for extensions.
  explicit Bytes(detail::Handle handle) : handle_(std::move(handle)) {}

  std::string_view view() const {
    if (handle_) return detail::view(handle_.value().as.text);
    return own_ ? std::string_view(*own_) : std::string_view();
  }
  std::size_t size() const { return view().size(); }
  const detail::Handle& handle() const { return handle_; }

 private:
  std::shared_ptr<const std::string> own_;
  detail::Handle handle_;
};

namespace detail {

template <>
struct Converter<Bytes> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_BYTES, CPPIPC_ARRAY);

  static Bytes load(const cppipc_value& value, const Place& place) {
    cppipc_handle* handle = nullptr;
    check(host().load_bytes(&place, &value, &handle));
    return Bytes(Handle(handle));
  }
  static cppipc_value store(const Bytes& bytes, Store&, const Place&) {
    return bytes.handle() ? bytes.handle().value() : make_text(bytes.view(), CPPIPC_BYTES);
  }
  CPPIPC_EXT_COLD static std::string spell() { return "bytes"; }
};

}  // namespace detail
}  // namespace cppipc::ext
