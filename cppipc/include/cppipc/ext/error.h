// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an extension holds of its host's, and errors on their way across the boundary.

#include <cppipc/extension_abi.h>

#include <cxxabi.h>

#include <cstdlib>
#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <utility>

namespace cppipc::ext {

// The kinds of error, as cppipc/error.h has them, that mean something when an extension throws
// them.
enum class ErrorKind : std::int32_t {
  kRemote = CPPIPC_REMOTE,
  kToolkit = CPPIPC_TOOLKIT,
  kInvalidArgument = CPPIPC_INVALID_ARGUMENT,
  kDomain = CPPIPC_DOMAIN,
  kOutOfRange = CPPIPC_OUT_OF_RANGE,
  kOutOfMemory = CPPIPC_OUT_OF_MEMORY,
  kWrongType = CPPIPC_WRONG_TYPE,
  kOverflow = CPPIPC_OVERFLOW,
  kInputOutput = CPPIPC_INPUT_OUTPUT,
  kUnknownName = CPPIPC_UNKNOWN_NAME,
  kCancelled = CPPIPC_CANCELLED,
  kNotSupported = CPPIPC_NOT_SUPPORTED,
  kUnknownKey = CPPIPC_UNKNOWN_KEY,
};

// For what runs once, when the extension is loaded, or only to spell an error: to optimize it would
// take most of the time that an extension takes to compile.
#define CPPIPC_EXT_COLD [[gnu::cold, gnu::noinline]]

namespace detail {

// The host's table, set when the library is entered. Hidden, as is every function of this layer
// that has static data: several extensions in one process must not share it.
__attribute__((visibility("hidden"))) inline const cppipc_host*& host_slot() {
  static const cppipc_host* slot = nullptr;
  return slot;
}
inline const cppipc_host& host() { return *host_slot(); }

inline cppipc_text text_of(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(const cppipc_text& text) { return {text.data, text.size}; }

// The texts, one after the other. A chain of + would take longer to compile than all else here.
CPPIPC_EXT_COLD inline std::string joined(std::initializer_list<std::string_view> texts) {
  std::string whole;
  for (const std::string_view text : texts) whole += text;
  return whole;
}

// Makes room for one more pointer; returns where. Errors: std::bad_alloc.
CPPIPC_EXT_COLD inline void* grow(void*& items, std::size_t& size) {
  void* const more = std::realloc(items, (size + 1) * sizeof(void*));
  if (more == nullptr) throw std::bad_alloc();
  items = more;
  return static_cast<char*>(more) + sizeof(void*) * size++;
}

// What is there for good, as the library is never unloaded.
template <class T, class... Given>
T& immortal(Given&&... given) {
  return *new T(static_cast<Given&&>(given)...);  // a std::unique_ptr for each T compiles slowly
}

// Pointers one after the other, as the tables of the boundary have them. Not a std::vector, because
// there are many types of them. What it has is never given back: only what is immortal has one.
template <class T>
class Pointers {
 public:
  void push_back(T* pointer) { *static_cast<T**>(grow(items_, size_)) = pointer; }
  std::size_t size() const { return size_; }
  T* const* data() const { return static_cast<T* const*>(items_); }
  T* const* begin() const { return data(); }
  T* const* end() const { return data() + size_; }

 private:
  void* items_ = nullptr;
  std::size_t size_ = 0;
};

// A share of something of the host's; empty if it is of nothing. Threads: as std::shared_ptr.
class Handle {
 public:
  Handle() = default;
  explicit Handle(cppipc_handle* owned) noexcept : handle_(owned) {}
  Handle(const Handle& other) noexcept : handle_(other.handle_) {
    if (handle_ != nullptr) host().retain(handle_);
  }
  Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Handle() {
    if (handle_ != nullptr) host().release(handle_);
  }

  explicit operator bool() const { return handle_ != nullptr; }
  cppipc_handle* get() const { return handle_; }
  cppipc_handle* release() { return std::exchange(handle_, nullptr); }
  const cppipc_value& value() const { return *host().view(handle_); }

 private:
  cppipc_handle* handle_ = nullptr;
};

CPPIPC_EXT_COLD inline cppipc_error read_error(cppipc_failure failure) {
  cppipc_error error = {};
  host().error_of(failure, &error);
  return error;
}

}  // namespace detail

// What an extension throws to choose the kind, and what it catches if the host, or a function of a
// client that it calls, fails. Thrown on, it is in Python the very exception that it was.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  // Owns `failure`. Not for extensions.
  explicit Error(detail::Handle failure)
      : std::runtime_error(std::string(detail::view(detail::read_error(failure.get()).text))),
        kind_(static_cast<ErrorKind>(detail::read_error(failure.get()).kind)),
        failure_(std::move(failure)) {}

  ErrorKind kind() const { return kind_; }
  const detail::Handle& failure() const { return failure_; }

 private:
  ErrorKind kind_;
  detail::Handle failure_;
};

namespace detail {

// Throws what a function of the host returned, unless that is null.
inline void check(cppipc_failure failure) {
  if (failure != nullptr) throw Error(Handle(failure));
}

CPPIPC_EXT_COLD inline cppipc_failure make_failure(ErrorKind kind, std::string_view text,
                                                   int error_number = 0) {
  const std::type_info* type = abi::__cxa_current_exception_type();
  cppipc_error error = {};
  error.size = sizeof error;
  error.kind = static_cast<std::int32_t>(kind);
  error.error_number = error_number;
  error.text = text_of(text);
  error.thrown_type = text_of(type == nullptr ? std::string_view() : type->name());
  return host().fail(&error);
}

CPPIPC_EXT_COLD inline int errno_of(const std::error_code& code) {
  const std::error_condition condition = code.default_error_condition();
  const bool is_known =
      code.category() == std::system_category() || condition.category() == std::generic_category();
  return !is_known                                   ? 0
         : code.category() == std::system_category() ? code.value()
                                                     : condition.value();
}

// A class comes before its bases: ios_base::failure is a system_error, bad_array_new_length a
// bad_alloc.
CPPIPC_EXT_COLD inline cppipc_failure failure_of(const std::exception& thrown) {
  const std::string_view text = thrown.what();
  if (dynamic_cast<const std::invalid_argument*>(&thrown) != nullptr) {
    return make_failure(ErrorKind::kInvalidArgument, text);
  }
  if (dynamic_cast<const std::domain_error*>(&thrown) != nullptr) {
    return make_failure(ErrorKind::kDomain, text);
  }
  if (dynamic_cast<const std::out_of_range*>(&thrown) != nullptr) {
    return make_failure(ErrorKind::kOutOfRange, text);
  }
  if (dynamic_cast<const std::overflow_error*>(&thrown) != nullptr) {
    return make_failure(ErrorKind::kOverflow, text);
  }
  if (dynamic_cast<const std::bad_cast*>(&thrown) != nullptr) {
    return make_failure(ErrorKind::kWrongType, text);
  }
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) {
    return make_failure(ErrorKind::kOutOfMemory, text == "std::bad_alloc" ? "out of memory" : text);
  }
  if (const auto* system = dynamic_cast<const std::system_error*>(&thrown)) {
    return make_failure(ErrorKind::kInputOutput, text, errno_of(system->code()));
  }
  return make_failure(ErrorKind::kRemote, text);
}

// The exception that is being handled, for the host. Never null; nothing of it is lost but its C++
// type, whose name goes along.
CPPIPC_EXT_COLD inline cppipc_failure current_failure() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    if (!error.failure()) return make_failure(error.kind(), error.what());
    return Handle(error.failure()).release();
  } catch (const std::exception& thrown) {
    return failure_of(thrown);
  } catch (const std::string& text) {
    return make_failure(ErrorKind::kRemote, text);
  } catch (const char* text) {
    return make_failure(ErrorKind::kRemote, text == nullptr ? "" : text);
  } catch (...) {
    return make_failure(ErrorKind::kRemote, "");
  }
}

// The name of a C++ type as a programmer writes it.
CPPIPC_EXT_COLD inline std::string type_name(const std::type_info& type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string text = name == nullptr ? type.name() : name;
  std::free(name);
  return text;
}

}  // namespace detail
}  // namespace cppipc::ext
