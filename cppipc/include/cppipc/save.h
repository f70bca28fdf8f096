// SPDX-License-Identifier: Apache-2.0
#pragma once
// Saving objects to a file that a client has opened, and loading them again.
//
// A type says how with TypeBuilder::saveable(): a function that writes what an object is made of,
// and one that reads it back in the same order and makes the object. What is written goes straight
// from the object's memory to the file, and back into the memory of the new object: neither takes
// memory beside the object. docs/saving.md describes the file.

#include <cppipc/convert.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
#include <vector>

namespace cppipc {

class Registry;

namespace detail {

// Vectors whose elements can be written as they lie in memory.
template <class T>
inline constexpr bool is_number_vector = false;
template <class T, class Allocator>
inline constexpr bool is_number_vector<std::vector<T, Allocator>> =
    std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, long double> &&
    !std::is_same_v<T, wchar_t> && !std::is_same_v<T, char8_t> && !std::is_same_v<T, char16_t> &&
    !std::is_same_v<T, char32_t>;

}  // namespace detail

// Where the function writes that saves an object. Borrows: the registry.
// Threads: the one that saves. Errors of all: kInputOutput with the errno; kCancelled; kWrongType
// for what cannot be saved, such as objects of types that do not say how, and functions.
class SaveWriter {
 public:
  explicit SaveWriter(const Registry& registry) : registry_(registry) {}
  virtual ~SaveWriter() = default;
  SaveWriter(const SaveWriter&) = delete;
  SaveWriter& operator=(const SaveWriter&) = delete;

  // Any value that may be a result of a registered function. Exposed objects in it, such as
  // std::shared_ptr<T>, are saved with it, each of them once in a file. Vectors of numbers and
  // the elements of arrays are not copied on their way, unless the array has gaps.
  template <class T>
  void write(const T& value) {
    if constexpr (detail::is_number_vector<T>) {
      write_elements(DType::of<typename T::value_type>(), std::as_bytes(std::span(value)));
    } else {
      write_value(detail::Converter<T>::store(value, place()));
    }
  }

 protected:
  virtual void write_value(const Variant& value) = 0;
  virtual void write_elements(const DType& dtype, std::span<const std::byte> bytes) = 0;
  const Registry& registry() const { return registry_; }

 private:
  detail::Place place() const;
  const Registry& registry_;
};

// Where the function reads that loads an object. Borrows: the registry.
// Threads: the one that loads. Errors of all: kInvalidArgument for a file that is damaged, cut
// short, or holds something else at that place; kInputOutput; kCancelled; kQuotaExceeded.
class SaveReader {
 public:
  explicit SaveReader(const Registry& registry) : registry_(registry) {}
  virtual ~SaveReader() = default;
  SaveReader(const SaveReader&) = delete;
  SaveReader& operator=(const SaveReader&) = delete;

  // What was written by the same step of the function that saved.
  template <class T>
  T read() {
    if constexpr (detail::is_number_vector<T>) {
      T values;
      const auto fill = [&values](std::size_t bytes) {
        values.resize(bytes / sizeof(typename T::value_type));
        return std::as_writable_bytes(std::span(values)).data();
      };
      read_elements(DType::of<typename T::value_type>(), fill);
      return values;
    } else {
      Variant value = read_value();
      return detail::Converter<T>::load(value, place());
    }
  }

  // The version of the type with which the object was saved; never newer than the registered one.
  virtual std::uint32_t version() const = 0;

 protected:
  // Makes room for so many bytes in all, those before stay; returns where they begin.
  using Resize = std::function<std::byte*(std::size_t bytes)>;
  virtual Variant read_value() = 0;
  virtual void read_elements(const DType& dtype, const Resize& resize) = 0;
  const Registry& registry() const { return registry_; }

 private:
  detail::Place place() const;
  const Registry& registry_;
};

// How the objects of a type are saved: TypeInfo has it if they can be.
struct SaveInfo {
  std::uint32_t version = 0;
  std::function<void(const void* self, SaveWriter& out)> save;
  // Returns a Variant of kind object.
  std::function<Variant(SaveReader& in, const Registry& registry)> load;
};

}  // namespace cppipc
