# SPDX-License-Identifier: Apache-2.0
"""Messages of Cap'n Proto as values: `unity.Message`, and what pycapnp has built.

pycapnp is never imported here: its builders and readers are known by their methods.
"""

import struct

SEGMENTS_MAX = 512
WORD = 8


class Message:
    """A message of Cap'n Proto: its segments, of whatever schema.

    It is what methods return that return a `cppipc::Message`. pycapnp reads it by
    `Schema.from_segments(message.segments)`.

    Args:
        segments: an iterable of 1 to 512 buffers of whole words, that is of multiples of 8 bytes.
            They are not copied, and must stay as they are; what has gaps is copied.

    Raises:
        TypeError: one of them is no buffer.
        ValueError: there is none, or there are too many; or one is not of whole words.
    """

    __slots__ = ("__weakref__", "_segments")

    def __init__(self, segments):
        self._segments = [_bytes_under(segment) for segment in segments]
        if not 1 <= len(self._segments) <= SEGMENTS_MAX:
            raise ValueError(
                f"a message has 1 to {SEGMENTS_MAX} segments, not {len(self._segments)}"
            )
        for number, segment in enumerate(self._segments):
            if segment.nbytes % WORD:
                raise ValueError(
                    f"segment {number} has {segment.nbytes} bytes, which are no whole words of 8"
                )

    @classmethod
    def from_bytes(cls, data):
        """A message in the standard framing, as `to_bytes()` gives it. It shares the memory.

        Raises:
            ValueError: its table of segments says something else than there is.
        """
        data = _bytes_under(data)
        count = struct.unpack_from("<I", data)[0] + 1 if data.nbytes >= WORD else SEGMENTS_MAX + 1
        at = (count // 2 + 1) * WORD
        if count > SEGMENTS_MAX or data.nbytes < at:
            raise ValueError("the bytes begin with no table of segments")
        segments = []
        for words in struct.unpack_from(f"<{count}I", data, 4):
            segments.append(data[at : at + words * WORD])
            at += words * WORD
        if at != data.nbytes:
            raise ValueError(f"the table of segments tells of {at} bytes; there are {data.nbytes}")
        return cls(segments)

    @property
    def segments(self):
        """The segments, as a list of read-only memoryviews of bytes."""
        return list(self._segments)

    @property
    def nbytes(self):
        """The bytes of all segments."""
        return sum(segment.nbytes for segment in self._segments)

    def to_bytes(self):
        """The message in Cap'n Proto's standard framing: a table of segments, then these."""
        sizes = [segment.nbytes // WORD for segment in self._segments]
        if len(sizes) % 2 == 0:
            sizes.append(0)  # the table is of whole words
        table = struct.pack(f"<I{len(sizes)}I", len(self._segments) - 1, *sizes)
        return b"".join([table, *self._segments])

    def __len__(self):
        return len(self._segments)

    def __eq__(self, other):
        if not isinstance(other, Message):
            return NotImplemented
        return self._segments == other._segments

    __hash__ = None

    def __repr__(self):
        return f"<unity.Message of {len(self)} segments, {self.nbytes} bytes>"


Message.__module__ = "unity"


def _bytes_under(buffer):
    view = memoryview(buffer)
    if view.ndim != 1 or not view.c_contiguous:
        view = memoryview(view.tobytes())
    return view.cast("B").toreadonly() if view.format != "B" else view.toreadonly()


def _built(builder):
    """The segments of a builder, which pycapnp would warn of if it was asked for them again."""
    segments = builder.to_segments()
    if hasattr(type(builder), "clear_write_flag"):
        builder.clear_write_flag()
    return segments


def message_of(value):
    """A `Message` of what is one for pycapnp, or of a Message; None for anything else."""
    kind = type(value)
    if isinstance(value, Message):
        return value
    if hasattr(kind, "to_segments"):
        # A part of a message has no segments of its own before it is copied.
        is_part = not getattr(value, "is_root", True)
        return Message(_built(value.as_reader().as_builder() if is_part else value))
    if hasattr(kind, "as_builder"):
        return Message(_built(value.as_builder()))
    if hasattr(kind, "get_segments_for_output"):
        return Message(value.get_segments_for_output())
    return None
