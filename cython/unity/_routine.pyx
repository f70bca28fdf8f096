# SPDX-License-Identifier: Apache-2.0
"""What can be called on a server, and how arguments fit its parameters."""

from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_Check
from libcpp.string cimport string
from libcpp.vector cimport vector

from unity cimport cppipc
from unity._connection cimport Connection
from unity._marshaller cimport Marshaller
from unity._runtime cimport PyObject
from unity._values cimport from_variant
from unity._writing cimport write
from unity.type_slots cimport TypeObject, seal

import sys

from unity import errors


cdef extern from "Python.h":
    int PyUnicode_Compare(object, object) except? -1
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL


# What messages call the arguments that have neither a name nor a parameter of their own.
cdef str REST = "args"


cdef class Routine:
    """One callable of a server's description: name, documentation and parameters."""

    @property
    def signature(self):
        """An inspect.Signature, without the `self` of methods."""
        if self.signature_ is None:
            from unity._signatures import signature_of

            self.signature_ = signature_of(
                self.parameters, self.takes_rest, self.is_variadic, self.result)
            if self.overloads:
                from unity._signatures import signature_of_all

                self.signature_ = signature_of_all(self.signatures)
        return self.signature_

    @property
    def signatures(self):
        """A tuple of the signatures of all overloads."""
        from unity._signatures import signature_of

        return tuple([
            signature_of(one.parameters, one.takes_rest, (<Routine>one).is_variadic, one.result)
            for one in self.overloads or (self,)])

    @property
    def documentation(self):
        """What is documented; of overloads, all of it, each with its signature."""
        if not self.overloads:
            return self.doc
        from unity._signatures import documentation_of

        return documentation_of(self.name, self.signatures, [one.doc for one in self.overloads])

    cdef int marshal(self, cppipc.ValueWriter* out, PyObject** values, Py_ssize_t positional,
                     PyObject* keywords, Connection connection,
                     const cppipc.CallOptions& options, bint is_copying) except -1:
        cdef Marshaller marshaller
        cdef Py_ssize_t named = 0 if keywords == NULL else PyTuple_GET_SIZE(<object>keywords)
        cdef Py_ssize_t known = PyTuple_GET_SIZE(self.names)
        cdef Py_ssize_t i
        cdef size_t place
        cdef vector[string] names
        check_all(self, positional, keywords, named)
        marshaller.connection = <PyObject*>connection
        marshaller.options = options
        marshaller.is_copying = is_copying
        marshaller.pool = connection.client.get().limits().pool.get()
        marshaller.words_max = connection.client.get().limits().message_bytes // 8
        place = out.begin(positional + named, connection.client.get().limits())
        for i in range(positional):
            marshaller.label = PyTuple_GET_ITEM(self.names, i) if i < known else <PyObject*>REST
            write(out, place + i * cppipc.kPlaceWords, <object>values[i], &marshaller)
        for i in range(named):
            keyword = <object>PyTuple_GET_ITEM(<object>keywords, i)
            marshaller.label = <PyObject*>keyword
            write(out, place + (positional + i) * cppipc.kPlaceWords,
                  <object>values[positional + i], &marshaller)
            names.push_back(utf8(keyword))
        if named != 0:
            out.put_names(names)
        out.finish()
        return 0


cdef int check_all(Routine self, Py_ssize_t positional, PyObject* keywords,
                   Py_ssize_t named) except -1:
    # Counts and names fit one of the overloads; types are for the server to look at.
    if not self.overloads:
        return check(self, positional, keywords, named)
    reasons = []
    for overload in self.overloads:
        try:
            return check(<Routine>overload, positional, keywords, named)
        except errors.WrongType as error:
            reasons.append(str(error))
    listed = "".join([f"\n  {self.name}{signature}: {reason.partition('() ')[2]}"
                      for signature, reason in zip(self.signatures, reasons)])
    raise errors.WrongType(f"{self.qualname}() does not take these arguments; it is one of{listed}")


cdef int check(Routine self, Py_ssize_t positional, PyObject* keywords, Py_ssize_t named) except -1:
    # Counts and names only; what the values may be is the server's to say.
    cdef Py_ssize_t known = PyTuple_GET_SIZE(self.names)
    cdef Py_ssize_t i, place
    cdef Py_ssize_t given = positional  # required parameters that are given
    if positional > known and not self.takes_rest:
        raise errors.WrongType(
            f"{self.qualname}() takes {count_text(self, known)} but {positional} "
            f"{'was' if positional == 1 else 'were'} given")
    for i in range(named):
        keyword = <object>PyTuple_GET_ITEM(<object>keywords, i)
        place = find(self, keyword)
        if place < 0:
            if not self.is_variadic:
                raise errors.WrongType(
                    f"{self.qualname}() got an unexpected keyword argument {keyword!r}"
                    f"{known_text(self)}")
        elif place < positional:
            raise errors.WrongType(
                f"{self.qualname}() got multiple values for argument {keyword!r}")
        elif place < self.required:
            given += 1
    if given < self.required:
        refuse_missing(self, positional, keywords, named)
    return 0


cdef int refuse_missing(Routine self, Py_ssize_t positional, PyObject* keywords,
                        Py_ssize_t named) except -1:
    names = [] if keywords == NULL else list(<tuple>keywords)
    missing = [name for name in self.names[positional:self.required] if name not in names]
    raise errors.WrongType(
        f"{self.qualname}() missing required argument{'' if len(missing) == 1 else 's'}: "
        f"{', '.join(map(repr, missing))}")


cdef Py_ssize_t find(Routine self, object keyword) except? -2:
    cdef Py_ssize_t i
    for i in range(PyTuple_GET_SIZE(self.names)):
        if PyTuple_GET_ITEM(self.names, i) == <PyObject*>keyword:
            return i
    for i in range(PyTuple_GET_SIZE(self.names)):
        if <object>PyTuple_GET_ITEM(self.names, i) == keyword:
            return i
    return -1


cdef str count_text(Routine self, Py_ssize_t known):
    if known == 0:
        return "no positional arguments"
    least = "" if self.required == known else "at most "
    return f"{least}{known} argument{'' if known == 1 else 's'}"


cdef str known_text(Routine self):
    if not self.names:
        return ""
    return f"; it has {', '.join(self.names)}"


cdef string utf8(object text) except *:
    cdef Py_ssize_t size = 0
    cdef const char* characters
    if not PyUnicode_Check(text):
        raise errors.WrongType(f"names of arguments are str, not {type(text).__name__}")
    try:
        characters = PyUnicode_AsUTF8AndSize(text, &size)
    except UnicodeEncodeError as error:
        raise errors.InvalidArgument(f"cannot send {text!r} as a name: {error}") from error
    return string(characters, size)


cdef Routine routine_of(const cppipc.FunctionDescription& function, Target target, str owner,
                        object known):
    cdef Routine routine = Routine.__new__(Routine)
    cdef const cppipc.ParameterDescription* parameter
    cdef size_t i
    parameters = []
    routine.target = target
    full_name = owner if target == Target.kCreate else function.name.decode()
    routine.is_named = target == Target.kRun and owner is None
    if target == Target.kRun and owner is not None:  # a static method
        routine.wire_name = f"{owner}::{full_name}".encode()
    else:
        routine.wire_name = full_name.encode()
    routine.name = full_name.rpartition(".")[2]
    is_member = target != Target.kCreate and owner is not None
    routine.qualname = f"{owner}.{full_name}" if is_member else full_name
    routine.doc = function.doc.decode()
    routine.result = function.result.decode()
    routine.is_toolkit = function.is_toolkit
    for i in range(function.parameters.size()):
        parameter = &function.parameters[i]
        if parameter.is_variadic:
            routine.is_variadic = True
            routine.takes_rest = routine.takes_rest or parameter.name.compare(b"*args") == 0
            continue
        if not parameter.default_value.has_value():
            routine.required = len(parameters) + 1
            default = ()
        else:
            default = (from_variant(parameter.default_value.value(), None, known),)
        parameters.append((sys.intern(parameter.name.decode()), parameter.type.decode(), default))
    routine.parameters = tuple(parameters)
    routine.names = tuple([name for name, _, _ in parameters])
    routine.overloads = ()
    if function.overloads.size() != 0:
        routine.overloads = (routine, *[
            routine_of(function.overloads[i], target, owner, known)
            for i in range(function.overloads.size())])
    return routine


def builtin(str wire_name, str qualname, tuple parameters):
    """What every server can do for a session, as a Routine to be bound to a connection.

    Args:
        wire_name: as the server knows it, "$save".
        qualname: as users know it, "Session.save".
        parameters: a tuple for each, of its name and perhaps its default. Those without come first.
    """
    cdef Routine routine = Routine.__new__(Routine)
    routine.target = Target.kRun
    routine.wire_name = wire_name.encode()
    routine.qualname = qualname
    routine.name = qualname.rpartition(".")[2]
    routine.doc = routine.result = ""
    routine.overloads = ()
    routine.parameters = tuple([(sys.intern(name), "", tuple(default))
                                for name, *default in parameters])
    routine.names = tuple([name for name, _, _ in routine.parameters])
    routine.required = sum([not default for _, _, default in routine.parameters])
    return routine


cdef Routine getter_of(const cppipc.PropertyDescription& property_, str owner):
    cdef Routine routine = Routine.__new__(Routine)
    routine.target = Target.kMethod
    routine.wire_name = property_.name
    routine.name = property_.name.decode()
    routine.qualname = f"{owner}.{routine.name}"
    routine.doc = property_.doc.decode()
    routine.result = property_.type.decode()
    routine.overloads = ()
    routine.parameters = routine.names = ()
    return routine


cdef Routine setter_of(const cppipc.PropertyDescription& property_, str owner):
    cdef Routine routine = getter_of(property_, owner)
    routine.wire_name = property_.name + <string>b"="
    routine.result = ""
    routine.parameters = (("value", property_.type.decode(), ()),)
    routine.names = ("value",)
    routine.required = 1
    return routine


seal(<TypeObject*>Routine)
