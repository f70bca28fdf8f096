# SPDX-License-Identifier: Apache-2.0
"""What a server offers, in Python: made once for all sessions with equal descriptions."""

import copyreg
import weakref

from libc.stdint cimport uint16_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string

from unity cimport cppipc
from unity._connection cimport Connection, Proxy
from unity._function cimport new_function, new_method
from unity._property cimport new_property
from unity._routine cimport Routine, Target, getter_of, routine_of, setter_of
from unity._static cimport new_static_method

from unity import errors
from unity._connection import set_renew
from unity._descriptions import (
    EnumDescription, ExtensionDescription, SettingDescription, TypeDescription)


cdef extern from "offers.h" namespace "unity" nogil:
    # Whether the item of that number was there before, the same and of the same file.
    cbool is_same_type(const shared_ptr[const cppipc.Offer]& before,
                       const shared_ptr[const cppipc.Offer]& now, size_t i)
    cbool is_same_function(const shared_ptr[const cppipc.Offer]& before,
                           const shared_ptr[const cppipc.Offer]& now, size_t i)
    cbool is_same_enumeration(const shared_ptr[const cppipc.Offer]& before,
                              const shared_ptr[const cppipc.Offer]& now, size_t i)


ARITHMETIC = "add and divmod floordiv lshift matmul mod mul or pow rshift sub truediv xor".split()

# The methods by which Python's operators and statements find what an object can do. Those that a
# server may register are the same as in naming.cpp.
SPECIAL = frozenset([f"__{name}__" for name in (
    "bool bytes call contains delitem enter exit getitem hash iter len reversed setitem str "
    "abs ceil complex float floor index int invert neg pos round trunc eq ge gt le lt ne").split()
    + ARITHMETIC + [f"r{name}" for name in ARITHMETIC]
    + [f"i{name}" for name in ARITHMETIC if name != "divmod"]])
CONTAINER = frozenset((
    "__contains__", "__delitem__", "__getitem__", "__iter__", "__len__", "__reversed__",
    "__setitem__"))

# By the description's hash; an entry lives as long as a session uses it.
known_descriptions = weakref.WeakValueDictionary()


class Description:
    """Types and functions of a server.

    Attributes:
        version: of the server.
        types: name -> TypeDescription.
        functions: name -> Routine, toolkits among them.
        enumerations: name -> EnumDescription.
        settings: name -> SettingDescription.
        exceptions: name -> _exceptions.ExceptionDescription.
        extensions: name -> ExtensionDescription.
        names: of all types, enumerations and exceptions, the keys of a dict.
    """

    def __init__(self, version, types, functions, enumerations, settings, exceptions, extensions):
        self.version = version
        self.types = types
        self.functions = functions
        self.enumerations = enumerations
        self.settings = settings
        self.exceptions = exceptions
        self.extensions = extensions
        self.names = {**types, **enumerations, **exceptions}

    def find(self, name, Connection connection):
        """The class of a type, an enumeration or an exception."""
        if name in self.exceptions:
            return self.exceptions[name].cls
        if name in self.enumerations:
            return self.enumerations[name].cls
        return self.class_of(name, connection)

    def member(self, enumeration, name):
        """The member of an enumeration. RemoteError if there is none."""
        described = self.enumerations.get(enumeration)
        if described is None or name not in described.members:
            raise errors.RemoteError(
                f"the server sent {enumeration}.{name}, which is not in its description")
        return described.cls[name]

    def names_of(self, member):
        """How the server calls a member of a Python Enum: two UTF-8 bytes, or None.

        A class that is not the server's own stands for it if it has its name, and the member.
        """
        cls = type(member)
        name = cls.__qualname__
        if name not in self.enumerations:
            fitting = [known for known in self.enumerations
                       if known.rpartition(".")[2] == cls.__name__]
            if len(fitting) != 1:
                return None
            name = fitting[0]
        if member.name not in self.enumerations[name].members:
            return None
        return name.encode(), member.name.encode()

    def class_of(self, name, Connection connection):
        """The class of that name for that session; made when it is first needed."""
        cls = connection.classes.get(name)
        if cls is None:
            described = self.types.get(name)
            if described is None:
                described = type_of_name(name)
            bases = tuple([self.class_of(base, connection) for base in described.bases])
            cls = make_class(described, bases or (Proxy,), connection)
            if connection.description_ is not self:  # there may be another type of that name
                return connection.description_.class_of(name, connection)
            # Another thread may have made it meanwhile: the first one stays.
            cls = connection.classes.setdefault(name, cls)
        return cls


class ProxyType(type):
    """The type of the classes of a session: calling one creates an object on the server."""

    def __call__(cls, *args, **kwargs):
        constructor = constructor_of(cls)
        if cls._adapter is not None:
            return cls._adapter(cls, constructor, *args, **kwargs)
        return constructor(*args, **kwargs)

    @property
    def __signature__(cls):
        described = cls._description
        if described is None or described.constructor is None:
            raise AttributeError("__signature__")
        return described.constructor.signature

    @property
    def __overloads__(cls):
        described = cls._description
        if described is None or described.constructor is None:
            return ()
        return described.constructor.signatures

    def __repr__(cls):
        connection = cls._connection()
        where = "a session that is gone" if connection is None else connection.address
        return f"<class {cls.__name__} on {where}>"


def reduce_class(cls):
    from unity import _function_pickles

    connection = cls._connection()
    if connection is None:
        raise errors.ConnectionLost(f"session closed: {cls!r} cannot be pickled any more")
    return _function_pickles.reduce_class(connection, cls._description.name)


copyreg.pickle(ProxyType, reduce_class)


def constructor_of(cls):
    connection = cls._connection()
    if connection is None:
        raise errors.ConnectionLost(
            f"session closed: nothing refers any more to the session of this {cls.__name__}; "
            "keep the session in a variable")
    constructor = cls._description.constructor
    if constructor is None:
        raise errors.WrongType(f"{cls.__name__} objects cannot be created, only returned by calls")
    return new_function(<Routine?>constructor, <Connection?>connection, None)


def make_class(described, bases, connection):
    """The class of a type for one session. It does not keep the session open."""
    from unity.sessions import module_of

    members = described.members
    adapter = None
    names = set(members).union(*[set(dir(base)) for base in bases if base is not Proxy])
    if not CONTAINER.isdisjoint(names):
        from unity._protocols import bases_of, constructor_adapter, members_of

        bases = bases_of(names, bases)
        adapter = constructor_adapter(described, bases)
        members = members_of(members, bases)
    if not SPECIAL.isdisjoint(members) or "_repr_mimebundle_" in members:
        from unity._operators import members_of as operators_of

        members = operators_of(members)
    return ProxyType(described.name.rpartition(".")[2], bases, {
        "__slots__": (),
        **members,
        "__module__": module_of(connection, described.name),
        "__doc__": described.documentation,
        "__qualname__": described.name,
        "__init_subclass__": refuse_subclass,
        "_adapter": None if adapter is None else staticmethod(adapter),
        "_description": described,
        "_connection": weakref.ref(connection),
    })


@classmethod
def refuse_subclass(cls, **kwargs):
    if isinstance(vars(cls).get("_description"), TypeDescription):
        return  # a type of the server that derives from this one
    raise TypeError(f"{cls.__base__.__name__} stands for a type of the server and cannot be "
                    "subclassed")


cdef object type_of_name(str name):
    # Of types that no server describes: of the functions and iterators that servers give, which are
    # objects, and of what a newer server may have.
    if name == "function":
        method = new_method(any_method(b"__call__", "function"))
        return TypeDescription("function", "A function of the server.", None, {"__call__": method})
    if name == "iterator":
        from unity._iterators import members_of

        method = new_method(any_method(b"next", "iterator"))
        return TypeDescription(
            "iterator", "An iterator of the server.", None, members_of({"next": method}))
    return TypeDescription(name, "", None, {})


cdef Routine any_method(string name, str owner):
    cdef cppipc.FunctionDescription call
    cdef cppipc.ParameterDescription rest
    rest.name = b"*args"
    rest.is_variadic = True
    call.name = name
    call.parameters.push_back(rest)
    return routine_of(call, Target.kMethod, owner, None)


cdef object description_of(const shared_ptr[const cppipc.Offer]& offer):
    cdef shared_ptr[const cppipc.Offer] nothing
    key = offer.get().hash
    description = known_descriptions.get(key)
    if description is None:
        description = known_descriptions.setdefault(key, convert(offer, None, nothing))
    return description


def renew(Connection connection):
    """Bring the description of a connection up to date.

    What has not changed stays the very object it was, classes and all. Other types of the same
    name, as of an extension that was loaded anew, get other classes; proxies keep theirs.
    """
    cdef shared_ptr[const cppipc.Offer] before
    cdef shared_ptr[const cppipc.Offer] offer
    while True:
        before = connection.offer
        known = connection.description_
        offer = connection.client.get().offer()
        if offer.get().version == before.get().version:
            return
        description = convert(offer, known, before)
        if connection.description_ is known:  # else another thread was faster
            break
    # All at once: nothing here lets another thread run.
    replaced = [name for name in connection.classes
                if description.types.get(name) is not known.types.get(name)]
    classes = [connection.classes.pop(name) for name in replaced]
    connection.description_ = description
    connection.offer = offer
    known_descriptions.setdefault(offer.get().hash, description)


cdef object convert(const shared_ptr[const cppipc.Offer]& offer, object known,
                    const shared_ptr[const cppipc.Offer]& before):
    # Takes what has not changed from `known`, which was made of `before`; both may be null.
    cdef const cppipc.Description* description = &offer.get().description
    cdef size_t i
    enumerations = {}
    for i in range(description.enumerations.size()):
        name = description.enumerations[i].name.decode()
        enumerations[name] = (known.enumerations[name] if is_same_enumeration(before, offer, i)
                              else enumeration_of(description.enumerations[i]))
    # Parameters may have members of enumerations for defaults, and there is no session yet.
    named = Description("", {}, {}, enumerations, {}, {}, {})
    types = {}
    for i in range(description.types.size()):
        name = description.types[i].name.decode()
        types[name] = (known.types[name] if is_same_type(before, offer, i)
                       else type_of(description.types[i], named))
    check_bases(types)
    functions = {}
    for i in range(description.functions.size()):
        name = description.functions[i].name.decode()
        functions[name] = (known.functions[name] if is_same_function(before, offer, i)
                           else routine_of(description.functions[i], Target.kRun, None, named))
    settings = {setting.name: setting for setting in [
        setting_of(description.settings[i]) for i in range(description.settings.size())]}
    extensions = {extension.name: extension for extension in [
        extension_of(description.extensions[i]) for i in range(description.extensions.size())]}
    # What is loaded while the server runs brings none.
    exceptions = exceptions_of(description[0]) if known is None else known.exceptions
    return Description(description.version.decode(), types, functions, enumerations, settings,
                       exceptions, extensions)


cdef object extension_of(const cppipc.ExtensionDescription& described):
    return ExtensionDescription(described.name.decode(), described.doc.decode(),
                                described.file.decode(), described.content_hash.decode())


cdef object setting_of(const cppipc.PropertyDescription& described):
    return SettingDescription(described.name.decode(), described.doc.decode(),
                              described.type.decode(), described.is_writable)


cdef int check_bases(dict types) except -1:
    # A server of ours sends none that are missing, or derive from themselves.
    checked = set()
    for name in types:
        trail = [name]
        while trail:
            missing = [base for base in types[trail[-1]].bases if base not in checked]
            if not missing:
                checked.add(trail.pop())
            elif missing[0] in trail or missing[0] not in types:
                raise errors.ProtocolError(
                    f"the server's description is wrong: {trail[-1]} cannot have the base "
                    f"{missing[0]}")
            else:
                trail.append(missing[0])
    return 0


cdef dict exceptions_of(const cppipc.Description& description):
    cdef size_t i
    described = {}
    for i in range(description.exceptions.size()):
        described[description.exceptions[i].name.decode()] = (
            description.exceptions[i].doc.decode(), description.exceptions[i].base.decode(),
            <uint16_t>description.exceptions[i].kind)
    if not described:
        return {}
    from unity._exceptions import ExceptionDescription

    exceptions = {}
    for name, (doc, base, kind) in described.items():
        names = [(name, doc)]
        while base:
            if base not in described or any([base == known for known, _ in names]):
                raise errors.ProtocolError(
                    f"the server's description is wrong: {name} cannot have the base {base}")
            names.insert(0, (base, described[base][0]))
            base = described[base][1]
        exceptions[name] = ExceptionDescription((kind, *names))
    return exceptions


cdef object enumeration_of(const cppipc.EnumDescription& described):
    cdef size_t i
    members = {}
    for i in range(described.members.size()):
        members[described.members[i].first.decode()] = described.members[i].second
    return EnumDescription(described.name.decode(), described.doc.decode(), members)


cdef object type_of(const cppipc.TypeDescription& described, object known):
    cdef size_t i
    cdef Routine routine
    cdef Routine setter
    name = described.name.decode()
    constructor = None
    if described.constructor.has_value():
        constructor = routine_of(described.constructor.value(), Target.kCreate, name, known)
    members = {}
    for i in range(described.methods.size()):
        if described.methods[i].is_static:
            routine = routine_of(described.methods[i], Target.kRun, name, known)
            members[routine.name] = new_static_method(routine)
            continue
        routine = routine_of(described.methods[i], Target.kMethod, name, known)
        # Other names of this form belong to Python; a class cannot have them from elsewhere.
        if not routine.name.startswith("__") or routine.name in SPECIAL:
            members[routine.name] = new_method(routine)
    for i in range(described.properties.size()):
        setter = None
        if described.properties[i].is_writable:
            setter = setter_of(described.properties[i], name)
        members[described.properties[i].name.decode()] = new_property(
            getter_of(described.properties[i], name), setter)
    bases = tuple([described.bases[i].decode() for i in range(described.bases.size())])
    return TypeDescription(name, described.doc.decode(), constructor, members, bases)


set_renew(renew)
