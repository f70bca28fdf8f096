// SPDX-License-Identifier: Apache-2.0
#pragma once
// The boundary between a host and an extension: C functions and plain data, and nothing else.
//
// An extension is a shared library with one symbol, cppipc_extension_entry. The host gives it a
// table of what the host does, and gets a table of what the extension offers. Who writes
// extensions in C++ uses extension.h, which is made of this.
//
// Rules for both sides:
// - No exception crosses. A function that may fail returns a failure, or null for success.
// - Values are borrowed: a cppipc_value and all it points to belong to whoever made it, and are
// good
//   until the function returns that they were given to. Who needs one for longer asks keep().
// - What one side allocates, that side frees. Handles are the host's and are counted: each one that
//   is given out is given back by release().
// - Texts are UTF-8, with a size and without a NUL at the end.
// - A struct begins with its size where later versions may add to it: what lies past the size that
//   is given does not exist. What changes in any other way changes CPPIPC_ABI_VERSION.
// - Functions of an extension are called on any thread, several at once, as the host's may be.

#include <stddef.h>
#include <stdint.h>

#define CPPIPC_ABI_VERSION 1u
#define CPPIPC_ENTRY_NAME "cppipc_extension_entry"

#ifdef __cplusplus
extern "C" {
#endif

// Something of the host's, kept alive by its count: a value, or a failure.
typedef struct cppipc_handle cppipc_handle;
typedef cppipc_handle* cppipc_failure;
// One running call, as the host knows it. Good until the function that was called returns.
typedef struct cppipc_call cppipc_call;

typedef struct cppipc_text {
  const char* data;
  size_t size;
} cppipc_text;

// What a value is. Dates, decimals and whatever else has no form of its own are CPPIPC_OTHER: an
// extension can keep them and give them back.
enum cppipc_kind {
  CPPIPC_NONE = 0,
  CPPIPC_BOOL = 1,        // as.integer, 0 or 1
  CPPIPC_INT = 2,         // as.integer
  CPPIPC_FLOAT = 3,       // as.number
  CPPIPC_COMPLEX = 4,     // as.complex, real and imaginary part
  CPPIPC_STR = 5,         // as.text
  CPPIPC_BYTES = 6,       // as.text
  CPPIPC_LIST = 7,        // as.items
  CPPIPC_TUPLE = 8,       // as.items
  CPPIPC_SET = 9,         // as.items
  CPPIPC_FROZENSET = 10,  // as.items
  CPPIPC_DICT = 11,       // as.items: key, value, key, value …
  CPPIPC_ARRAY = 12,      // as.array
  CPPIPC_OBJECT = 13,     // as.object
  CPPIPC_ENUM = 14,       // as.member
  CPPIPC_FUNCTION = 15,   // as.function; null for one that is not the extension's
  CPPIPC_OTHER = 16,      // nothing
  CPPIPC_INTS = 17,       // as.ints: a list of ints; the host takes such values and gives none
  CPPIPC_FLOATS = 18      // as.numbers: a list of floats, likewise
};

struct cppipc_array;
struct cppipc_object;
struct cppipc_member;
struct cppipc_closure;

typedef struct cppipc_value {
  int32_t kind;
  int32_t reserved;  // 0
  // Set by the host in values that it made, null in others. A value with an origin that is given
  // back to the host is the very same one again, and the rest is not looked at.
  const void* origin;
  union {
    int64_t integer;
    double number;
    double complex[2];
    cppipc_text text;
    struct {
      const struct cppipc_value* data;
      size_t size;
    } items;
    struct {
      const int64_t* data;
      size_t size;
    } ints;
    struct {
      const double* data;
      size_t size;
    } numbers;
    const struct cppipc_array* array;
    const struct cppipc_object* object;
    const struct cppipc_member* member;
    const struct cppipc_closure* function;
  } as;
} cppipc_value;

enum cppipc_array_flags {
  CPPIPC_ARRAY_READONLY = 1,
  CPPIPC_ARRAY_SCALAR = 2,  // a NumPy scalar, of no dimension
  CPPIPC_ARRAY_TEXT = 4     // a numpy.str_, whose text is `text`
};

// An array where it lies; nothing was copied. An extension makes none: new_array() does.
typedef struct cppipc_array {
  size_t size;
  cppipc_text dtype;  // NumPy's type string, "<f8"
  int64_t itemsize;
  int64_t ndim;
  const int64_t* shape;
  const int64_t* strides;  // bytes
  void* data;              // the element with all indices 0
  uint32_t flags;
  cppipc_text text;
} cppipc_array;

// An object of an exposed type. `share` stands for a share of its ownership, as its type's
// copy_share() makes them; `address` is where it lies, as a `type`. Both are null, as is `type`,
// for an object that no extension made.
typedef struct cppipc_object {
  size_t size;
  cppipc_text type_name;
  const struct cppipc_type* type;
  void* address;
  void* share;
} cppipc_object;

// A member of an enumeration: "square.Color", "red".
typedef struct cppipc_member {
  size_t size;
  cppipc_text type_name;
  cppipc_text name;
} cppipc_member;

// What a function of an extension is called with: one value for each parameter.
typedef struct cppipc_frame {
  size_t size;
  cppipc_call* call;
  const cppipc_value* self;  // of methods and properties, else null
  const cppipc_value* values;
  size_t count;
} cppipc_frame;

// Runs it, with `data` as it stands beside it. Gives its result, if that is not None, by
// give_result(). Returns a failure, or null.
typedef cppipc_failure (*cppipc_invoke)(void* data, const cppipc_frame* frame);

// A function of an extension as a value.
typedef struct cppipc_closure {
  size_t size;
  size_t parameter_count;
  void* data;
  cppipc_invoke invoke;
  void* (*copy)(void* data);  // another share of the data; null if there is no memory
  void (*drop)(void* data);   // gives back what copy() made
} cppipc_closure;

// Where in a call a value stands, so that a refusal can say it: a chain outwards, on the stack.
enum cppipc_role {
  CPPIPC_PARAMETER = 0,  // number `index` of `call`
  CPPIPC_RESULT = 1,     // of `call`
  CPPIPC_VALUE = 2,      // what `name` says
  CPPIPC_ITEM = 3,       // number `index` of `outer`
  CPPIPC_ENTRY = 4,      // under `key` in `outer`
  CPPIPC_MEMBER = 5      // `key`, a key or an element of `outer`
};
typedef struct cppipc_place {
  int32_t role;
  int64_t index;
  cppipc_call* call;
  const struct cppipc_place* outer;
  const cppipc_value* key;
  cppipc_text name;
} cppipc_place;

// Numbers of the kinds of error; those of Fault.kind in broker.capnp.
enum cppipc_error_kind {
  CPPIPC_REMOTE = 0,
  CPPIPC_TOOLKIT = 1,
  CPPIPC_INVALID_ARGUMENT = 2,
  CPPIPC_DOMAIN = 3,
  CPPIPC_OUT_OF_RANGE = 4,
  CPPIPC_OUT_OF_MEMORY = 5,
  CPPIPC_WRONG_TYPE = 6,
  CPPIPC_OVERFLOW = 7,
  CPPIPC_INPUT_OUTPUT = 8,
  CPPIPC_UNKNOWN_NAME = 9,
  CPPIPC_CANCELLED = 13,
  CPPIPC_NOT_SUPPORTED = 18,
  CPPIPC_UNKNOWN_KEY = 20
};

typedef struct cppipc_error {
  size_t size;
  int32_t kind;
  int32_t error_number;  // errno of a CPPIPC_INPUT_OUTPUT, else 0
  cppipc_text text;
  cppipc_text thrown_type;  // the name of a C++ exception's type as typeid gives it; may be empty
} cppipc_error;

// What a host does for extensions. Any thread may call any of it, at any time, but for what takes
// a cppipc_call.
typedef struct cppipc_host {
  size_t size;
  uint32_t version;  // CPPIPC_ABI_VERSION; it and `size` are in this place in all versions

  void (*retain)(cppipc_handle* handle);
  void (*release)(cppipc_handle* handle);

  // A value of its own, equal to `value`; bulk, objects and functions are shared.
  cppipc_failure (*keep)(const cppipc_value* value, cppipc_handle** out);
  // What a handle holds, good as long as the handle. Null for failures.
  const cppipc_value* (*view)(cppipc_handle* handle);
  // A writable array of zeros in C order, in memory from which results leave without a copy.
  cppipc_failure (*new_array)(cppipc_text dtype, int64_t ndim, const int64_t* shape,
                              cppipc_handle** out);

  // A new failure.
  cppipc_failure (*fail)(const cppipc_error* error);
  // What a failure is; good as long as it.
  void (*error_of)(cppipc_failure failure, cppipc_error* out);
  // A failure of the text "PLACE: TEXT".
  cppipc_failure (*fail_at)(const cppipc_place* place, int32_t kind, cppipc_text text);
  // A CPPIPC_WRONG_TYPE of the text "PLACE: expected EXPECTED, got TYPE OF GIVEN".
  cppipc_failure (*refuse)(const cppipc_place* place, cppipc_text expected,
                           const cppipc_value* given);
  // Gives the text of a place to `put`, in one piece.
  void (*place_text)(const cppipc_place* place, void* sink,
                     void (*put)(void* sink, const char* data, size_t size));

  // Conversions by the host's own rules, and with its words.
  cppipc_failure (*load_signed)(const cppipc_place* place, const cppipc_value* value,
                                int64_t lowest, int64_t highest, int64_t* out);
  cppipc_failure (*load_unsigned)(const cppipc_place* place, const cppipc_value* value,
                                  uint64_t highest, uint64_t* out);
  cppipc_failure (*load_float)(const cppipc_place* place, const cppipc_value* value, double largest,
                               double* out);
  cppipc_failure (*load_complex)(const cppipc_place* place, const cppipc_value* value,
                                 double largest, double out[2]);
  cppipc_failure (*load_bool)(const cppipc_place* place, const cppipc_value* value, int32_t* out);
  // A handle to a CPPIPC_BYTES.
  cppipc_failure (*load_bytes)(const cppipc_place* place, const cppipc_value* value,
                               cppipc_handle** out);
  // A handle to a CPPIPC_ARRAY of exactly `dtype` (any, if that is empty); or, if it `is_own`, of
  // `dtype` after a safe cast, writable, in C order, in memory that nobody else has.
  cppipc_failure (*load_array)(const cppipc_place* place, const cppipc_value* value,
                               cppipc_text dtype, int32_t is_own, cppipc_handle** out);
  // The length of a CPPIPC_ARRAY of one dimension that casts safely to numbers of NumPy's `kind`
  // ('b', 'i', 'u', 'f', 'c') and `itemsize`; and those numbers. `expected` is for refusals.
  cppipc_failure (*row_length)(const cppipc_place* place, const cppipc_value* value,
                               cppipc_text expected, char kind, uint32_t itemsize, size_t* out);
  cppipc_failure (*load_row)(const cppipc_value* value, char kind, uint32_t itemsize, void* out);

  // Calls a CPPIPC_FUNCTION and waits; `out` gets its result.
  cppipc_failure (*call)(const cppipc_value* function, const cppipc_value* values, size_t count,
                         cppipc_handle** out);

  // Of a running call. A second result replaces the first.
  cppipc_failure (*give_result)(cppipc_call* call, const cppipc_value* value);
  void (*progress)(cppipc_call* call, double fraction, cppipc_text text);
  // `level` as Python's: 10 debug, 20 info, 30 warning, 40 error.
  void (*log)(cppipc_call* call, int32_t level, cppipc_text text);
  int32_t (*cancelled)(cppipc_call* call);
  // A CPPIPC_CANCELLED or timeout if the call is cancelled, else null.
  cppipc_failure (*check_cancelled)(cppipc_call* call);
} cppipc_host;

enum cppipc_function_flags {
  CPPIPC_BLOCKING = 1,  // it waits or computes for long
  CPPIPC_STATIC = 2     // a method without a self
};

typedef struct cppipc_parameter {
  size_t size;
  cppipc_text name;
  cppipc_text type;                   // as Python spells it: "list[float]"; may be empty
  const cppipc_value* default_value;  // null: it is required
} cppipc_parameter;

typedef struct cppipc_function {
  size_t size;
  uint32_t flags;
  cppipc_text name;
  cppipc_text doc;
  cppipc_text result;  // as Python spells it
  size_t parameter_count;
  const cppipc_parameter* const* parameters;
  void* data;
  cppipc_invoke invoke;
} cppipc_function;

typedef struct cppipc_property {
  size_t size;
  const cppipc_function* get;  // has name and doc, and the type as its result
  const cppipc_function* set;  // null: it is read only. Its one parameter is the value
} cppipc_property;

enum cppipc_type_flags { CPPIPC_THREAD_SAFE = 1 };

typedef struct cppipc_type {
  size_t size;
  uint32_t flags;
  cppipc_text name;
  cppipc_text doc;
  const struct cppipc_type* base;    // a type of the same extension, before this one; or null
  void* (*up)(void* address);        // the address as `base`; null without a base
  void* (*copy_share)(void* share);  // null if there is no memory
  void (*drop_share)(void* share);
  const cppipc_function* constructor;  // null: clients cannot make one. Its result is the object
  size_t method_count;
  const cppipc_function* const* methods;
  size_t property_count;
  const cppipc_property* const* properties;
} cppipc_type;

typedef struct cppipc_enumeration {
  size_t size;
  cppipc_text name;
  cppipc_text doc;
  size_t member_count;
  const cppipc_text* names;
  const int64_t* values;
} cppipc_enumeration;

// What an extension offers. All of it stays where it is until the process ends, and is not changed.
typedef struct cppipc_extension {
  size_t size;
  uint32_t version;        // CPPIPC_ABI_VERSION; it and `size` are in this place in all versions
  cppipc_failure failure;  // why there is nothing more to be read; else null. The host releases it
  cppipc_text name;        // an identifier; what is offered is called NAME.xxx
  cppipc_text doc;
  size_t function_count;
  const cppipc_function* const* functions;
  size_t type_count;
  const cppipc_type* const* types;
  size_t enumeration_count;
  const cppipc_enumeration* const* enumerations;
} cppipc_extension;

// The entry point, called once. If the host's version is not the one it was built for, it touches
// nothing else of the host and returns a table of which size and version are to be read. Null is
// taken for a failure without words.
__attribute__((visibility("default"))) const cppipc_extension* cppipc_extension_entry(
    const cppipc_host* host);

#ifdef __cplusplus
}
#endif
