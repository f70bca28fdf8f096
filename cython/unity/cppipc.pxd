# SPDX-License-Identifier: Apache-2.0
# Names and signatures of the public headers of cppipc that the seam uses; no logic.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector

cdef extern from "raise_as_python.h":
    void raise_as_python()  # Declared first: `except +name` looks backwards only.

cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass string_view:
        const char* data()
        size_t size()
    string_view make_view "std::string_view" (const char*, size_t)

cdef extern from "<cstddef>" namespace "std" nogil:
    ctypedef unsigned char byte "std::byte"

cdef extern from "<array>" namespace "std" nogil:
    cdef cppclass Bytes16 "std::array<std::uint8_t, 16>":
        uint8_t* data()

cdef extern from "cppipc/shared_pool.h" namespace "cppipc" nogil:
    cdef cppclass SharedPool:
        pass

cdef extern from "cppipc/array.h" namespace "cppipc" nogil:
    cdef cppclass DType:
        string text
        char code
        uint32_t itemsize

    cdef enum class ArrayFlavor(uint8_t):
        kArray
        kScalar
        kByteArray
        kArrayArray
        kBuffer

    cdef cppclass AnyArray:
        AnyArray()
        DType dtype
        vector[int64_t] shape
        vector[int64_t] strides
        byte* data
        shared_ptr[const void] owner
        cbool is_readonly
        ArrayFlavor flavor
        int64_t size() except +raise_as_python
        int64_t nbytes() except +raise_as_python
        cbool is_c_contiguous()
        cbool is_f_contiguous()
        AnyArray copy() except +raise_as_python

    AnyArray copy_into(SharedPool*, const AnyArray&) except +raise_as_python
    cbool share_in_place(AnyArray&) except +raise_as_python

cdef extern from "cppipc/variant.h" namespace "cppipc" nogil:
    cdef enum class Kind(uint8_t):
        kNull
        kBool
        kInt
        kFloat
        kComplex
        kStr
        kBytes
        kList
        kTuple
        kSet
        kFrozenSet
        kDict
        kDateTime
        kDate
        kTime
        kTimeDelta
        kDecimal
        kUuid
        kArray
        kObject
        kEnum
        kCallable
        kMessage
        kDataFrame
        kGraph

    cdef cppclass Date:
        int32_t year
        uint8_t month
        uint8_t day

    cdef cppclass TimeOfDay:
        uint8_t hour
        uint8_t minute
        uint8_t second
        uint32_t microsecond
        uint8_t fold
        optional[int32_t] utc_offset_s

    cdef cppclass DateTime:
        Date date
        TimeOfDay time

    cdef cppclass TimeDelta:
        int32_t days
        int32_t seconds
        int32_t microseconds

    cdef cppclass Object:
        string_view type_name()

    cdef cppclass Variant:
        Variant()
        Kind kind()
        cbool is_null()

cdef extern from "cppipc/description.h" namespace "cppipc" nogil:
    cdef cppclass ParameterDescription:
        string name
        string type
        optional[Variant] default_value
        cbool is_variadic

    cdef cppclass FunctionDescription:
        string name
        string doc
        vector[ParameterDescription] parameters
        string result
        cbool is_toolkit
        cbool is_static
        vector[FunctionDescription] overloads

    cdef cppclass PropertyDescription:
        string name
        string doc
        string type
        cbool is_writable

    cdef cppclass TypeDescription:
        string name
        string doc
        optional[FunctionDescription] constructor
        vector[FunctionDescription] methods
        vector[PropertyDescription] properties
        vector[string] bases

    cdef cppclass EnumDescription:
        string name
        string doc
        vector[pair[string, int64_t]] members

    cdef cppclass ExceptionDescription:
        string name
        string doc
        string base
        uint16_t kind

    cdef cppclass ExtensionDescription:
        string name
        string doc
        string file
        string content_hash

    cdef cppclass Description:
        string version
        vector[TypeDescription] types
        vector[FunctionDescription] functions
        vector[EnumDescription] enumerations
        vector[PropertyDescription] settings
        vector[ExceptionDescription] exceptions
        vector[ExtensionDescription] extensions

    cdef cppclass Offer:
        Description description
        string hash
        uint64_t version

cdef extern from "cppipc/value_writer.h" namespace "cppipc" nogil:
    cdef cppclass MarshalLimits:
        shared_ptr[SharedPool] pool
        uint64_t message_bytes
        uint64_t inline_bytes

    cdef enum class Sequence "cppipc::ValueWriter::Sequence" (int):
        kList
        kTuple
        kSet
        kFrozenSet
        kDataFrame
        kGraph

    cdef enum class Numbers "cppipc::ValueWriter::Numbers" (int):
        kInts
        kFloats
        kIntTuple
        kFloatTuple

    size_t kPlaceWords "cppipc::ValueWriter::kPlaceWords"

    cdef cppclass ValueWriter:
        size_t begin(size_t, const MarshalLimits&) except +raise_as_python
        size_t begin_value(const MarshalLimits&) except +raise_as_python
        void put_names(const vector[string]&) except +raise_as_python
        void put_bool(size_t, cbool)
        void put_int(size_t, int64_t)
        void put_float(size_t, double)
        void put_text(size_t, string_view) except +raise_as_python
        void put(size_t, const Variant&) except +raise_as_python
        size_t put_sequence(size_t, Sequence, size_t) except +raise_as_python
        size_t put_dict(size_t, size_t) except +raise_as_python
        void* put_numbers(size_t, Numbers, size_t) except +raise_as_python
        void take_back_numbers(size_t, size_t)
        void finish() except +raise_as_python
        Words words()

cdef extern from "cppipc/value_reader.h" namespace "cppipc" nogil:
    cdef cppclass Words "cppipc::ValueReader::Segment":
        Words()
        Words(const uint64_t*, size_t)
        const uint64_t* data()
        size_t size()

    cdef enum class Form "cppipc::ValueReader::Form" (int):
        kNull
        kBool
        kInt
        kFloat
        kStr
        kBytes
        kList
        kTuple
        kSet
        kFrozenSet
        kDict
        kInts
        kFloats
        kIntTuple
        kFloatTuple
        kEnumMember

    cdef cppclass Value "cppipc::ValueReader::Value":
        pass

    cdef cppclass Items "cppipc::ValueReader::Items":
        size_t count
        Value at(size_t)

    cdef cppclass ValueReader:
        @staticmethod
        Form form(const Value&)
        @staticmethod
        cbool boolean(const Value&)
        @staticmethod
        int64_t integer(const Value&)
        @staticmethod
        double number(const Value&)
        cbool text(const Value&, string_view*)
        cbool bytes(const Value&, string_view*)
        cbool items(const Value&, Items*)
        cbool numbers(const Value&, Words*)
        cbool scalar(const Value&, Variant*) except +raise_as_python

cdef extern from "cppipc/client.h" namespace "cppipc" nogil:
    cdef cppclass RemoteObject(Object):
        void* counterpart
        const Bytes16& object_id()

    cdef cppclass CallOptions:
        optional[double] timeout_s

    cdef cppclass Result:
        const ValueReader* reader()
        Value value()
        const Variant& variant() except +raise_as_python

    shared_ptr[Result] open_message(Words) except +raise_as_python

    cdef cppclass Call:
        uint64_t id()
        cbool is_done()
        cbool cancel() except +raise_as_python

    ctypedef shared_ptr[Call] CallPtr

    cdef cppclass TlsClientOptions:
        string authority_file
        string certificate_file
        string key_file
        string server_name

    cdef cppclass Client:
        shared_ptr[const Offer] offer() except +raise_as_python
        uint64_t offer_version()
        const MarshalLimits& limits()
        const string& address()
        const string& transport()
        string tls_version()
        int64_t server_pid()
        Bytes16 server_id()
        void close() except +raise_as_python
        cbool is_closed()
        void abandon()
