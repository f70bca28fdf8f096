// SPDX-License-Identifier: Apache-2.0
#pragma once
// Calls registered functions without a server, and puts errors into words.

#include <cppipc/registry.h>

#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc::test {

Variant call(const Registry& registry, std::string_view function, Arguments arguments = {});
Variant create(const Registry& registry, std::string_view type, Arguments arguments = {});
Variant call_method(const Registry& registry, const Variant& object, std::string_view method,
                    Arguments arguments = {});
Variant get(const Registry& registry, const Variant& object, std::string_view property);
void set(const Registry& registry, const Variant& object, std::string_view property, Variant value);

// The object that a Variant holds.
const LocalObject& local(const Variant& object);

// "KIND: TEXT" of the Error that `action` throws, "logic: TEXT" of a std::logic_error, and
// "nothing" if it throws nothing.
std::string refusal(const std::function<void()>& action);

// A C-ordered array of these elements.
template <class T>
AnyArray array_of(const std::vector<T>& elements, std::vector<std::int64_t> shape) {
  AnyArray array = make_array(DType::of<T>(), std::move(shape));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const T element = elements[i];
    std::memcpy(array.data + i * sizeof(T), &element, sizeof(T));
  }
  return array;
}

template <class T>
AnyArray row_of(const std::vector<T>& elements) {
  return array_of(elements, {static_cast<std::int64_t>(elements.size())});
}

// As a NumPy scalar arrives.
template <class T>
Variant scalar_of(T value) {
  AnyArray array = array_of<T>({value}, {});
  array.flavor = ArrayFlavor::kScalar;
  return array;
}

}  // namespace cppipc::test
