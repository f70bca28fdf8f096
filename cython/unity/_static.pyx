# SPDX-License-Identifier: Apache-2.0
"""Methods that need no object: calls of them go to the session of the class."""

from unity._connection cimport Connection, Proxy, settle
from unity._function cimport new_function
from unity._routine cimport Routine
from unity.type_slots cimport TypeObject, seal

from unity import errors


cdef class StaticMethod:
    """A static method of an exposed type. Of the class and of an instance it is a function."""

    def __get__(self, instance, owner):
        if instance is not None:
            settle(<Proxy?>instance)
        connection = (<Proxy>instance).connection if instance is not None else owner._connection()
        if connection is None:
            return self
        return new_function(self.routine, <Connection?>connection, None)

    def __call__(self, *args, **kwargs):
        raise errors.ConnectionLost(
            f"session closed: nothing refers any more to the session of {self.routine.qualname}(); "
            "keep the session in a variable")

    @property
    def __name__(self):
        return self.routine.name

    @property
    def __qualname__(self):
        return self.routine.qualname

    @property
    def __doc__(self):
        return self.routine.documentation

    @property
    def __signature__(self):
        return self.routine.signature

    @property
    def __overloads__(self):
        return self.routine.signatures

    def __reduce__(self):
        raise TypeError(f"{self.routine.qualname}() belongs to its session and cannot be pickled "
                        "or copied")

    def __repr__(self):
        return f"<static method {self.routine.qualname}>"


cdef StaticMethod new_static_method(Routine routine):
    cdef StaticMethod method = StaticMethod.__new__(StaticMethod)
    method.routine = routine
    return method


seal(<TypeObject*>StaticMethod)
