// SPDX-License-Identifier: Apache-2.0
#pragma once
// Arrays for whoever takes tensors by DLPack: capsules with the structures of its ABI, versions 0
// and 1.

#include <Python.h>
#include <cppipc/array.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace unity {

// The structures of DLPack's ABI, which never change within a major version.
struct DLDevice {
  std::int32_t type;
  std::int32_t id;
};
struct DLDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements
  std::uint64_t byte_offset;
};
struct DLManagedTensor {
  static constexpr const char* kName = "dltensor";
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};
struct DLManagedTensorVersioned {
  static constexpr const char* kName = "dltensor_versioned";
  static constexpr std::uint64_t kReadOnly = 1, kIsCopied = 2;
  std::uint32_t major, minor;
  void* context;
  void (*deleter)(DLManagedTensorVersioned*);
  std::uint64_t flags;
  DLTensor tensor;
};

inline constexpr std::int32_t kDLCpu = 1;

// Whether the bytes of each element are in the order of this machine.
inline bool is_native(const cppipc::DType& dtype) {
  constexpr char kOther = std::endian::native == std::endian::little ? '>' : '<';
  return !dtype.text.empty() && dtype.text[0] != kOther;
}

// nullopt for elements that DLPack has no name for.
inline std::optional<DLDataType> dlpack_type(const cppipc::DType& dtype) {
  if (!is_native(dtype) || dtype.text.size() < 2) return std::nullopt;
  const auto of = [&](std::uint8_t code) {
    return DLDataType{code, static_cast<std::uint8_t>(8 * dtype.itemsize), 1};
  };
  switch (dtype.text[1]) {
    case 'i':
      return of(0);
    case 'u':
      return of(1);
    case 'f':  // what C's long double is differs between machines
      return dtype.itemsize <= 8 ? std::optional(of(2)) : std::nullopt;
    case 'c':
      return dtype.itemsize <= 16 ? std::optional(of(5)) : std::nullopt;
    case 'b':
      return of(6);
    default:
      return std::nullopt;
  }
}

// Whether the strides can be counted in elements.
inline bool has_whole_strides(const cppipc::AnyArray& array) {
  const std::int64_t itemsize = array.dtype.itemsize;
  return std::all_of(array.strides.begin(), array.strides.end(),
                     [&](std::int64_t stride) { return stride % itemsize == 0; });
}

// A tensor and what it refers to. Owns: a share of the array's memory, until the deleter is called,
// which may be on any thread, with the GIL or without.
template <class Managed>
struct OwnedTensor {
  Managed managed{};
  cppipc::AnyArray array;

  static void destroy(Managed* managed) { delete static_cast<OwnedTensor*>(managed->context); }
  // A capsule that nobody took the tensor from owns it still.
  static void on_capsule_end(PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, Managed::kName)) return;
    destroy(static_cast<Managed*>(PyCapsule_GetPointer(capsule, Managed::kName)));
  }
};

// The new capsule, with the GIL. `array` has a dlpack_type() and whole strides. Null with a Python
// exception set if there is no memory.
template <class Managed>
PyObject* make_dlpack(cppipc::AnyArray array, std::uint64_t flags) {
  using Owned = OwnedTensor<Managed>;
  auto owned = std::make_unique<Owned>();
  owned->array = std::move(array);
  auto& shape = owned->array.shape;
  auto& strides = owned->array.strides;
  for (auto& stride : strides) stride /= owned->array.dtype.itemsize;
  Managed& managed = owned->managed;
  managed.tensor = {owned->array.data,
                    {kDLCpu, 0},
                    static_cast<std::int32_t>(shape.size()),
                    *dlpack_type(owned->array.dtype),
                    shape.data(),
                    strides.data(),
                    0};
  managed.context = owned.get();
  managed.deleter = &Owned::destroy;
  if constexpr (requires { managed.flags; }) {
    managed.major = 1;
    managed.minor = 0;
    managed.flags = flags;
  }
  PyObject* capsule = PyCapsule_New(&managed, Managed::kName, &Owned::on_capsule_end);
  if (capsule != nullptr) (void)owned.release();
  return capsule;
}

inline PyObject* make_dlpack(const cppipc::AnyArray& array, bool is_versioned, bool is_copied) {
  if (!is_versioned) return make_dlpack<DLManagedTensor>(array, 0);
  using Versioned = DLManagedTensorVersioned;
  return make_dlpack<Versioned>(array, (array.is_readonly ? Versioned::kReadOnly : 0) |
                                           (is_copied ? Versioned::kIsCopied : 0));
}

}  // namespace unity
