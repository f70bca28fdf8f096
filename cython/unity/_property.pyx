# SPDX-License-Identifier: Apache-2.0
"""Properties of exposed types."""

from unity cimport cppipc
from unity._connection cimport Proxy, settle
from unity._function cimport invoke
from unity._routine cimport Routine
from unity._runtime cimport PyObject
from unity.type_slots cimport TypeObject, seal


cdef cppipc.CallOptions no_options


cdef class Property:
    """A property of an exposed type. To read or write it is a call."""

    def __get__(self, instance, owner):
        if instance is None:
            return self
        proxy = <Proxy?>instance
        settle(proxy)
        return invoke(self.getter, proxy.connection, proxy, no_options, NULL, 0, NULL)

    def __set__(self, instance, value):
        cdef PyObject* values = <PyObject*>value
        if self.setter is None:
            raise AttributeError(f"{self.getter.qualname} cannot be set")
        proxy = <Proxy?>instance
        settle(proxy)
        invoke(self.setter, proxy.connection, proxy, no_options, &values, 1, NULL)

    def __delete__(self, instance):
        raise AttributeError(f"{self.getter.qualname} cannot be deleted")

    @property
    def __name__(self):
        return self.getter.name

    @property
    def __doc__(self):
        return self.getter.doc

    def __reduce__(self):
        raise TypeError(f"{self.getter.qualname} belongs to its session and cannot be pickled or "
                        "copied")

    def __repr__(self):
        kind = "property" if self.setter is not None else "read-only property"
        return f"<{kind} {self.getter.qualname}>"


cdef Property new_property(Routine getter, Routine setter):
    cdef Property property_ = Property.__new__(Property)
    property_.getter = getter
    property_.setter = setter
    return property_


seal(<TypeObject*>Property)
