# SPDX-License-Identifier: Apache-2.0
"""A class of Python around the C++ proxy. setup.py builds it."""

from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from unity.interface cimport Client, RemoteObject, client_of, failed, remote_of

import unity


cdef class Account(TypedProxy):
    """An account on a server. Errors are those of every call of `unity`."""

    def __init__(self, session, str owner):
        cdef shared_ptr[Client] client = client_of(session)
        cdef string name = owner.encode()
        cdef AccountPtr account
        try:
            with nogil:  # other threads of Python run while this one waits
                account = create_account(client, name)
        except unity.Error as error:
            failed(error, "bank.Account", None, session)
            raise
        self.wrap(session, account)

    cdef int wrap(self, object origin, const AccountPtr& account) except -1:
        self.hold(origin, remote_of_account(account), <shared_ptr[void]>account)
        self.account = account
        return 0

    @property
    def owner(self):
        """Whose it is, a str."""
        cdef string owner
        self.check()
        try:
            with nogil:
                owner = self.account.get().owner()
        except unity.Error as error:
            failed(error, "owner", self, None)
            raise
        return owner.decode()

    @property
    def balance(self):
        """How much there is, a float."""
        cdef double balance
        self.check()
        try:
            with nogil:
                balance = self.account.get().balance()
        except unity.Error as error:
            failed(error, "balance", self, None)
            raise
        return balance

    def deposit(self, double amount=1.0):
        """Add money; the balance, a float. Raises: unity.InvalidArgument, for less than none."""
        cdef double balance
        self.check()
        try:
            with nogil:
                balance = self.account.get().deposit(amount)
        except unity.Error as error:
            failed(error, "deposit", self, None)
            raise
        return balance

    def pay(self, to, double amount):
        """Move money to another account, an Account or any proxy of one.

        Raises: unity.DomainError, if there is too little.
        """
        cdef shared_ptr[RemoteObject] remote = remote_of(to)
        self.check()
        try:
            with nogil:
                self.account.get().pay(account_for(remote), amount)
        except unity.Error as error:
            failed(error, "pay", self, None)
            raise

    def pay_new(self, owners, double amount):
        """Open accounts for others, a list of Account, and pay each the amount."""
        cdef vector[string] names = [owner.encode() for owner in owners]
        cdef vector[AccountPtr] opened
        cdef size_t i
        self.check()
        try:
            with nogil:
                opened = self.account.get().pay_new(names, amount)
        except unity.Error as error:
            failed(error, "pay_new", self, None)
            raise
        accounts = []
        for i in range(opened.size()):
            account = <Account>Account.__new__(Account)
            account.wrap(self, opened[i])
            accounts.append(account)
        return accounts
