# SPDX-License-Identifier: Apache-2.0
"""A client in plain pycapnp: nothing of `unity`, only the published schema.

Any language with Cap'n Proto RPC can do the same. Start a server and give its socket:

    unity_server --listen unix:/tmp/broker.sock
    python examples/capnp_client.py cppipc/schema/broker.capnp /tmp/broker.sock
"""

import asyncio
import itertools
import os
import sys

import capnp

PROTOCOL = 1
MIB = 1 << 20
call_ids = itertools.count(1)


def to_variant(value):
    """The few kinds this example needs, as the schema's Variant."""
    if isinstance(value, float):
        return {"float": value}
    if isinstance(value, int):
        return {"int": value}
    return {"str": value}


def from_variant(variant):
    """The other way; a map comes back as a dict."""
    kind = variant.which()
    if kind == "dict":
        items = [from_variant(item) for item in variant.dict]  # key, value, key, value, …
        return dict(zip(items[::2], items[1::2], strict=True))
    if kind == "null":
        return None
    return getattr(variant, str(kind))


def arguments(**keywords):
    """Keyword arguments as the schema's Arguments."""
    return {"values": [to_variant(value) for value in keywords.values()], "names": list(keywords)}


def result(outcome):
    """The value of an outcome, or the fault as an exception."""
    if outcome.which() == "fault":
        raise RuntimeError(bytes(outcome.fault.message).decode())
    return outcome.value


async def main(schema_path, socket_path):
    """Create a counter, count, run a toolkit, and see a fault."""
    schema = capnp.load(schema_path, imports=[os.path.dirname(p) for p in capnp.__path__])
    stream = await capnp.AsyncIoStream.create_unix_connection(socket_path)
    broker = capnp.TwoPartyClient(stream).bootstrap().cast_as(schema.Broker)
    # `session` is a promise: the next calls go out before the first answer is there.
    session = broker.open(protocol=PROTOCOL, messageBytes=64 * MIB, inlineBytes=MIB).session

    made = await session.create({"id": next(call_ids)}, "Counter", arguments(start=5))
    counter = result(made.outcome).object.object
    for by in (3, 4):
        reply = await counter.call({"id": next(call_ids)}, "increment", arguments(by=by))
        print("counter:", from_variant(result(reply.outcome)))

    reply = await session.run({"id": next(call_ids)}, "demo_addone", arguments(x=1.5))
    print("demo_addone:", from_variant(result(reply.outcome)))
    reply = await session.run({"id": next(call_ids)}, "demo_addone", arguments(x="a"))
    try:
        result(reply.outcome)
    except RuntimeError as fault:
        print("fault:", fault)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: capnp_client.py BROKER_SCHEMA SOCKET_PATH")
    asyncio.run(capnp.run(main(*sys.argv[1:])))
