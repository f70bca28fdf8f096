# SPDX-License-Identifier: Apache-2.0
"""What descriptions of servers are made of: plain data, shared by all sessions."""


class TypeDescription:
    """One exposed type: its constructor (None: clients cannot create one), its own class members,
    and the names of its bases."""

    def __init__(self, name, doc, constructor, members, bases=()):
        self.name = name
        self.doc = doc
        self.constructor = constructor
        self.members = members
        self.bases = bases

    @property
    def documentation(self):
        """With the constructors, if there are several."""
        if self.constructor is None or not self.constructor.overloads:
            return self.doc
        return f"{self.doc}\n\n{self.constructor.documentation}".strip()


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


class ExtensionDescription:
    """One extension of the server: its name, documentation, file, and a hash of the file."""

    def __init__(self, name, doc, file, content_hash):
        self.name = name
        self.doc = doc
        self.file = file
        self.content_hash = content_hash
