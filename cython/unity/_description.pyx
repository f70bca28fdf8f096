# SPDX-License-Identifier: Apache-2.0
"""What a server offers, in Python: made once for all sessions with equal descriptions."""

import copyreg
import weakref

from unity cimport cppipc
from unity._connection cimport Connection, Proxy
from unity._function cimport new_function, new_method, new_property
from unity._routine cimport Routine, Target, getter_of, routine_of, setter_of

from unity import errors


# The methods by which Python's operators and statements find what an object can do.
SPECIAL = frozenset((
    "__bool__", "__call__", "__contains__", "__delitem__", "__getitem__", "__iter__", "__len__",
    "__reversed__", "__setitem__"))

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
        names: of all types and enumerations, the keys of a dict.
    """

    def __init__(self, version, types, functions, enumerations, settings):
        self.version = version
        self.types = types
        self.functions = functions
        self.enumerations = enumerations
        self.settings = settings
        self.names = {**types, **enumerations}

    def find(self, name, Connection connection):
        """The class of a type or an enumeration."""
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
                described = function_type() if name == "function" else TypeDescription(
                    name, "", None, {})
            # Another thread may have made it meanwhile: the first one stays.
            cls = connection.classes.setdefault(name, make_class(described, connection))
        return cls


class TypeDescription:
    """One exposed type: its constructor (None: clients cannot create one) and class members."""

    def __init__(self, name, doc, constructor, members):
        self.name = name
        self.doc = doc
        self.constructor = constructor
        self.members = members


class EnumDescription:
    """One enumeration: its members, name -> value."""

    def __init__(self, name, doc, members):
        self.name = name
        self.doc = doc
        self.members = members
        self.cls_ = None

    @property
    def cls(self):
        """The enum.Enum; made when it is first needed."""
        if self.cls_ is None:
            from unity._enumerations import enumeration

            self.cls_ = enumeration(self.name, self.doc, tuple(self.members.items()))
        return self.cls_


class SettingDescription:
    """One setting of a server: its type as Python spells it, and whether sessions may write it."""

    def __init__(self, name, doc, type, is_writable):
        self.name = name
        self.doc = doc
        self.type = type
        self.is_writable = is_writable


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


def make_class(described, connection):
    """The class of a type for one session. It does not keep the session open."""
    members = described.members
    bases = (Proxy,)
    adapter = None
    if not SPECIAL.isdisjoint(members):
        from unity._protocols import bases_of, constructor_adapter, members_of

        bases = bases_of(members)
        adapter = constructor_adapter(described, bases)
        members = members_of(members, bases)
    return ProxyType(described.name.rpartition(".")[2], bases, {
        **members,
        "__slots__": (),
        "__module__": "unity",
        "__doc__": described.doc,
        "__qualname__": described.name,
        "__init_subclass__": refuse_subclass,
        "_adapter": None if adapter is None else staticmethod(adapter),
        "_description": described,
        "_connection": weakref.ref(connection),
    })


@classmethod
def refuse_subclass(cls, **kwargs):
    raise TypeError(f"{cls.__base__.__name__} stands for a type of the server and cannot be "
                    "subclassed")


cdef object function_type():
    # Of the functions that the server gives, which are objects that can be called.
    cdef cppipc.FunctionDescription call
    cdef cppipc.ParameterDescription rest
    rest.name = b"*args"
    rest.is_variadic = True
    call.name = b"__call__"
    call.parameters.push_back(rest)
    method = new_method(routine_of(call, Target.kMethod, "function", None))
    return TypeDescription("function", "A function of the server.", None, {"__call__": method})


cdef object description_of(const cppipc.Client& client):
    key = client.description_hash()
    description = known_descriptions.get(key)
    if description is None:
        description = known_descriptions.setdefault(key, convert(client.description()))
    return description


cdef object convert(const cppipc.Description& description):
    cdef size_t i
    enumerations = {}
    for i in range(description.enumerations.size()):
        enumeration = enumeration_of(description.enumerations[i])
        enumerations[enumeration.name] = enumeration
    # Parameters may have members of enumerations for defaults, and there is no session yet.
    known = Description("", {}, {}, enumerations, {})
    types = {}
    for i in range(description.types.size()):
        described = type_of(description.types[i], known)
        types[described.name] = described
    functions = {}
    for i in range(description.functions.size()):
        functions[description.functions[i].name.decode()] = routine_of(
            description.functions[i], Target.kRun, None, known)
    settings = {}
    for i in range(description.settings.size()):
        setting = setting_of(description.settings[i])
        settings[setting.name] = setting
    return Description(description.version.decode(), types, functions, enumerations, settings)


cdef object setting_of(const cppipc.PropertyDescription& described):
    return SettingDescription(described.name.decode(), described.doc.decode(),
                              described.type.decode(), described.is_writable)


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
    return TypeDescription(name, described.doc.decode(), constructor, members)
