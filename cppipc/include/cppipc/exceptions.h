// SPDX-License-Identifier: Apache-2.0
#pragma once
// Exception classes that callers get as classes of their own (Registry::exception).

#include <cppipc/description.h>
#include <cppipc/error.h>

#include <exception>
#include <functional>
#include <ios>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>

namespace cppipc {

// A registered exception class, type-erased.
struct ExceptionInfo {
  ExceptionDescription description;
  std::type_index cpp_type = typeid(void);
  // The text of the exception being handled; nothing if that is not one of these.
  std::function<std::optional<std::string>()> text_of_current;
  // Throws a pointer to one, and says whether a thrown pointer is one to these: so classes that
  // know nothing of each other find out which derives from which.
  void (*throw_pointer)() = nullptr;
  bool (*catches)(void (*throw_pointer)()) = nullptr;
};

namespace detail {

// The kind that exceptions of a class have if nothing else is said.
template <class E>
constexpr ErrorKind kind_of_class() {
  if constexpr (std::is_base_of_v<std::invalid_argument, E>) return ErrorKind::kInvalidArgument;
  if constexpr (std::is_base_of_v<std::domain_error, E>) return ErrorKind::kDomain;
  if constexpr (std::is_base_of_v<std::out_of_range, E>) return ErrorKind::kOutOfRange;
  if constexpr (std::is_base_of_v<std::overflow_error, E>) return ErrorKind::kOverflow;
  if constexpr (std::is_base_of_v<std::bad_cast, E>) return ErrorKind::kWrongType;
  if constexpr (std::is_base_of_v<std::bad_alloc, E>) return ErrorKind::kOutOfMemory;
  if constexpr (std::is_base_of_v<std::system_error, E>) return ErrorKind::kInputOutput;
  return ErrorKind::kRemote;
}

// What follows the name in a registration: a kind, a doc, and what makes a text of one.
template <class E>
struct ExceptionExtras {
  std::optional<ErrorKind> kind;
  std::string doc;
  std::function<std::string(const E&)> text;

  void add(ErrorKind given) { kind = given; }
  void add(std::string_view given) { doc = given; }
  template <class F>
  requires(std::is_invocable_r_v<std::string, F&, const E&>) void add(F given) {
    text = std::move(given);
  }
};

template <class E>
std::string text_of(const E& thrown, const std::function<std::string(const E&)>& text) {
  if (text) return text(thrown);
  if constexpr (std::is_base_of_v<Error, E>) {
    return std::string(thrown.text());
  } else if constexpr (std::is_base_of_v<std::exception, E>) {
    return thrown.what();
  } else {
    return {};
  }
}

template <class E>
ExceptionInfo make_exception_info(std::string_view name, ExceptionExtras<E> extras) {
  static_assert(
      std::is_class_v<E> && !std::is_same_v<E, Error> && !std::is_same_v<E, std::exception>,
      "register an exception class of your own");
  ExceptionInfo info;
  info.description = {
      std::string(name), std::move(extras.doc), {}, extras.kind.value_or(kind_of_class<E>())};
  info.cpp_type = typeid(E);
  info.text_of_current = [text = std::move(extras.text)]() -> std::optional<std::string> {
    try {
      throw;
    } catch (const E& thrown) {
      return text_of<E>(thrown, text);
    } catch (...) {
      return std::nullopt;
    }
  };
  info.throw_pointer = [] { throw static_cast<const E*>(nullptr); };
  info.catches = [](void (*throw_pointer)()) {
    try {
      throw_pointer();
    } catch (const E*) {
      return true;
    } catch (...) {
      return false;
    }
    return false;
  };
  return info;
}

}  // namespace detail
}  // namespace cppipc
