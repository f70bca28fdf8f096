// SPDX-License-Identifier: Apache-2.0
// Every function here is called by extensions: it throws nothing, takes what is plain data, and
// leaves the work to the library's own conversions, whose rules and words are the same for all.
#include "extension/services.h"

#include <cppipc/detail/convert_functions.h>
#include <cppipc/detail/load.h>

#include "extension/call.h"
#include "extension/take.h"
#include "extension/views.h"
#include "values/cast.h"
#include "values/demangle.h"
#include "values/dtype.h"

#include <utility>

namespace cppipc::detail {
namespace {

static_assert(CPPIPC_REMOTE == static_cast<int>(ErrorKind::kRemote));
static_assert(CPPIPC_TOOLKIT == static_cast<int>(ErrorKind::kToolkit));
static_assert(CPPIPC_INVALID_ARGUMENT == static_cast<int>(ErrorKind::kInvalidArgument));
static_assert(CPPIPC_DOMAIN == static_cast<int>(ErrorKind::kDomain));
static_assert(CPPIPC_OUT_OF_RANGE == static_cast<int>(ErrorKind::kOutOfRange));
static_assert(CPPIPC_OUT_OF_MEMORY == static_cast<int>(ErrorKind::kOutOfMemory));
static_assert(CPPIPC_WRONG_TYPE == static_cast<int>(ErrorKind::kWrongType));
static_assert(CPPIPC_OVERFLOW == static_cast<int>(ErrorKind::kOverflow));
static_assert(CPPIPC_INPUT_OUTPUT == static_cast<int>(ErrorKind::kInputOutput));
static_assert(CPPIPC_UNKNOWN_NAME == static_cast<int>(ErrorKind::kUnknownName));
static_assert(CPPIPC_CANCELLED == static_cast<int>(ErrorKind::kCancelled));
static_assert(CPPIPC_NOT_SUPPORTED == static_cast<int>(ErrorKind::kNotSupported));
static_assert(CPPIPC_UNKNOWN_KEY == static_cast<int>(ErrorKind::kUnknownKey));

// Runs `body`; what it throws becomes a failure.
template <class Body>
cppipc_failure guarded(const Body& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (...) {
    return current_failure();
  }
}

// Runs `body`, which reports something: if that fails, the call goes on without.
template <class Body>
void report(const Body& body) noexcept {
  if (const cppipc_failure failure = guarded(body)) release(failure);
}

// A value as a Variant: the one that it came from, or a new one.
class Given {
 public:
  explicit Given(const cppipc_value* value, const Place& place = {})
      : made_(value->origin == nullptr ? take_value(*value, place) : Variant()),
        variant_(value->origin == nullptr ? &made_ : static_cast<const Variant*>(value->origin)) {}
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  const Variant& operator*() const { return *variant_; }

 private:
  Variant made_;
  const Variant* variant_;
};

ErrorKind kind_of(std::int32_t kind) {
  // A kind of a newer boundary is an error of the extension's like any other.
  const bool is_known = kind >= 0 && kind <= static_cast<int>(ErrorKind::kUnknownKey);
  return is_known ? static_cast<ErrorKind>(kind) : ErrorKind::kRemote;
}

void retain_handle(cppipc_handle* handle) { handle->count.fetch_add(1, std::memory_order_relaxed); }

void release_handle(cppipc_handle* handle) { release(handle); }

cppipc_failure keep(const cppipc_value* value, cppipc_handle** out) {
  return guarded([&] {
    Place place;
    place.name = "value";
    const Given given(value, place);
    *out = make_handle(*given);
  });
}

const cppipc_value* view_handle(cppipc_handle* handle) {
  return handle->error ? nullptr : &handle->viewed;
}

// Of plain numbers, whose text tells all of it.
DType number_dtype_of(std::string_view text) {
  const std::optional<DTypeText> parts = parse_dtype(std::string(text));
  const DType dtype{std::string(text), 0, parts ? parts->number : 0};
  if (!number_dtype(dtype) || !parts->is_native()) {
    throw Error(ErrorKind::kInvalidArgument,
                "dtype " + quote(text) + " is not one of a number in native byte order");
  }
  const auto code = [&]() -> char {
    const bool is_wide = parts->number == sizeof(long double);
    switch (parts->kind) {
      case 'b':
        return '?';
      case 'f':
        return parts->number == 2 ? 'e' : parts->number == 4 ? 'f' : is_wide ? 'g' : 'd';
      case 'c':
        return parts->number == 8 ? 'F' : parts->number == 16 ? 'D' : 'G';
      default: {
        const std::string_view codes = parts->kind == 'i' ? "bhil" : "BHIL";
        const std::uint32_t size = parts->number;
        return codes[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
      }
    }
  };
  return native_dtype(parts->kind, code(), parts->number);
}

cppipc_failure new_array(cppipc_text dtype, std::int64_t ndim, const std::int64_t* shape,
                         cppipc_handle** out) {
  return guarded([&] {
    *out = make_handle(
        make_array(number_dtype_of(view(dtype)), std::vector<std::int64_t>(shape, shape + ndim)));
  });
}

cppipc_failure fail_with(const cppipc_error* error) {
  return guarded([&] {
    Error made(kind_of(error->kind), std::string(view(error->text)));
    const std::string type(view(error->thrown_type));
    if (!type.empty()) made.thrown_type = demangle(type.c_str());
    if (made.text().empty() && !type.empty()) {
      const std::string name = made.thrown_type;
      made = Error(made.kind(), "C++ exception of type " + name);
      made.thrown_type = name;
    }
    made.error_number = error->error_number;
    throw Error(std::move(made));
  });
}

void error_of(cppipc_failure failure, cppipc_error* out) {
  const Error& error = *failure->error;
  *out = {sizeof(cppipc_error), static_cast<std::int32_t>(error.kind()), error.error_number,
          text_of(error.text()), text_of(error.thrown_type)};
}

cppipc_failure fail_at(const cppipc_place* place, std::int32_t kind, cppipc_text text) {
  return guarded([&] { fail(kind_of(kind), PlaceChain(place).place(), view(text)); });
}

cppipc_failure refuse_value(const cppipc_place* place, cppipc_text expected,
                            const cppipc_value* given) {
  return guarded([&] { refuse(PlaceChain(place).place(), view(expected), *Given(given)); });
}

void place_text(const cppipc_place* place, void* sink,
                void (*put)(void* sink, const char* data, std::size_t size)) {
  try {
    const std::string text = PlaceChain(place).place().text();
    put(sink, text.data(), text.size());
  } catch (...) {  // there is no memory: the place has no name then
    put(sink, "", 0);
  }
}

cppipc_failure load_signed_value(const cppipc_place* place, const cppipc_value* value,
                                 std::int64_t lowest, std::int64_t highest, std::int64_t* out) {
  return guarded(
      [&] { *out = load_signed(*Given(value), PlaceChain(place).place(), lowest, highest); });
}

cppipc_failure load_unsigned_value(const cppipc_place* place, const cppipc_value* value,
                                   std::uint64_t highest, std::uint64_t* out) {
  return guarded([&] { *out = load_unsigned(*Given(value), PlaceChain(place).place(), highest); });
}

cppipc_failure load_float_value(const cppipc_place* place, const cppipc_value* value,
                                double largest, double* out) {
  return guarded([&] { *out = load_float(*Given(value), PlaceChain(place).place(), largest); });
}

cppipc_failure load_complex_value(const cppipc_place* place, const cppipc_value* value,
                                  double largest, double out[2]) {
  return guarded([&] {
    const std::complex<double> complex =
        load_complex(*Given(value), PlaceChain(place).place(), largest);
    out[0] = complex.real();
    out[1] = complex.imag();
  });
}

cppipc_failure load_bool_value(const cppipc_place* place, const cppipc_value* value,
                               std::int32_t* out) {
  return guarded([&] { *out = load_bool(*Given(value), PlaceChain(place).place()) ? 1 : 0; });
}

cppipc_failure load_bytes_value(const cppipc_place* place, const cppipc_value* value,
                                cppipc_handle** out) {
  return guarded([&] { *out = make_handle(load_bytes(*Given(value), PlaceChain(place).place())); });
}

cppipc_failure load_array_value(const cppipc_place* place, const cppipc_value* value,
                                cppipc_text dtype, std::int32_t is_own, cppipc_handle** out) {
  return guarded([&] {
    const PlaceChain chain(place);
    const Given given(value, chain.place());
    if (dtype.size == 0) {
      *out = make_handle(load_array(*given, chain.place(), nullptr));
      return;
    }
    const DType wanted = number_dtype_of(view(dtype));
    if (is_own == 0) {
      *out = make_handle(load_array(*given, chain.place(), &wanted));
      return;
    }
    // What belongs to the call alone is taken as it is, if it is of the right form. The Variant
    // stays where it was, so its owner counts one more.
    AnyArray array = load_own_array(const_cast<Variant&>(*given), chain.place(), wanted);
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(array.data) % wanted.itemsize == 0;
    if (array.is_readonly || !array.is_c_contiguous() || array.origin == ArrayOrigin::kLent ||
        !is_aligned) {
      AnyArray copied = make_array(wanted, array.shape);
      array.copy_to(copied.data);
      array = std::move(copied);
    }
    *out = make_handle(std::move(array));
  });
}

cppipc_failure row_length_of(const cppipc_place* place, const cppipc_value* value,
                             cppipc_text expected, char kind, std::uint32_t itemsize,
                             std::size_t* out) {
  return guarded([&] {
    const PlaceChain chain(place);
    const Given given(value);
    const AnyArray& array = (*given).as_array();
    if (array.shape.size() != 1) {
      refuse_given(chain.place(), view(expected), array_text(*given));
    }
    if (!can_cast(array.dtype, kind, itemsize)) refuse(chain.place(), view(expected), *given);
    *out = static_cast<std::size_t>(array.shape[0]);
  });
}

cppipc_failure load_row_of(const cppipc_value* value, char kind, std::uint32_t itemsize,
                           void* out) {
  return guarded([&] { load_row(*Given(value), kind, itemsize, out); });
}

cppipc_failure call_function(const cppipc_value* function, const cppipc_value* values,
                             std::size_t count, cppipc_handle** out) {
  return guarded([&] {
    Place place;
    place.name = "function";
    const CallablePtr called = load_callable(*Given(function), place);
    Arguments arguments;
    arguments.values.reserve(count);
    place.name = "argument";
    for (std::size_t i = 0; i < count; ++i) {
      arguments.values.push_back(take_value(values[i], place.item(i)));
    }
    *out = make_handle(called->call(std::move(arguments)));
  });
}

cppipc_failure give_result(cppipc_call* call, const cppipc_value* value) {
  return guarded([&] { call->result = take_value(*value, result_place(call)); });
}

void report_progress(cppipc_call* call, double fraction, cppipc_text text) {
  if (call->context == nullptr) return;
  report([&] { call->context->progress(fraction, view(text)); });
}

// Levels are Python's; those between two count as the lower one.
LogLevel log_level(std::int32_t level) {
  if (level < 20) return LogLevel::kDebug;
  if (level < 30) return LogLevel::kInfo;
  return level < 40 ? LogLevel::kWarning : LogLevel::kError;
}

void write_log(cppipc_call* call, std::int32_t level, cppipc_text text) {
  if (call->context == nullptr) return;
  report([&] { call->context->log(log_level(level), view(text)); });
}

std::int32_t is_cancelled(cppipc_call* call) {
  return call->context != nullptr && call->context->cancelled() ? 1 : 0;
}

cppipc_failure check_cancelled(cppipc_call* call) {
  return guarded([&] {
    if (call->context != nullptr) call->context->throw_if_cancelled();
  });
}

}  // namespace

const cppipc_host& extension_host() {
  static const cppipc_host host = {sizeof(cppipc_host),
                                   CPPIPC_ABI_VERSION,
                                   retain_handle,
                                   release_handle,
                                   keep,
                                   view_handle,
                                   new_array,
                                   fail_with,
                                   error_of,
                                   fail_at,
                                   refuse_value,
                                   place_text,
                                   load_signed_value,
                                   load_unsigned_value,
                                   load_float_value,
                                   load_complex_value,
                                   load_bool_value,
                                   load_bytes_value,
                                   load_array_value,
                                   row_length_of,
                                   load_row_of,
                                   call_function,
                                   give_result,
                                   report_progress,
                                   write_log,
                                   is_cancelled,
                                   check_cancelled};
  return host;
}

}  // namespace cppipc::detail
