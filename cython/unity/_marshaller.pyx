# SPDX-License-Identifier: Apache-2.0
"""Says where in a value something cannot be sent."""

cdef size_t LEVELS_SHOWN = 8
cdef Py_ssize_t KEY_CHARACTERS_SHOWN = 40


cdef object refusal(object cls, str text, const Marshaller* marshaller):
    return cls(text + place(marshaller))


cdef str place(const Marshaller* marshaller):
    # E.g. " (in argument 'x'[3]['name'])"; empty if there is nothing to say.
    cdef size_t depth = marshaller.path.size()
    if marshaller.label == NULL and depth == 0:
        return ""
    pieces = ["value" if marshaller.label == NULL else f"argument {<object>marshaller.label!r}"]
    for i in range(min(depth, LEVELS_SHOWN)):
        pieces.append(step(&marshaller.path[i]))
    if depth > LEVELS_SHOWN:
        pieces.append(f"… {depth - LEVELS_SHOWN} levels deeper")
    return f" (in {''.join(pieces)})"


cdef str step(const Level* level):
    if level.key != NULL:
        key = <object>level.key
        text = repr(key) if isinstance(key, (str, int, float, bytes)) else f"<{type(key).__name__}>"
        if len(text) > KEY_CHARACTERS_SHOWN:
            text = text[:KEY_CHARACTERS_SHOWN] + "…"
        return f"[{text}]"
    return f"[{level.index}]" if level.index >= 0 else "{…}"
