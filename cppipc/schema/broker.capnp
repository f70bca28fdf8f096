# SPDX-License-Identifier: Apache-2.0
# The wire contract between a client and a server: Cap'n Proto RPC, two-party, level 1.
# The bootstrap capability of a server is a Broker. Numbers are never reused.

@0xb3f1a6c27d5e9084;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("cppipc::wire");

const protocol :UInt32 = 1;
# Goes up when a peer of an older number could misunderstand a newer one.

interface Broker {
  # What a server gives to whoever connects.

  open @0 (protocol :UInt32, messageBytes :UInt64, inlineBytes :UInt64,
           memory :Memory, probe :UInt64, follower :Follower, token :Data)
      -> (session :Session, welcome :Welcome, memory :Memory, fault :Fault);
  # Begins the session. `messageBytes` and `inlineBytes` are the caller's own limits in bytes;
  # the smaller one of both sides holds. At most one session per connection. Before it is open a
  # message has at most 64 KiB, there are at most 16 of them, and the server ends a connection that
  # takes too long for that.
  # A caller that can share memory passes its `memory`, and with the message the descriptor of a
  # file whose inode is `probe`. The result has the server's `memory` if that descriptor arrived;
  # else, and without a `memory`, all bytes cross by value.
  # A `follower` hears of every change of what the server offers; null: the caller does not care.
  # `token`: the bytes of an access token, where the server wants one, as it may over TCP. Without a
  # good one there is no session but a `fault`, and the connection is of no more use.
}

interface Follower {
  # Of a client that wants to know what the server offers, which may grow while it runs.

  changed @0 (description :Description, hash :Data, version :UInt64) -> ();
  # The server offers this from now on. `hash` is as in Welcome. `version` counts up with every
  # change; what comes with a smaller one than was seen before is out of date.
}

interface Memory {
  # What one side of a session maps of the other's memory.

  register @0 (arena :UInt64, sizeBytes :UInt64, inode :UInt64, isWritable :Bool)
      -> (mapping :Mapping, fault :Fault);
  # Maps an arena: a memfd, sealed against shrinking, whose descriptor came with this message and
  # has that inode. `arena` is a number that the caller never uses for another. The arena is mapped
  # as long as `mapping` is held, or a value in it lives; without one (`fault` says why) nothing of
  # it can be read but by Blob.read.
}

interface Mapping {
  # A mapped arena. To drop it says that the arena is not used any more.
}

struct Welcome {
  protocol @0 :UInt32;
  serverPid @1 :Int64;
  serverId @2 :Data;
  # 16 random bytes, new for every server process.
  descriptionHash @3 :Data;
  # 16 bytes; equal hashes mean equal descriptions.
  messageBytes @4 :UInt64;
  inlineBytes @5 :UInt64;
  descriptionVersion @6 :UInt64;
  # See Follower.changed.
}

interface Session {
  describe @0 () -> (description :Description, hash :Data, version :UInt64);
  # What the server offers now; `hash` and `version` as in Follower.changed.
  create @1 (call :CallInfo, type :Text, arguments :Arguments) -> (outcome :Outcome);
  # A new object; the outcome's value is a reference to it.
  run @2 (call :CallInfo, function :Text, arguments :Arguments) -> (outcome :Outcome);
  # A function or toolkit, by its registered name; or, by a name that begins with '$', what every
  # server can do for a session. Those are no part of the description, and may change.
  cancel @3 (id :UInt64) -> ();
  # Asks the running call of that id to end early. Unknown ids are ignored.
  ping @4 () -> ();
  stats @5 () -> (stats :Variant);
  save @6 (object :Object, isOnce :Bool, earlier :Data) -> (outcome :Outcome);
  # A token of an object of this session, as bytes, with which the same user gets the object from
  # restore() in any session of this server. The token itself keeps the object for a while, which
  # the server's operator sets. If `earlier` is a token that this session has of the object, it is
  # renewed and returned. One with `isOnce` is good for the first who restores it.
  restore @7 (token :Data) -> (outcome :Outcome);
  # A reference to the object of a token.
  watch @8 (prefix :Text, watcher :Object) -> (outcome :Outcome);
  # From now on the watcher, a function of the client, is called with what calls of this session
  # report whose name begins with `prefix`: (name, fraction, text), the fraction null for a line of
  # the log. The value is the number of the watch.
  unwatch @9 (watch :UInt64) -> ();
  # Unknown numbers are ignored.
  takeFile @10 (inode :UInt64) -> (outcome :Outcome);
  # Takes an open file, whose descriptor came with this message and has that inode, for "$save" or
  # "$load" to use once. The value is its number there; null if no such descriptor has arrived.
}

interface Object {
  # One live server object. Its life is the life of this capability: when the last reference is
  # dropped, or the session ends, the server lets it go. No id grants anything.

  call @0 (call :CallInfo, method :Text, arguments :Arguments) -> (outcome :Outcome);
  # Calls on one object run one at a time in the order they were sent. "NAME" and "NAME=" of a
  # property read and write it. A function is an object with the method "__call__"; either side
  # may have some.
}

interface Blob {
  # Bytes too many for one message. They stay at their owner and are read in pieces.

  read @0 (offset :UInt64, length :UInt32) -> (data :Data);
  # At most `length` bytes (and 4 MiB) from `offset`; fewer only at the end.
}

struct CallInfo {
  id @0 :UInt64;
  # Unique in the session, not 0; names the call in `Session.cancel`. Of a call that the server
  # makes: unique among those.
  chain @1 :UInt64;
  # The outermost call this one happens inside of; 0 for none.
  timeoutUs @2 :UInt64;
  # Microseconds the caller still waits; 0 for no limit.
  cause @3 :UInt64;
  # Of a call that the server makes: the client's call in which it is made; 0 for none.
}

struct Arguments {
  values @0 :List(Variant);
  # Positional arguments first, then one value per name.
  names @1 :List(Text);
}

struct Outcome {
  union {
    value @0 :Variant;
    fault @1 :Fault;
    # A condition the call documents. A broken connection is never a fault.
  }
}

struct Fault {
  kind @0 :UInt16;
  # cppipc::ErrorKind.
  inToolkit @1 :Bool;
  message @2 :Data;
  # Text, normally UTF-8. Only its beginning if there is a largeMessage.
  where @3 :Text;
  thrownType @4 :Text;
  errorNumber @5 :Int32;
  largeMessage @6 :LargeBytes;
  # The whole text, if it is too long for the message; else null.
  raised @7 :Object;
  # What was raised in a function of the client, as the client keeps it: it goes back to that
  # client with every fault that the error becomes. It cannot be called. Else null.
  exceptionName @8 :Text;
  # The registered exception that was thrown, one of Description.exceptions; else empty.
}

struct Variant {
  # 24 bytes in a list. Text is UTF-8 and may contain NUL; lengths count.
  union {
    null @0 :Void;
    bool @1 :Bool;
    int @2 :Int64;
    float @3 :Float64;
    complex @4 :Complex;
    str @5 :Text;
    bytes @6 :Data;
    list @7 :List(Variant);
    tuple @8 :List(Variant);
    set @9 :List(Variant);
    frozenSet @10 :List(Variant);
    dict @11 :List(Variant);
    # Key, value, key, value, in the order of the keys.
    dateTime @12 :DateTime;
    date @13 :DateTime;
    time @14 :DateTime;
    timeDelta @15 :TimeDelta;
    decimal @16 :Text;
    # As Python's str(Decimal) spells it.
    uuid @17 :Data;
    # 16 bytes.
    array @18 :Array;
    object @19 :Reference;
    ints @20 :List(Int64);
    # A list of ints only, at least two.
    floats @21 :List(Float64);
    # A list of floats only, at least two.
    largeStr @22 :LargeBytes;
    largeBytes @23 :LargeBytes;
    intTuple @24 :List(Int64);
    floatTuple @25 :List(Float64);
    enumMember @26 :EnumMember;
    function @27 :Text;
    # A registered function or toolkit of the server, by its name.
    message @28 :List(Variant);
    # A message of Cap'n Proto: its segments, each bytes or largeBytes of whole words; 1 to 512.
    dataFrame @29 :List(Variant);
    # The number of rows, an int; then a tuple for each column, whose arrays have one dimension, no
    # gaps and native byte order:
    # (name, "values", array of bools, numbers, datetime64 or timedelta64, validity, zone),
    # (name, "text", offsets: int64, one more than rows; characters: uint8, UTF-8; validity),
    # (name, "category", codes: ints with sign, -1 for null; categories; is_ordered: bool).
    # Names are distinct. A validity is an array of bools, false for null; or null if there are
    # none. Zone: of datetime64 only, an IANA name or an offset, the values are in UTC then; else
    # null. Categories are a column of the first two layouts, its name "" and without nulls.
    graph @30 :List(Variant);
    # sources, targets: arrays of int64, one element for each edge; weights: an array of real
    # numbers, as long, or null; vertices: null, an array of distinct int64, or a list of distinct
    # hashable values but objects and functions; is_indexed: whether sources and targets are places
    # in vertices, always so for a list. Arrays as in dataFrame.
  }
}

struct Complex { real @0 :Float64; imaginary @1 :Float64; }

struct LargeBytes {
  # Bytes beside the message, and where they lie in shared memory, if they do.

  size @0 :UInt64;
  blob @1 :Blob;
  # Keeps the bytes as they are until it is dropped. One of the receiver's own blobs brings its own
  # bytes back to it.
  arena @2 :UInt64;
  # In which the bytes lie, of those that the sender has registered; 0 for none.
  offset @3 :UInt64;
  # Of the first byte in the arena.
  begin @4 :UInt64;
  # Of the first byte in the blob.
  access @5 :UInt8;
  # cppipc::Access.
}

struct DateTime {
  year @0 :Int32;
  month @1 :UInt8;
  day @2 :UInt8;
  hour @3 :UInt8;
  minute @4 :UInt8;
  second @5 :UInt8;
  fold @6 :UInt8;
  microsecond @7 :UInt32;
  hasOffset @8 :Bool;
  utcOffsetS @9 :Int32;
}

struct TimeDelta { days @0 :Int32; seconds @1 :Int32; microseconds @2 :Int32; }

struct Array {
  dtype @0 :Text;
  # NumPy's type string, or the literal of its descr.
  code @1 :UInt8;
  itemsize @2 :UInt32;
  shape @3 :List(Int64);
  isFortran @4 :Bool;
  # The elements lie in Fortran order, else in C order.
  flavor @5 :UInt8;
  # cppipc::ArrayFlavor.
  content :union {
    data @6 :Data;
    # The elements, one after the other.
    large @7 :LargeBytes;
    # The same, unless there are strides.
  }
  strides @8 :List(Int64);
  # Of a large array that has gaps, or another order: bytes from one element to the next in each
  # dimension. Else empty.
  start @9 :UInt64;
  # With strides: where the element with all indices 0 lies among the bytes.
}

struct Reference {
  object @0 :Object;
  # The server's own, or a function of the client.
  type @1 :Text;
  # The registered name; "function" for functions of either side.
  id @2 :Data;
  # 16 random bytes; the same wherever the object is seen.
}

struct EnumMember { type @0 :Text; name @1 :Text; }
# The registered name of an enumeration, and its member's.

struct Description {
  version @0 :Text;
  types @1 :List(Type);
  functions @2 :List(Function);
  enumerations @3 :List(Enumeration);
  settings @4 :List(Property);
  # Read with Session.run of "$setting" (name), written with "$set_setting" (name, value).
  exceptions @5 :List(Exception);
  extensions @6 :List(Extension);
  # What was loaded into the server; all names that one offers begin with its own and a dot.

  struct Type {
    name @0 :Text;
    doc @1 :Text;
    constructor :union { none @2 :Void; function @3 :Function; }
    methods @4 :List(Function);
    properties @5 :List(Property);
    bases @6 :List(Text);
    # Types of the description, in the order of Python's bases. Their methods and properties are
    # the type's too, and are not repeated in it.
  }
  struct Function {
    name @0 :Text;
    doc @1 :Text;
    parameters @2 :List(Parameter);
    result @3 :Text;
    isToolkit @4 :Bool;
    isStatic @5 :Bool;
    # Of a method: it needs no object. Session.run calls it as "TYPE::NAME", without holding one.
    overloads @6 :List(Function);
    # What else the name stands for, in the order in which the server tries them.
  }
  struct Parameter {
    name @0 :Text;
    type @1 :Text;
    default :union { none @2 :Void; value @3 :Variant; }
    isVariadic @4 :Bool;
  }
  struct Extension {
    name @0 :Text;
    doc @1 :Text;
    file @2 :Text;
    # Where the server found it.
    contentHash @3 :Text;
    # Of the file's bytes. Another one under the same name is another version, all of whose types
    # are other types.
  }
  struct Enumeration { name @0 :Text; doc @1 :Text; members @2 :List(Member); }
  struct Member { name @0 :Text; value @1 :Int64; }
  struct Exception {
    name @0 :Text;
    doc @1 :Text;
    base @2 :Text;
    # The registered exception it derives from; empty if none.
    kind @3 :UInt16;
    # cppipc::ErrorKind of its faults.
  }
  struct Property { name @0 :Text; doc @1 :Text; type @2 :Text; isWritable @3 :Bool; }
}
