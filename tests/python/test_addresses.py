# SPDX-License-Identifier: Apache-2.0
"""Addresses where nothing answers, and what is no address at all."""

import socket
from fractions import Fraction

import pytest

import unity


def test_nobody_listens(tmp_path):
    for path, name in (
        (tmp_path / "missing.sock", "missing.sock"),
        (tmp_path / "no" / "directory.sock", "directory.sock"),
    ):
        with pytest.raises(unity.ConnectionLost, match=name) as raised:
            unity.connect(f"unix:{path}")
        assert isinstance(raised.value, ConnectionError)
        assert "is the server running?" in str(raised.value)


def test_a_stale_socket_file(tmp_path):
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
    with pytest.raises(unity.ConnectionLost, match="is the server running"):
        unity.connect(f"unix:{path}")
    assert path.is_socket()


def test_what_is_no_socket(tmp_path):
    (tmp_path / "file").write_text("a file")
    for path in (tmp_path / "file", tmp_path):
        with pytest.raises(unity.ConnectionLost, match="cannot connect"):
            unity.connect(f"unix:{path}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "datagrams"))
        with pytest.raises(unity.ConnectionLost, match="cannot connect"):
            unity.connect(f"unix:{tmp_path / 'datagrams'}")


def test_nobody_listens_on_a_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"tcp:127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(unity.ConnectionLost, match="is the server running"):
            unity.connect(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "unix:",
        "unix://",
        "ipc:/tmp/u.sock",
        "/tmp/u.sock",
        "http://localhost",
        "tcp:localhost",
        "tcp:localhost:",
        "tcp::1",
        "tcp:localhost:99999",
        "tcp://localhost",
        "tcp:[::1:80",
        "tcp:::1:80",
        "tcp:localhost:http",
        "UNIX:/tmp/u.sock",
    ],
)
def test_a_wrong_address(address):
    with pytest.raises(unity.InvalidArgument) as raised:
        unity.connect(address)
    assert isinstance(raised.value, ValueError)
    assert "is no address" in str(raised.value)


@pytest.mark.parametrize("address", [None, 7, b"unix:/tmp/u.sock"])
def test_an_address_is_a_str(address):
    with pytest.raises(TypeError, match="address"):
        unity.connect(address)


@pytest.mark.parametrize("timeout_s", [-1, float("nan")])
def test_a_wrong_timeout(shared, timeout_s):
    with pytest.raises(unity.InvalidArgument, match="timeout_s must be 0 or more seconds"):
        shared.connect(timeout_s=timeout_s)


@pytest.mark.parametrize("timeout_s", ["soon", "5", b"5", True, False, [], {}])
def test_a_timeout_is_a_number(shared, timeout_s):
    with pytest.raises(unity.WrongType, match="timeout_s must be a number of seconds or None"):
        shared.connect(timeout_s=timeout_s)


@pytest.mark.parametrize("timeout_s", [60, 1e9, 1e300, float("inf"), Fraction(61, 2), None])
def test_a_long_timeout(shared, timeout_s):
    with shared.connect(timeout_s=timeout_s) as session:
        assert session.ping() > 0


# -- servers that break the rules ----------------------------------------------------------------
