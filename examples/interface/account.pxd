# SPDX-License-Identifier: Apache-2.0
# The C++ proxy, as Cython sees it, and the class that wraps it.

from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from unity.interface cimport Client, RemoteObject, TypedProxy, raise_as_python

cdef extern from "account_proxy.h" namespace "bank" nogil:
    cdef cppclass CppAccount "bank::Account":
        string owner() except +raise_as_python
        double balance() except +raise_as_python
        double deposit(double amount) except +raise_as_python
        void pay(const shared_ptr[CppAccount]& to, double amount) except +raise_as_python
        vector[shared_ptr[CppAccount]] pay_new(
            const vector[string]& owners, double amount) except +raise_as_python

ctypedef shared_ptr[CppAccount] AccountPtr

cdef extern from "account_proxy.h" namespace "cppipc" nogil:
    AccountPtr create_account "cppipc::create<bank::Account>" (
        const shared_ptr[Client]&, const string&) except +raise_as_python
    AccountPtr account_for "cppipc::proxy_for<bank::Account>" (
        shared_ptr[RemoteObject]) except +raise_as_python
    shared_ptr[RemoteObject] remote_of_account "cppipc::remote_of" (const AccountPtr&)


cdef class Account(TypedProxy):
    cdef AccountPtr account
    cdef int wrap(self, object origin, const AccountPtr& account) except -1
