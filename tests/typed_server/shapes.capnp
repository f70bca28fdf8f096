# SPDX-License-Identifier: Apache-2.0
# A schema of the tests' own, for messages that travel as values.

@0xc2f1d7a86be3905d;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("cppipc::test::schema");

struct Drawing {
  name @0 :Text;
  points @1 :List(Point);
  pixels @2 :Data;
  extra @3 :AnyPointer;
  # Whatever somebody else has put there.
  inner @4 :Drawing;
  revision @5 :UInt32;
}

struct Point { x @0 :Float64; y @1 :Float64; }
