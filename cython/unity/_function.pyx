# SPDX-License-Identifier: Apache-2.0
"""Callables: methods, toolkits and constructors, and the way of a blocking call.

A call takes three steps: arguments are written into a message with the GIL, the call is sent and
waited for without it, the result is read from its message with it.
"""

from libcpp.optional cimport nullopt, optional
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string

from unity cimport cppipc
from unity._call cimport new_call
from unity._connection cimport Connection, Proxy, label_of, settle, short_id
from unity._routine cimport Routine, Target
from unity._runtime cimport PyObject, Runtime, runtime
from unity._reading cimport value_of
from unity.cppipc cimport raise_as_python
from unity.type_slots cimport TypeObject, enable_vectorcall, rename_type, seal

from unity import errors


cdef extern from "Python.h":
    Py_ssize_t PyVectorcall_NARGS(size_t)

cdef extern from "waiting.h" namespace "unity" nogil:
    cppipc.CallPtr send(
        cppipc.Client&, Target, const string&, const shared_ptr[cppipc.RemoteObject]&,
        cppipc.ValueWriter&, const cppipc.CallOptions&) except +raise_as_python
    void send_and_wait(
        const Runtime&, cppipc.Client&, Target, const string&,
        const shared_ptr[cppipc.RemoteObject]&, cppipc.ValueWriter&, const cppipc.CallOptions&,
        shared_ptr[cppipc.Result]*) except +raise_as_python


cdef Runtime* process_runtime = runtime()
cdef shared_ptr[cppipc.RemoteObject] no_object


cdef object invoke(Routine routine, Connection connection, Proxy target,
                   const cppipc.CallOptions& options, PyObject** values, Py_ssize_t positional,
                   PyObject* keywords):
    # A blocking call.
    cdef cppipc.ValueWriter arguments
    cdef shared_ptr[cppipc.Result] result
    cdef const shared_ptr[cppipc.RemoteObject]* remote = &no_object
    try:
        connection.check()
        routine.marshal(&arguments, values, positional, keywords, connection, options, False)
        if target is not None:
            remote = &target.remote
        try:
            with nogil:
                send_and_wait(process_runtime[0], connection.client.get()[0], routine.target,
                              routine.wire_name, remote[0], arguments, options, &result)
        finally:
            if process_runtime.has_dropped():
                process_runtime.release_dropped()
        return value_of(result, connection)
    except errors.Error as error:
        complete(error, routine, connection, target)
        raise


cdef int complete(object error, Routine routine, Connection connection, Proxy target) except -1:
    label = "" if target is None else label_of(type(target), short_id(target))
    errors.in_call(error, routine.qualname, label, True, connection.description)
    return 0


cdef class Function:
    """Something of a server that can be called. `f(…)` waits for the result, `f.submit(…)`
    returns a `unity.Call` at once, `f.options(timeout_s=…)` is `f` with a limit."""

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

    @property
    def __self__(self):
        if self.target is None:
            raise AttributeError(f"{self.routine.qualname} is no method")
        return self.target

    @property
    def __module__(self):
        return "unity"

    def __call__(self, *args, **kwargs):
        # For `f.__call__` only: calls go to the C function.
        return called(self, self.vectorcall, args, kwargs)

    def __get__(self, instance, owner):
        # As a built-in function is in a class; inspect and help() know functions by it.
        return self

    def submit(self, *args, **kwargs):
        """Send the call and return its future, a `unity.Call`, without waiting."""
        cdef cppipc.ValueWriter arguments
        cdef cppipc.CallPtr call
        cdef const shared_ptr[cppipc.RemoteObject]* remote = &no_object
        cdef tuple values = args
        cdef tuple names
        cdef PyObject* keywords = NULL
        if kwargs:
            values = args + tuple(kwargs.values())
            names = tuple(kwargs)
            keywords = <PyObject*>names
        try:
            self.connection.check()
            self.routine.marshal(&arguments, items_of(values), len(args), keywords,
                                 self.connection, self.options_, True)
            if self.target is not None:
                remote = &self.target.remote
            with nogil:
                call = send(self.connection.client.get()[0], self.routine.target,
                            self.routine.wire_name, remote[0], arguments, self.options_)
        except errors.Error as error:
            complete(error, self.routine, self.connection, self.target)
            raise
        if process_runtime.has_dropped():
            process_runtime.release_dropped()
        return new_call(call, self.connection, self.routine, self.target, self.options_)

    def options(self, *, timeout_s=None):
        """The same function, of which each call may take `timeout_s` seconds (None: no limit).

        After that the caller gets `CallTimeout`, and the server sees the call as cancelled.
        """
        cdef Function limited = adapted_function(
            self.routine, self.connection, self.target, self.adapter)
        if timeout_s is not None:
            limited.options_.timeout_s = <double>checked_timeout(timeout_s)
        return limited

    def __eq__(self, other):
        if not isinstance(other, Function):
            return NotImplemented
        return (self.routine is (<Function>other).routine
                and self.connection is (<Function>other).connection
                and self.target is (<Function>other).target
                and self.timeout_s == (<Function>other).timeout_s)

    def __hash__(self):
        return hash((id(self.routine), id(self.connection), id(self.target)))

    def __reduce__(self):
        from unity import _function_pickles

        if self.target is not None:
            return _function_pickles.reduce_method(self.target, self.routine.name, self.timeout_s)
        if self.routine.target != Target.kRun:
            raise not_portable(self.routine)
        return _function_pickles.reduce_function(
            self.connection, self.routine.wire_name.decode(), self.timeout_s)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    @property
    def timeout_s(self):
        """Seconds that a call may take; None for no limit."""
        if not self.options_.timeout_s.has_value():
            return None
        return self.options_.timeout_s.value()

    def __repr__(self):
        limit = "" if self.timeout_s is None else f", at most {self.timeout_s:g} s"
        if self.target is not None:
            return f"<method {self.routine.qualname} of {self.target!r}{limit}>"
        state = "closed" if self.connection.is_closed else "live"
        kind = "toolkit" if self.routine.is_toolkit else "function"
        return f"<{kind} {self.routine.qualname} on {self.connection.address}, {state}{limit}>"


cdef object called(object function, VectorCall vectorcall, tuple args, dict kwargs):
    cdef tuple values = args + tuple(kwargs.values())
    cdef tuple names = tuple(kwargs)
    return vectorcall(function, items_of(values), len(args), <PyObject*>names if names else NULL)


cdef object not_portable(Routine routine):
    return TypeError(f"{routine.qualname}() belongs to its session and cannot be pickled or copied")


def checked_timeout(timeout_s):
    """Seconds as a float. Raises: WrongType: it is no number, or a bool; InvalidArgument: it is
    negative or NaN."""
    try:
        if isinstance(timeout_s, (bool, str, bytes, bytearray)):
            raise TypeError
        seconds = float(timeout_s)
    except TypeError:
        raise errors.WrongType(
            f"timeout_s must be a number of seconds or None, not {type(timeout_s).__qualname__!r}"
        ) from None
    if not seconds >= 0:
        raise errors.InvalidArgument(f"timeout_s must be 0 or more seconds, not {timeout_s!r}")
    return seconds


cdef extern from *:
    """
    // The items of a tuple, borrowed.
    static inline PyObject** unity_items_of(PyObject* tuple) {
      return reinterpret_cast<PyTupleObject*>(tuple)->ob_item;
    }
    """
    PyObject** items_of "unity_items_of" (object)


cdef Function new_function(Routine routine, Connection connection, Proxy target):
    cdef Function function = Function.__new__(Function)
    function.vectorcall = call_function
    function.routine = routine
    function.connection = connection
    function.target = target
    return function


cdef object call_function(object function, PyObject** values, size_t count, PyObject* keywords):
    return invoke((<Function>function).routine, (<Function>function).connection,
                  (<Function>function).target, (<Function>function).options_, values,
                  PyVectorcall_NARGS(count), keywords)


cdef Function adapted_function(Routine routine, Connection connection, Proxy target,
                               object adapter):
    # A Function whose blocking calls go through adapter(function, …); None: they do not.
    cdef Function function = new_function(routine, connection, target)
    if adapter is not None:
        function.vectorcall = call_adapted
        function.adapter = adapter
    return function


cdef object call_adapted(object function, PyObject** values, size_t count, PyObject* keywords):
    cdef Function adapted = <Function>function
    cdef Function plain = new_function(adapted.routine, adapted.connection, adapted.target)
    cdef Py_ssize_t positional = PyVectorcall_NARGS(count)
    cdef Py_ssize_t i
    plain.options_ = adapted.options_
    args = [<object>values[i] for i in range(positional)]
    kwargs = {}
    if keywords != NULL:
        for i, name in enumerate(<tuple>keywords):
            kwargs[name] = <object>values[positional + i]
    return adapted.adapter(plain, *args, **kwargs)


cdef cppipc.CallOptions no_options


cdef class Method:
    """A method of an exposed type, as `help()` and the interpreter find it in the class."""

    def __get__(self, instance, owner):
        if instance is None:
            return self
        proxy = <Proxy?>instance
        settle(proxy)
        return adapted_function(self.routine, proxy.connection, proxy, self.adapter)

    def __call__(self, *args, **kwargs):
        # For `T.f.__call__` only, as of a Function.
        return called(self, self.vectorcall, args, kwargs)

    def adapted(self, adapter):
        """The same method, but a blocking call of it is `adapter(function, …)`; `function` is
        the method of the object, without the adapter. `submit` sends what it is given."""
        cdef Method method = new_method(self.routine)
        method.adapter = adapter
        return method

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
        from unity._signatures import with_self

        return with_self(self.routine.signature)

    @property
    def __overloads__(self):
        from unity._signatures import with_self

        return tuple([with_self(signature) for signature in self.routine.signatures])

    def __reduce__(self):
        raise TypeError(
            f"{self.routine.qualname} of the class cannot be pickled or copied; the class, and the "
            "methods of its objects can be")

    def __repr__(self):
        return f"<method {self.routine.qualname}>"


cdef object call_method(object method, PyObject** values, size_t count, PyObject* keywords):
    cdef Py_ssize_t given = PyVectorcall_NARGS(count)
    cdef Routine routine = (<Method>method).routine
    if given == 0 or not isinstance(<object>values[0], Proxy):
        raise errors.WrongType(f"{routine.qualname}() needs its object as the first argument")
    proxy = <Proxy>values[0]
    settle(proxy)
    if not has_method(type(proxy), routine.name, method):
        raise errors.WrongType(f"{routine.qualname}() is no method of {proxy!r}")
    if (<Method>method).adapter is not None:
        function = adapted_function(routine, proxy.connection, proxy, (<Method>method).adapter)
        return call_adapted(function, values + 1, given - 1, keywords)
    return invoke(routine, proxy.connection, proxy, no_options, values + 1, given - 1, keywords)


cdef bint has_method(object cls, str name, object method):
    # Its own, or one of a base's: then the server runs what the object has under that name.
    return getattr(cls, name, None) is method or any(
        [vars(base).get(name) is method for base in cls.__mro__])


cdef Method new_method(Routine routine):
    cdef Method method = Method.__new__(Method)
    method.vectorcall = call_method
    method.routine = routine
    return method


def wire_name(value, Connection connection):
    """How a connection's server calls a function of its own, without a time limit; else None."""
    if type(value) is not Function:
        return None
    function = <Function>value
    if (function.target is not None or not function.routine.is_named
            or function.timeout_s is not None
            or function.connection.server_id != connection.server_id):
        return None
    return function.routine.wire_name


def bind(Routine routine, Connection connection):
    """The routine as a function of a session: a toolkit, or a type's constructor."""
    return new_function(routine, connection, None)


def shared(Routine routine, Connection connection):
    """The same, and the same object as long as somebody refers to it."""
    known = connection.functions.get(routine.wire_name)
    if known is not None and (<Function>known).routine is routine:
        return known
    function = new_function(routine, connection, None)
    connection.functions[routine.wire_name] = function
    return function


cdef int install() except -1:
    # Once, at the import.
    cdef Function function = Function.__new__(Function)
    cdef Method method = Method.__new__(Method)
    enable_vectorcall(<TypeObject*>Function,
                      <char*>&function.vectorcall - <char*><PyObject*>function, False)
    enable_vectorcall(<TypeObject*>Method,
                      <char*>&method.vectorcall - <char*><PyObject*>method, True)
    for sealed in (Function, Method):
        seal(<TypeObject*>sealed)
    rename_type(<TypeObject*>Function, "unity.Function")
    return 0


install()
