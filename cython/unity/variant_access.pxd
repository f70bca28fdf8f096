# SPDX-License-Identifier: Apache-2.0
# The functions of variant_access.h.

from libc.stdint cimport int32_t, int64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.utility cimport pair
from libcpp.vector cimport vector

from unity.cppipc cimport (
    AnyArray, Date, DateTime, RemoteObject, TimeDelta, TimeOfDay, Variant, raise_as_python,
    string_view)

ctypedef vector[Variant] Items
ctypedef vector[pair[Variant, Variant]] Entries

cdef extern from "variant_access.h" namespace "unity" nogil:
    void put_float(Variant*, double)
    void put_complex(Variant*, double, double)
    void view_bytes(Variant*, const char*, size_t)
    void share_bytes "unity::put_bytes" (
        Variant*, const char*, size_t, shared_ptr[const void]) except +raise_as_python
    void put_date(Variant*, const Date&)
    void put_time(Variant*, const TimeOfDay&)
    void put_datetime(Variant*, const Date&, const TimeOfDay&)
    void put_timedelta(Variant*, int32_t, int32_t, int32_t)
    void put_decimal(Variant*, const char*, size_t) except +raise_as_python
    void put_uuid(Variant*, const char*)
    cbool share_memory_of(AnyArray&, const AnyArray&) except +raise_as_python
    AnyArray bytes_under(const AnyArray&) except +raise_as_python
    void put_array(Variant*, AnyArray&) except +raise_as_python
    void set_c_strides(AnyArray&) except +raise_as_python
    void put_enum(
        Variant*, const char*, size_t, const char*, size_t) except +raise_as_python
    void put_object(Variant*, const shared_ptr[RemoteObject]&)

    cbool get_bool(const Variant&)
    int64_t get_int(const Variant&)
    double get_float(const Variant&)
    double get_real(const Variant&)
    double get_imaginary(const Variant&)
    string_view get_str(const Variant&)
    string_view get_bytes(const Variant&)
    const Items& get_list "unity::get_items<cppipc::List>" (const Variant&)
    const Items& get_tuple "unity::get_items<cppipc::Tuple>" (const Variant&)
    const Items& get_set "unity::get_items<cppipc::Set>" (const Variant&)
    const Items& get_frozenset "unity::get_items<cppipc::FrozenSet>" (const Variant&)
    const Entries& get_entries(const Variant&)
    const Date& get_date "unity::get<cppipc::Date>" (const Variant&)
    const TimeOfDay& get_time "unity::get<cppipc::TimeOfDay>" (const Variant&)
    const DateTime& get_datetime "unity::get<cppipc::DateTime>" (const Variant&)
    const TimeDelta& get_timedelta "unity::get<cppipc::TimeDelta>" (const Variant&)
    string_view get_decimal(const Variant&)
    string_view get_uuid(const Variant&)
    const AnyArray& get_array(const Variant&)
    string_view get_enum_type(const Variant&)
    string_view get_enum_name(const Variant&)
    shared_ptr[RemoteObject] get_object(const Variant&)
    Items get_parts(const Variant&) except +raise_as_python

    cdef cppclass Segments:
        pass
    void add_segment(Segments&, const Variant&) except +raise_as_python
    void put_message(Variant*, Segments&) except +raise_as_python
    size_t count_segments(const Variant&)
    AnyArray get_segment(const Variant&, size_t) except +raise_as_python
