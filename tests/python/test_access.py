# SPDX-License-Identifier: Apache-2.0
"""Access tokens: who gets in over TCP, where a client has its token from, and who sees it."""

import os
import pickle
import signal
import subprocess
from pathlib import Path

import pytest

import unity
from commands import unity_command
from conftest import DEADLINE_S, SERVER
from unity._access import new_token
from unity._pickles import load_proxy

ALICE = "alice-has-this-secret-of-hers"
BOB = "bob-has-another-one-0123456789"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    monkeypatch.delenv("UNITY_TOKEN", raising=False)
    monkeypatch.delenv("UNITY_TOKEN_FILE", raising=False)


@pytest.fixture
def token_file(tmp_path):
    """Writes a token file, of mode 0600 unless told otherwise; returns its path."""

    def write(text, name="tokens", mode=0o600):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def server(own_server, token_file, tmp_path):
    """A server with the tokens of alice and bob, on a Unix socket too; it has a log."""
    path = token_file(f"# who may come in\nalice {ALICE}\nbob {BOB}\n")
    unix = f"unix:{tmp_path / 'beside.sock'}"
    log = tmp_path / "log"
    server = own_server(
        *("--token-file", path, "--listen", unix, "--log-file", log, "--log-level", "debug"),
        transport="tcp",
    )
    assert server.process.stdout.readline().decode().split()[-1] == unix
    server.unix = unix
    server.log = log
    return server


def assert_works(session):
    assert session.toolkits.demo_addone(x=1) == {"x": 2}


# -- getting in ----------------------------------------------------------------------------------


def test_sighup_changes_who_may_come_in(server, token_file, eventually):
    with unity.connect(server.address, token=ALICE) as before:
        token_file(f"bob {BOB}\n")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "reloaded the token file" in server.log.read_text())
        with pytest.raises(unity.errors.NotPermitted):
            unity.connect(server.address, token=ALICE)
        assert_works(before)
    with unity.connect(server.address, token=BOB) as session:
        assert_works(session)
    token_file("a token with blanks in it is none\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "cannot reload the token file" in server.log.read_text())
    with unity.connect(server.address, token=BOB) as session:
        assert_works(session)


def test_a_token_opens_a_session_over_tcp(server, eventually):
    with server.connect(token=ALICE) as session:
        assert_works(session)
        assert session.transport == "tcp"
        for shown in (repr(session), repr(session._connection), repr(vars(session))):
            assert ALICE not in shown
        eventually(lambda: "is open: access token 'alice'" in server.log.read_text())


def test_blanks_around_a_token_do_not_count(server):
    with server.connect(token=f"  {ALICE}\n") as session:
        assert_works(session)


def test_without_a_good_token_there_is_no_session(server, eventually):
    port = server.address.rpartition(":")[2]
    for token, text in (
        (None, "wants an access token, and was given none.*UNITY_TOKEN_FILE"),
        (ALICE + "x", "does not know this access token, or not any more"),
        (new_token(), "does not know this access token"),
        ("alice-has-this-secret-of-herz", "does not know this access token"),
    ):
        with pytest.raises(unity.NotPermitted, match=text) as raised:
            server.connect(token=token)
        assert isinstance(raised.value, PermissionError)
        assert f"(tcp:127.0.0.1:{port})" in str(raised.value)
        assert token is None or token not in str(raised.value)
    log = server.log.read_text()
    assert log.count("refused a session of tcp: 127.0.0.1:") == 4
    assert ": it has no access token" in log and ": nobody has its access token" in log
    assert ALICE not in log
    with server.connect(token=ALICE) as session:
        eventually(lambda: session.stats()["sessions"] == 1)


def test_unix_sockets_of_the_same_server_need_no_token(server):
    with unity.connect(server.unix) as session:
        assert_works(session)


def test_a_server_without_tokens_does_not_look_at_one(own_server):
    with own_server(transport="tcp").connect(token=ALICE) as session:
        assert_works(session)


@pytest.mark.parametrize(
    "token", ["", "   ", "short", "x" * 21, "x" * 1025, f"{ALICE} two", "ä" * 30]
)
def test_what_can_be_no_token_is_refused_before_anything_is_sent(token):
    with pytest.raises(unity.InvalidArgument, match="the token has") as raised:
        unity.connect("tcp:127.0.0.1:1", token=token)
    assert isinstance(raised.value, ValueError)
    assert token.strip() in ("", *"x") or token not in str(raised.value)


@pytest.mark.parametrize("token", [5, b"alice-has-this-secret-of-hers", True, ["x"]])
def test_a_token_is_a_str(token):
    with pytest.raises(TypeError, match="a token is a str"):
        unity.connect("tcp:127.0.0.1:1", token=token)


def test_a_token_for_a_unix_socket_is_a_mistake(shared, server):
    with pytest.raises(ValueError, match="takes no token.*is told by its user"):
        unity.connect(server.unix, token=ALICE)


# -- variables -----------------------------------------------------------------------------------


def test_the_variable_has_the_token(server, monkeypatch):
    monkeypatch.setenv("UNITY_TOKEN", ALICE)
    monkeypatch.setenv("UNITY_TOKEN_FILE", "/no/such/file")  # is not looked at
    with server.connect() as session:
        assert_works(session)


@pytest.mark.parametrize("text", [f"{ALICE}\n", f"# mine\n\nalice {ALICE}", f"  {ALICE}  "])
def test_the_variable_names_a_file_with_the_token(server, monkeypatch, token_file, text):
    monkeypatch.setenv("UNITY_TOKEN", "  ")  # is no token
    monkeypatch.setenv("UNITY_TOKEN_FILE", str(token_file(text, "mine")))
    with server.connect() as session:
        assert_works(session)


def test_what_is_given_wins_over_the_variables(server, monkeypatch):
    monkeypatch.setenv("UNITY_TOKEN", BOB)
    with server.connect(token=ALICE):
        pass
    assert "access token 'bob'" not in server.log.read_text()
    monkeypatch.setenv("UNITY_TOKEN", "wrong" * 10)
    with server.connect(token=ALICE) as session:
        assert_works(session)
    with pytest.raises(unity.NotPermitted):
        server.connect()


def test_variables_do_not_matter_for_unix_sockets(server, monkeypatch):
    monkeypatch.setenv("UNITY_TOKEN", "short")
    with unity.connect(server.unix) as session:
        assert_works(session)


def test_wrong_variables_are_named(monkeypatch, token_file):
    monkeypatch.setenv("UNITY_TOKEN", "short")
    with pytest.raises(ValueError, match="UNITY_TOKEN has 5 characters"):
        unity.connect("tcp:127.0.0.1:1")
    monkeypatch.delenv("UNITY_TOKEN")
    for text, match in (
        (f"alice {ALICE}\nbob {BOB}\n", "has 2 lines"),
        ("# nobody\n", "has 0 lines"),
        (f"alice {ALICE} x", "TOKEN or NAME TOKEN"),
        ("alice short", "the token in .* has 5 characters"),
    ):
        monkeypatch.setenv("UNITY_TOKEN_FILE", str(token_file(text, "mine")))
        with pytest.raises(ValueError, match=match) as raised:
            unity.connect("tcp:127.0.0.1:1")
        assert ALICE not in str(raised.value)
    monkeypatch.setenv("UNITY_TOKEN_FILE", "/no/such/file")
    with pytest.raises(FileNotFoundError):
        unity.connect("tcp:127.0.0.1:1")


# -- references and pickles ----------------------------------------------------------------------


def reference_of(proxy, address):
    """What a pickle of a proxy says, but with another address of the server."""
    function, (version, reference) = proxy.__reduce__()
    assert function is load_proxy
    return version, {**reference, "address": address}


def test_a_reference_of_a_unix_session_is_refused_to_one_of_tcp(own_server, tmp_path):
    unix = f"unix:{tmp_path / 'beside.sock'}"
    server = own_server("--listen", unix, transport="tcp")
    with unity.connect(unix) as local, server.connect() as remote:
        probe = local.types.Probe(5)
        loaded = load_proxy(*reference_of(probe, server.address))
        with pytest.raises(unity.NotPermitted) as raised:
            loaded.value  # noqa: B018  (a property is a call)
        assert str(raised.value) == (
            f"the reference was made by uid {os.getuid()}, and is good for nobody else; this "
            "session is one of TCP"
        )
        mine = remote.types.Probe(6)
        loaded = load_proxy(*reference_of(mine, unix))
        with pytest.raises(unity.NotPermitted, match=r"made by TCP.*is one of uid \d+"):
            loaded.value  # noqa: B018


USE = """
import pickle, sys
import unity
probe = pickle.loads(bytes.fromhex(sys.argv[1]))
try:
    print(probe.add(1))
except unity.Error as error:
    print(type(error).__name__, error)
"""


def test_a_pickle_carries_no_token_and_uses_that_of_its_process(server, script, monkeypatch):
    with server.connect(token=ALICE) as session:
        probe = session.types.Probe(5)
        pickled = pickle.dumps(probe)
        assert ALICE.encode() not in pickled

        def use():
            status, out, err = script(USE, pickled.hex()).finish()
            assert (status, err) == (0, "")
            return out.strip()

        assert use().startswith(
            f"NotPermitted the server on {server.address} wants an access token, which no pickle "
            "carries: set the variable UNITY_TOKEN or UNITY_TOKEN_FILE of this process"
        )
        monkeypatch.setenv("UNITY_TOKEN", ALICE)
        assert use() == "6"
        monkeypatch.setenv("UNITY_TOKEN", BOB)
        assert use() == (
            "NotPermitted the reference was made by access token 'alice', and is good for nobody "
            "else; this session is one of access token 'bob'"
        )
        monkeypatch.setenv("UNITY_TOKEN", BOB + "x")
        assert "does not know this access token" in use()
        assert probe.value == 6


def test_a_loaded_pickle_uses_a_session_that_there_is(server, run_script):
    with server.connect(token=ALICE) as session:
        probe = session.types.Probe(5)
        toolkit = pickle.dumps(session.toolkits.demo_addone)
        out = run_script(
            """
            import pickle, sys
            import unity
            probe, toolkit = (pickle.loads(bytes.fromhex(text)) for text in sys.argv[1:3])
            with unity.connect(sys.argv[3], token=sys.argv[4]) as session:
                print(probe.add(1), toolkit(x=1))
            """,
            pickle.dumps(probe).hex(),
            toolkit.hex(),
            server.address,
            ALICE,
        )
        assert out == "6 {'x': 2}\n"


# -- the server's file ---------------------------------------------------------------------------


def start_of(*options):
    """Exit status and stderr of a server that cannot start."""
    done = subprocess.run(
        [SERVER, "--listen", "tcp:127.0.0.1:0", *options],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_file_that_is_not_safe_ends_the_start(token_file, tmp_path):
    for path, text in (
        (token_file(ALICE, "open", mode=0o644), "others than its owner may use it; chmod 600"),
        (token_file("alice short", "short"), "the access token of line 1 has 5 characters"),
        (token_file("# nobody", "empty"), "there is no token in it"),
        (tmp_path, "it is no regular file"),
        (tmp_path / "missing", "No such file or directory"),
    ):
        status, err = start_of("--token-file", path)
        assert status == 1
        assert f"unity_server: token file '{path}': " in err and text in err
        assert ALICE not in err


def test_a_file_of_which_nobody_is_asked_is_a_warning(own_server, token_file, tmp_path):
    for transport, is_told in (("unix", True), ("tcp", False)):
        log = tmp_path / transport
        options = ("--token-file", token_file(ALICE), "--log-file", log)
        own_server(*options, transport=transport)
        assert ("nobody is asked for an access token" in log.read_text()) == is_told


def test_a_line_of_the_servers_file_is_no_token():
    with pytest.raises(unity.errors.InvalidArgument, match="the second word of a line NAME TOKEN"):
        unity.connect("tcp:127.0.0.1:1", token=f"alice {new_token()}")


def test_a_file_that_cannot_be_read_is_told_with_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("UNITY_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError) as told:
        unity.connect("tcp:127.0.0.1:1")
    assert told.value.__notes__ == ["It is the file of $UNITY_TOKEN_FILE, as no token was given."]


def test_tcp_without_a_file_is_a_wrong_command_line():
    status, err = start_of()
    assert status == 2
    assert "--token-file FILE" in err and "--insecure-tcp" in err


# -- the command line ----------------------------------------------------------------------------


def test_the_command_token_makes_one_that_a_server_takes(own_server, token_file):
    status, plain, err = unity_command("token")
    assert (status, err) == (0, "")
    status, named, err = unity_command("token", "alice")
    assert (status, err) == (0, "")
    name, token = named.split()
    assert name == "alice" and token != plain.strip() and len(token) == 43
    server = own_server("--token-file", token_file(plain + named), transport="tcp")
    for one in (plain, token):
        with server.connect(token=one) as session:
            assert_works(session)
    status, out, err = unity_command("token", "two words")
    assert (status, out) == (2, "") and "letters, digits" in err


def test_commands_take_the_file_of_a_token(server, token_file, tmp_path):
    mine = token_file(f"alice {ALICE}\n", "mine")
    for command in (
        ("call", server.address, "demo_addone", "x=5"),
        ("describe", server.address, "Counter"),
        ("top", server.address, "--once"),
        ("stubs", server.address, "-o", tmp_path / "stubs"),
    ):
        status, out, err = unity_command(*command, "--token-file", mine)
        assert (status, err) == (0, ""), err
        assert out and ALICE not in out
        assert unity_command(*command, UNITY_TOKEN=ALICE)[0] == 0
        status, _, err = unity_command(*command)
        assert status == 1 and err.startswith("Error: NotPermitted: the server wants an access")
    status, _, err = unity_command("describe", "--token-file", mine)
    assert status == 2 and "access tokens and TLS are for the server at an ADDRESS" in err
    status, _, err = unity_command("describe", server.unix, "--token-file", mine)
    assert status == 1 and "takes no token" in err


@pytest.mark.skipif("UNITY_TEST_SANITIZED" in os.environ, reason="it reads all of the memory")
def test_the_token_is_not_left_in_the_process_of_the_server(server):
    """Only hashes are kept: a core file or the memory of the server has no token."""
    with server.connect(token=ALICE) as session:
        assert_works(session)
        pid = server.process.pid
        regions = [
            line.split()[0].split("-")
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines()
            if line.split()[1].startswith("rw")
        ]
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for begin, end in regions:
                memory.seek(int(begin, 16))
                content = memory.read(int(end, 16) - int(begin, 16))
                assert BOB.encode() not in content
