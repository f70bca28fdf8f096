# SPDX-License-Identifier: Apache-2.0
"""`unity.Counter`: the C++ proxy of an interface as a Cython class. The pattern to copy."""

from libc.stdint cimport int64_t
from libcpp.memory cimport shared_ptr

from unity.interface cimport Client, RemoteObject, client_of, failed, remote_of, to_int64

from unity.type_slots cimport TypeObject, rename_type

from unity import errors


cdef class Counter(TypedProxy):
    """A counter on a server: an integer that is counted up.

    Args:
        session: the `unity.Session` whose server has it.
        start: an int of 64 bits.

    It is equal to the proxy of the same object that `session.types.Counter` has, and may be given
    to calls wherever that may. Every call waits for its result.

    Raises:
        WrongType: `session` is none, or `start` is no int; or the server's Counter is not what
            this class was compiled for.
        Overflow: `start` has more than 64 bits.
        UnknownName: the server has no Counter.
        ConnectionLost: the session is over; ForkedSession: it is the parent process's.
        QuotaExceeded: the session has too many objects.
    """

    def __init__(self, session, start=0):
        cdef shared_ptr[Client] client = client_of(session)
        cdef int64_t first = to_int64(start, "Counter() parameter 'start'")
        cdef CounterPtr counter
        try:
            with nogil:
                counter = create_counter(client, first)
        except errors.Error as error:
            failed(error, "Counter", None, session)
            raise
        self.wrap(session, counter)

    @staticmethod
    def of(proxy):
        """The `unity.Counter` for an object that is there already.

        Args:
            proxy: a `unity.Proxy` of a Counter, as calls return them.

        Raises:
            WrongType: it is no proxy, or one of something else.
            ConnectionLost, ForkedSession.
        """
        cdef shared_ptr[RemoteObject] remote = remote_of(proxy)
        cdef CounterPtr counter
        with nogil:
            counter = counter_for(remote)
        cdef Counter made = Counter.__new__(Counter)
        made.wrap(proxy, counter)
        return made

    cdef int wrap(self, object origin, const CounterPtr& counter) except -1:
        # Takes the C++ proxy. A method that runs keeps this, and so the proxy.
        self.hold(origin, remote_of_counter(counter), <shared_ptr[void]>counter)
        self.counter = counter.get()
        return 0

    def increment(self, by=1):
        """Add to the value.

        Args:
            by: an int of 64 bits, which may be negative.

        Returns:
            The new value, an int.

        Raises:
            Overflow: `by`, or the new value, has more than 64 bits; the value stays as it is.
            WrongType: `by` is no int.
            ConnectionLost, ForkedSession.
        """
        cdef int64_t step = to_int64(by, "increment() parameter 'by'")
        cdef int64_t value
        self.check()
        try:
            with nogil:
                value = self.counter.increment(step)
        except errors.Error as error:
            failed(error, "increment", self, None)
            raise
        return value

    @property
    def value(self):
        """The current value, an int; reading it is a call.

        Raises: ConnectionLost, ForkedSession.
        """
        cdef int64_t value
        self.check()
        try:
            with nogil:
                value = self.counter.value()
        except errors.Error as error:
            failed(error, "value", self, None)
            raise
        return value


rename_type(<TypeObject*>Counter, "unity.Counter")
