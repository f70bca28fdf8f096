# SPDX-License-Identifier: Apache-2.0
"""What can go wrong: one base class, and twins of Python's own exceptions.

Every class derives from `Error` and, where Python has an exception for the condition, from that
one too, so `except IndexError` catches an `std::out_of_range` of the server. Failures inside a
toolkit are, on top of that, `ToolkitError`.
"""

from concurrent.futures import CancelledError as _CancelledError


class Error(Exception):
    """Base of all exceptions of this package.

    Attributes:
        kind: the kind of error as the wire contract names it, e.g. "outOfRange"; "" if the
            error was found on this side.
        where: the method or function that failed, e.g. "Counter.increment"; may be "".
        object: the server object whose method failed, as its proxy's repr calls it, e.g.
            "Counter 3f2a91c0"; "" if it was no method.
        thrown_type: the C++ type that was thrown on the server, e.g. "std::out_of_range"; may
            be "".
        exception_name: the name of the server's own exception class that was thrown, as
            `session.types` has it; "" if it was none.
    """

    kind = ""
    where = ""
    object = ""
    thrown_type = ""
    exception_name = ""

    def __reduce__(self):
        state = dict(self.__dict__)
        if isinstance(self, OSError) and self.errno is not None:
            state["errno"] = self.errno
        return _rebuild, (type(self), self.args, state)


def _rebuild(cls, args, state):
    error = cls(*args)
    for name, value in state.items():
        setattr(error, name, value)
    return error


class RemoteError(Error, RuntimeError):
    """Any C++ exception of the server that has no class of its own below."""


class ToolkitError(Error, RuntimeError):
    """A toolkit reports failure, or a C++ exception was thrown inside one."""


class InvalidArgument(Error, ValueError):
    """An argument has a wrong value; std::invalid_argument."""


class DomainError(Error, ValueError):
    """An argument lies outside of what a function is defined for; std::domain_error."""


class OutOfRange(Error, IndexError):
    """An index or key that is not there; std::out_of_range."""


class OutOfMemory(Error, MemoryError):
    """The server could not get memory; std::bad_alloc."""


class WrongType(Error, TypeError):
    """An argument of a wrong type, or wrong argument names or counts; std::bad_cast."""


class Overflow(Error, OverflowError):
    """A number that does not fit; std::overflow_error."""


class InputOutputError(Error, OSError):
    """The server could not read or write; std::ios_base::failure, std::system_error."""


class UnknownName(Error, LookupError, AttributeError):
    """The server has no type, method, property or function of that name."""


class UnknownKey(Error, KeyError):
    """A mapping of the server has no such key."""

    __str__ = Exception.__str__  # KeyError's would show the text in quotes


class NotPermitted(Error, PermissionError):
    """The server does not do that for this session."""


class ConnectionLost(Error, ConnectionError):
    """The session ended: it was closed, or the server is out of reach."""


class ServerCrashed(ConnectionLost):
    """The server process ended before its session did.

    Attributes:
        signal: the signal that killed it, e.g. "SIGSEGV"; "" if none did.
        last_lines: what it printed last, a list of str.
    """

    signal = ""
    last_lines = ()


class CallTimeout(Error, TimeoutError):
    """The reply did not come in time. The session stays usable."""


class Cancelled(Error, _CancelledError):
    """The call was cancelled."""


class StaleReference(Error, LookupError):
    """A reference to an object that no longer exists."""


class QuotaExceeded(Error, RuntimeError):
    """The session is past one of the server's limits."""


class ForkedSession(ConnectionLost):
    """A session, proxy or call of the parent process was used in a forked child."""


class TooLarge(Error, ValueError):
    """A value that does not fit into one message."""


class NotSupported(Error, NotImplementedError):
    """Something that this build, server or transport cannot do."""


class ProtocolError(ConnectionLost):
    """The other side speaks another protocol, or broke ours."""


class TlsError(ConnectionLost):
    """Client and server did not agree on TLS, or only one of them speaks it; `kind` is "tls"."""


class LaunchError(Error, RuntimeError):
    """A server could not be started."""


class ServerNotFound(LaunchError, FileNotFoundError):
    """There is no server binary at that path."""


class ServerNotExecutable(LaunchError, PermissionError):
    """The server binary may not be executed."""


class ToolkitInvalidArgument(ToolkitError, InvalidArgument):
    """`InvalidArgument` inside a toolkit."""


class ToolkitDomainError(ToolkitError, DomainError):
    """`DomainError` inside a toolkit."""


class ToolkitOutOfRange(ToolkitError, OutOfRange):
    """`OutOfRange` inside a toolkit."""


class ToolkitOutOfMemory(ToolkitError, OutOfMemory):
    """`OutOfMemory` inside a toolkit."""


class ToolkitWrongType(ToolkitError, WrongType):
    """`WrongType` inside a toolkit."""


class ToolkitOverflow(ToolkitError, Overflow):
    """`Overflow` inside a toolkit."""


class ToolkitInputOutputError(ToolkitError, InputOutputError):
    """`InputOutputError` inside a toolkit."""


class ToolkitUnknownKey(ToolkitError, UnknownKey):
    """`UnknownKey` inside a toolkit."""


# By cppipc::ErrorKind.
_CLASSES = (
    RemoteError,
    ToolkitError,
    InvalidArgument,
    DomainError,
    OutOfRange,
    OutOfMemory,
    WrongType,
    Overflow,
    InputOutputError,
    UnknownName,
    ConnectionLost,
    ServerCrashed,
    CallTimeout,
    Cancelled,
    StaleReference,
    QuotaExceeded,
    ForkedSession,
    TooLarge,
    NotSupported,
    ProtocolError,
    UnknownKey,
    NotPermitted,
)

_TOOLKIT_TWINS = {
    RemoteError: ToolkitError,
    InvalidArgument: ToolkitInvalidArgument,
    DomainError: ToolkitDomainError,
    OutOfRange: ToolkitOutOfRange,
    OutOfMemory: ToolkitOutOfMemory,
    WrongType: ToolkitWrongType,
    Overflow: ToolkitOverflow,
    InputOutputError: ToolkitInputOutputError,
    UnknownKey: ToolkitUnknownKey,
}


def kind_of(error):
    """The number of the cppipc::ErrorKind that comes nearest to a Python exception."""
    for cls in type(error).__mro__:
        if cls in _CLASSES:
            return _CLASSES.index(cls)
        if cls in _KINDS_OF_TWINS:
            return _KINDS_OF_TWINS[cls]
    return 0


# Python's own exceptions -> the kind of their twin.
_KINDS_OF_TWINS = {
    cls.__bases__[1]: kind
    for kind, cls in reversed(list(enumerate(_CLASSES)))
    if len(cls.__bases__) > 1 and cls.__bases__[1] is not RuntimeError
}

_LAST_LINES = "\nits last lines:\n"


def class_of_kind(kind):
    """The class for the number of a cppipc::ErrorKind."""
    return _CLASSES[kind] if kind < len(_CLASSES) else RemoteError


def toolkit_twin(cls):
    """What a class of _CLASSES is inside a toolkit."""
    return cls if issubclass(cls, ToolkitError) else _TOOLKIT_TWINS.get(cls, ToolkitError)


def registered_name_of(error):
    """The name of the server's exception class that an error is of, as the server has it."""
    return error.exception_name if isinstance(error, Error) else ""


def from_fault(
    kind, kind_name, message, in_toolkit, where, thrown_type, exception_name, error_number
):
    """The exception for a cppipc::Error; called by the seam."""
    cls = TlsError if kind_name == "tls" else class_of_kind(kind)
    if in_toolkit:
        cls = _TOOLKIT_TWINS.get(cls, cls)
    error = cls(message)
    error.kind = kind_name
    error.where = where
    error.thrown_type = thrown_type
    if exception_name:
        error.exception_name = exception_name
    if isinstance(error, ServerCrashed):
        error.signal = _signal_name(error_number)
        error.last_lines = message.partition(_LAST_LINES)[2].splitlines()
    elif isinstance(error, OSError) and error_number:
        error.errno = error_number
    return error


def in_call(error, where, target, is_awaited, description):
    """Completes an error with the call that it ended; called by the seam.

    One of the server's own exceptions becomes an instance of its class, which `description` has.
    What a traceback does not show by itself becomes a note of the error: on which object the
    method was called, and for a call that was submitted (not awaited at once) also what it was.
    """
    if error.exception_name:
        described = description.exceptions.get(error.exception_name)
        if described is not None:
            described.adopt(error)
    if not error.where:
        error.where = where
    error.object = target
    if target:
        error.add_note(f"in {where} of {target}")
    elif not is_awaited:
        error.add_note(f"in {where}")


def _signal_name(number):
    if number == 0:
        return ""
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


__all__ = [
    name
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Error)
]
