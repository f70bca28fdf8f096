# SPDX-License-Identifier: Apache-2.0
"""The future of a call: `unity.Call`.

A call is done when C++ says so; nothing here is told unless somebody asks to be. Whoever does
(callbacks, asyncio, concurrent.futures.wait) has the call put into a queue once it is done, and
the thread "unity-callback", of which a process has one, serves that queue.
"""

import threading
from concurrent.futures import Future, InvalidStateError

from libcpp cimport bool as cbool
from libcpp.memory cimport make_shared, shared_ptr
from libcpp.optional cimport optional

from unity cimport cppipc
from unity._connection cimport Connection, Proxy, label_of, short_id
from unity._routine cimport Routine
from unity._runtime cimport PyObject, Runtime, runtime
from unity._reading cimport value_of
from unity.cppipc cimport raise_as_python
from unity.type_slots cimport Maker, TypeObject, seal

from unity import errors


cdef extern from "waiting.h" namespace "unity" nogil:
    void wait_for "unity::wait" (
        const Runtime&, cppipc.Call&, optional[double], shared_ptr[cppipc.Result]*, cbool*) \
        except +raise_as_python
    void leak_call "unity::leak" (cppipc.CallPtr&)

cdef extern from "done_queue.h" namespace "unity" nogil:
    cdef cppclass DoneQueue:
        @staticmethod
        Deadline deadline_after(optional[double])
        void watch(const cppipc.CallPtr&, PyObject*, shared_ptr[const void], Deadline) \
            except +raise_as_python
        PyObject* pop(shared_ptr[const void]*) except +raise_as_python
    void serve_tasks "unity::serve_tasks" (Runtime&, const shared_ptr[DoneQueue]&)


cdef Runtime* process_runtime = runtime()


cdef class CallState:
    """What `Call` is made of: all of a future's methods, on top of the call in C++."""

    def __dealloc__(self):
        if self.call and self.generation != process_runtime.generation():
            leak_call(self.call)

    # -- what concurrent.futures.Future does --------------------------------------------------

    def result(self, timeout=None):
        """The call's result; waits for it, up to `timeout` seconds if that is given.

        Raises:
            CallTimeout: there is no reply yet; the call goes on.
            Cancelled: the call was cancelled.
            Exception: what the call itself raised.
        """
        fetch(self, timeout)
        if self.error_ is not None:
            raise self.error_
        return self.result_

    def exception(self, timeout=None):
        """The exception that the call raised, or None; waits as `result` does."""
        fetch(self, timeout)
        if self.cancelled():
            raise self.error_
        return self.error_

    def done(self):
        """Whether the reply is there, or the call was cancelled."""
        self.connection.check()
        return self.call.get().is_done()

    def running(self):
        """Whether the call was sent and is not done."""
        return not self.done()

    def cancel(self):
        """Ask the server to stop the call, and stop waiting for it.

        Returns:
            False if the reply is there already, else True. The server's function runs on
            until it looks whether it was cancelled.
        """
        cdef bint is_cancelled
        self.connection.check()
        with nogil:
            is_cancelled = self.call.get().cancel()
        if is_cancelled:
            self.was_cancelled = True
        return self.was_cancelled

    def cancelled(self):
        """Whether the call ended by being cancelled."""
        if not self.was_cancelled and self.done():
            fetch(self, None)
        return self.was_cancelled

    def add_done_callback(self, callback):
        """Call `callback(self)` once the call is done: at once if it is done already, else on
        the thread "unity-callback"."""
        self.connection.check()
        if getattr(callback, "__module__", None) == "asyncio.tasks":
            raise TypeError("asyncio.wait() waits for futures of asyncio only; give it "
                            "asyncio.ensure_future(call)")
        if self.has_told or (self.callbacks is None and self.done()):
            run_callback(self, callback)
            return
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append(callback)
        watch(self)

    def set_running_or_notify_cancel(self):
        raise InvalidStateError("only the server can answer a call")

    def set_result(self, result):
        raise InvalidStateError("only the server can answer a call")

    def set_exception(self, exception):
        raise InvalidStateError("only the server can answer a call")

    def __await__(self):
        if not self.done():
            from unity._asyncio import until_done

            yield from until_done(self)
        fetch(self, None)
        if self.was_cancelled:
            from unity._asyncio import as_cancellation

            raise as_cancellation(self.error_)
        return self.result()

    def __reduce__(self):
        raise TypeError(f"a call of {self.routine.qualname}() belongs to its session and cannot be "
                        "pickled or copied")

    def __repr__(self):
        if self.connection.is_of_parent():
            state = "of the parent process"
        elif not self.done():
            state = "running"
        elif self.was_cancelled:
            state = "cancelled"
        elif not self.has_outcome:
            state = "done"
        elif self.error_ is not None:
            state = f"raised {type(self.error_).__name__}"
        else:
            state = f"returned {type(self.result_).__name__}"
        return f"<unity.Call {self.routine.qualname}() {state}>"

    # -- what concurrent.futures.wait() and as_completed() look at ------------------------------

    @property
    def _condition(self):
        if self.condition_ is None:
            self.condition_ = threading.Condition()
        return self.condition_

    @property
    def _waiters(self):
        # Whoever asks holds `_condition` and is about to add a waiter or to take one out.
        if self.waiters_ is None:
            self.waiters_ = []
        watch(self)
        return self.waiters_

    @property
    def _state(self):
        # Done only once the waiters have been told, so that none is told and counted.
        if self.has_told or (not self.is_watched and self.done()):
            return "CANCELLED_AND_NOTIFIED" if self.cancelled() else "FINISHED"
        return "RUNNING"

    @property
    def _result(self):
        return self.result_

    @property
    def _exception(self):
        return self.error_


cdef int fetch(CallState self, object timeout) except -1:
    # Waits for the outcome and keeps it. A timeout or Ctrl-C is none: it is raised.
    cdef shared_ptr[cppipc.Result] reply
    cdef optional[double] timeout_s
    cdef cbool is_interrupted = False
    cdef shared_ptr[cppipc.Call] call = self.call
    self.connection.check()
    if self.has_outcome:
        return 0
    if timeout is not None:
        timeout_s = <double>timeout
    result, error = None, None
    try:
        with nogil:
            wait_for(process_runtime[0], call.get()[0], timeout_s, &reply, &is_interrupted)
        result = value_of(reply, self.connection)
    except Exception as raised:
        if is_interrupted:
            raise
        if isinstance(raised, errors.Error):
            complete(self, raised)
        if isinstance(raised, errors.CallTimeout) and not call.get().is_done():
            raise
        error = raised
    keep(self, result, error)
    process_runtime.release_dropped()
    return 0


cdef int complete(CallState self, object error) except -1:
    label = ""
    if self.target_class is not None:
        label = label_of(self.target_class, self.target_id)
    errors.in_call(error, self.routine.qualname, label, False, self.connection.description)
    return 0


cdef int keep(CallState self, object result, object error) except -1:
    # The first outcome stays: two threads may have fetched it.
    if not self.has_outcome:
        self.result_, self.error_ = result, error
        self.has_outcome = True
        if isinstance(error, errors.Cancelled):
            self.was_cancelled = True
    return 0


cdef int watch(CallState self) except -1:
    if self.is_watched:
        return 0
    self.is_watched = True
    queue = callback_queue()
    kept = process_runtime.keep(<PyObject*>self)
    with nogil:
        queue.get().watch(self.call, <PyObject*>self, kept, self.deadline)
    return 0


cdef int tell(CallState self) except -1:
    # On the callback thread, once, when the call is done.
    with self._condition:
        if self.waiters_:
            tell_waiters(self)
        self.has_told = True
        self.condition_.notify_all()
    if self.callbacks is not None:
        for callback in self.callbacks:
            run_callback(self, callback)
    return 0


cdef int tell_waiters(CallState self) except -1:
    fetch(self, None)
    for waiter in self.waiters_:
        if self.was_cancelled:
            waiter.add_cancelled(self)
        elif self.error_ is not None:
            waiter.add_exception(self)
        else:
            waiter.add_result(self)
    return 0


cdef int run_callback(CallState self, object callback) except -1:
    try:
        callback(self)
    except Exception:
        import logging

        logging.getLogger("unity").exception("a callback of %r raised", self)
    return 0


cdef Maker call_maker = seal(<TypeObject*>CallState)


class Call(CallState, Future):
    """A call that was sent: a concurrent.futures.Future that can also be awaited."""

    __slots__ = ()
    __module__ = "unity"


cdef CallState new_call(cppipc.CallPtr call, Connection connection, Routine routine, Proxy target,
                        const cppipc.CallOptions& options):
    cdef CallState state = call_maker.make(<TypeObject*>Call)
    if target is not None:
        state.target_class = type(target)
        state.target_id = short_id(target)
    state.call = call
    state.connection = connection
    state.routine = routine
    state.deadline = DoneQueue.deadline_after(options.timeout_s)
    state.generation = process_runtime.generation()
    return state


cdef shared_ptr[DoneQueue] process_queue
cdef object process_queue_generation = None


cdef shared_ptr[DoneQueue] callback_queue():
    # The queue and its thread; a forked child gets new ones.
    global process_queue, process_queue_generation
    if process_queue_generation != process_runtime.generation():
        process_queue = make_shared[DoneQueue]()
        process_queue_generation = process_runtime.generation()
        serve_tasks(process_runtime[0], process_queue)
        threading.Thread(target=serve_callbacks, name="unity-callback", daemon=True).start()
    return process_queue


def start_callback_thread():
    """For callables that the server may call while no thread waits for it."""
    callback_queue()


def serve_callbacks():
    cdef shared_ptr[DoneQueue] queue = process_queue
    cdef shared_ptr[const void] kept
    cdef PyObject* done
    while True:
        with nogil:
            done = queue.get().pop(&kept)
            process_runtime.park_if_exiting()
        if done != NULL:
            call = <CallState>done
            kept.reset()
            tell_safely(call)
            del call
        process_runtime.release_dropped()


cdef int tell_safely(CallState call) except -1:
    # What goes wrong with one call must not end the thread that serves all.
    try:
        tell(call)
    except Exception:
        import logging

        logging.getLogger("unity").exception("telling that %r is done failed", call)
    return 0
