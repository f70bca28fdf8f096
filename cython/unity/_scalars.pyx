# SPDX-License-Identifier: Apache-2.0
"""Values of the standard library's own types: datetime, decimal and uuid."""

import sys

from cpython cimport datetime as py
from libc.stdint cimport int32_t
from libcpp.optional cimport nullopt, optional

from unity cimport cppipc
from unity cimport variant_access as access
from unity._connection cimport Connection
from unity._marshaller cimport Marshaller, refusal

from unity import errors

cdef extern from "datetime.h":
    pass

py.import_datetime()

# Loaded when the first value of theirs is met.
cdef object Decimal = None
cdef object UUID = None


cdef int put_scalar(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1:
    cdef cppipc.Date date
    cdef cppipc.TimeOfDay time
    if py.PyDateTime_Check(value):
        refuse_more_than_microseconds(value, marshaller)
        fill_date(&date, value)
        fill_time_of_datetime(&time, value, marshaller)
        access.put_datetime(out, date, time)
        return 1
    if py.PyDate_Check(value):
        fill_date(&date, value)
        access.put_date(out, date)
        return 1
    if py.PyTime_Check(value):
        fill_time(&time, value, marshaller)
        access.put_time(out, time)
        return 1
    if py.PyDelta_Check(value):
        refuse_more_than_microseconds(value, marshaller)
        access.put_timedelta(out, py.timedelta_days(value), py.timedelta_seconds(value),
                             py.timedelta_microseconds(value))
        return 1
    if is_instance_of_loaded(value, "decimal", "Decimal"):
        text = sys.modules["decimal"].Decimal.__str__(value).encode()
        access.put_decimal(out, text, len(text))
        return 1
    if is_instance_of_loaded(value, "uuid", "UUID"):
        access.put_uuid(out, <bytes?>value.bytes)
        return 1
    return 0


cdef int put_enum(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1:
    if not is_instance_of_loaded(value, "enum", "Enum"):
        return 0
    names = None
    if marshaller.connection != NULL:
        names = (<Connection>marshaller.connection).described().names_of(value)
    if names is None:
        raise refusal(errors.WrongType,
                      f"cannot send {value!r}: the server has no such enumeration with such a "
                      "member", marshaller)
    enumeration, member = names
    access.put_enum(out, enumeration, len(enumeration), member, len(member))
    return 1


cdef int put_moment(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1:
    if (py.PyDateTime_CheckExact(value) or py.PyDelta_CheckExact(value)
            or py.PyDate_CheckExact(value) or py.PyTime_CheckExact(value)):
        return put_scalar(out, value, marshaller)
    return 0


cdef bint is_instance_of_loaded(object value, str module_name, str class_name) except -1:
    # A value of a class that lives in a module exists only once that module is loaded.
    module = sys.modules.get(module_name)
    cls = getattr(module, class_name, None)
    return cls is not None and isinstance(value, cls)


cdef int refuse_more_than_microseconds(object value, const Marshaller* marshaller) except -1:
    # pandas derives its own, finer types from these, and a datetime that is none.
    if type(value) is py.datetime or type(value) is py.timedelta:
        return 0
    if value != value or getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
        raise refusal(errors.WrongType,
                      f"cannot send {value!r}: a {type(value).__name__} with more than "
                      "microseconds, or none, would change", marshaller)
    return 0


cdef void fill_date(cppipc.Date* out, object value) noexcept:
    out.year = py.PyDateTime_GET_YEAR(value)
    out.month = py.PyDateTime_GET_MONTH(value)
    out.day = py.PyDateTime_GET_DAY(value)


cdef int fill_time_of_datetime(
        cppipc.TimeOfDay* out, object value, const Marshaller* marshaller) except -1:
    out.hour = py.PyDateTime_DATE_GET_HOUR(value)
    out.minute = py.PyDateTime_DATE_GET_MINUTE(value)
    out.second = py.PyDateTime_DATE_GET_SECOND(value)
    out.microsecond = py.PyDateTime_DATE_GET_MICROSECOND(value)
    out.fold = py.PyDateTime_DATE_GET_FOLD(value)
    if py.datetime_tzinfo(value) is not None:
        fill_offset(&out.utc_offset_s, value, marshaller)
    return 0


cdef int fill_time(cppipc.TimeOfDay* out, object value, const Marshaller* marshaller) except -1:
    out.hour = py.PyDateTime_TIME_GET_HOUR(value)
    out.minute = py.PyDateTime_TIME_GET_MINUTE(value)
    out.second = py.PyDateTime_TIME_GET_SECOND(value)
    out.microsecond = py.PyDateTime_TIME_GET_MICROSECOND(value)
    out.fold = py.PyDateTime_TIME_GET_FOLD(value)
    if value.tzinfo is not None:
        fill_offset(&out.utc_offset_s, value, marshaller)
    return 0


cdef int fill_offset(
        optional[int32_t]* out, object value, const Marshaller* marshaller) except -1:
    offset = value.utcoffset()
    if offset is None:
        # Naive by datetime's definition; but without its zone it would not be what it was.
        raise refusal(errors.WrongType,
                      f"cannot send {value!r}: its time zone {value.tzinfo} gives it no UTC offset",
                      marshaller)
    if py.timedelta_microseconds(offset) != 0:
        raise refusal(errors.InvalidArgument,
                      f"cannot send {value!r}: its UTC offset has a fraction of a second",
                      marshaller)
    out[0] = <int32_t>(py.timedelta_days(offset) * 86400 + py.timedelta_seconds(offset))
    return 0


cdef object scalar_of(const cppipc.Variant& value):
    cdef cppipc.Kind kind = value.kind()
    cdef const cppipc.Date* date
    cdef const cppipc.TimeOfDay* time
    cdef const cppipc.TimeDelta* delta
    if kind == cppipc.Kind.kDateTime:
        date = &access.get_datetime(value).date
        time = &access.get_datetime(value).time
        return py.datetime_new(date.year, date.month, date.day, time.hour, time.minute,
                               time.second, time.microsecond, zone_of(time), time.fold)
    if kind == cppipc.Kind.kDate:
        date = &access.get_date(value)
        return py.date_new(date.year, date.month, date.day)
    if kind == cppipc.Kind.kTime:
        time = &access.get_time(value)
        return py.time_new(time.hour, time.minute, time.second, time.microsecond,
                           zone_of(time), time.fold)
    if kind == cppipc.Kind.kTimeDelta:
        delta = &access.get_timedelta(value)
        return py.timedelta_new(delta.days, delta.seconds, delta.microseconds)
    if kind == cppipc.Kind.kDecimal:
        text = access.get_decimal(value)
        return load_decimal()(text.data()[:text.size()].decode())
    text = access.get_uuid(value)
    return load_uuid()(bytes=text.data()[:text.size()])


cdef object zone_of(const cppipc.TimeOfDay* time):
    if not time.utc_offset_s.has_value():
        return None
    cdef int32_t offset_s = time.utc_offset_s.value()
    if offset_s == 0:
        return py.get_utc()
    return py.timezone_new(py.timedelta_new(0, offset_s, 0))


cdef object load_decimal():
    global Decimal
    if Decimal is None:
        from decimal import Decimal
    return Decimal


cdef object load_uuid():
    global UUID
    if UUID is None:
        from uuid import UUID
    return UUID
