# SPDX-License-Identifier: Apache-2.0
"""What is said about TLS: options of servers, values of clients; and that nobody else pays."""

import doctest
import json
import pickle
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S, SERVER

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def server(tls_server):
    return tls_server


# -- the server's options -------------------------------------------------------------------------


def start_of(*options):
    """(exit status, stderr) of a server that cannot start."""
    done = subprocess.run([SERVER, *options], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_start_with_bad_files_is_refused_naming_them(certificates, tmp_path):
    listen = ["--listen", "tcp:127.0.0.1:0", "--log-level", "off"]
    certificate, key = certificates.issue("server")
    _, other_key = certificates.issue("other")
    text = tmp_path / "text"
    text.write_text("no PEM")
    for cert, its_key, words in (
        (tmp_path / "none", key, "none': No such file or directory"),
        (tmp_path, key, "Is a directory"),
        (text, key, "has no certificate in it"),
        (certificate, text, "has no private key in it"),
        (certificate, other_key, "is not that of the first certificate"),
    ):
        status, said = start_of(*listen, "--tls-cert", cert, "--tls-key", its_key)
        assert status == 1 and words in said, said
        assert said.startswith("unity_server: ") and said.count("\n") == 1


def test_options_that_do_not_go_together_are_a_wrong_command_line(certificates, tmp_path):
    certificate, key = certificates.issue("server")
    tcp, unix = ["--listen", "tcp:127.0.0.1:0"], ["--listen", f"unix:{tmp_path / 'u'}"]
    for options, words in (
        ([*tcp, "--tls-cert", certificate], "--tls-key"),
        ([*tcp, "--tls-key", key], "--tls-cert"),
        ([*tcp, "--tls-client-ca", certificate], "--tls-cert"),
        ([*unix, "--tls-cert", certificate, "--tls-key", key], "nothing listens there"),
        (tcp, "--tls-cert and --tls-key to encrypt it"),
    ):
        status, said = start_of(*options)
        assert status == 2 and words in said, said


def test_a_key_that_others_may_read_is_a_warning(own_server, certificates, tmp_path):
    log = tmp_path / "log"
    certificate, key = certificates.issue("shown")
    key.chmod(0o644)
    options = ["--tls-cert", certificate, "--tls-key", key, "--log-file", log]
    own_server(*options, transport="tls")
    assert "shown.key', may be read by other users" in log.read_text()


@pytest.mark.parametrize("has_more", [False, True])
def test_tls_that_keeps_nobody_out_is_a_warning_on_loopback_too(
    own_server, certificates, tmp_path, has_more
):
    log = tmp_path / "log"
    more = ["--tls-client-ca", certificates.ca] if has_more else []
    own_server(*certificates.server(), *more, "--log-file", log, transport="tls")
    assert ("may use the server: it wants neither access tokens" in log.read_text()) != has_more


def test_sighup_reads_the_files_again_while_sessions_go_on(
    own_server, certificates, tmp_path, eventually
):
    log = tmp_path / "log"
    certificate, key = certificates.issue("turning", "before.example")
    options = ["--tls-cert", certificate, "--tls-key", key, "--log-file", log]
    server = own_server(*options, transport="tls")

    def connect(name):
        return server.connect(tls=certificates.tls(server_name=name))

    with connect("before.example") as early:
        certificate.write_text("nothing")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "cannot reload the certificate" in log.read_text())
        with connect("before.example") as session:
            assert session.ping() > 0
        certificates.issue("turning", "after.example")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "tcp listeners have another" in log.read_text())
        with connect("after.example") as session:
            assert session.ping() > 0
        with pytest.raises(unity.TlsError, match="is for 'after.example'"):
            connect("before.example")
        assert early.ping() > 0


def test_unix_sockets_of_a_server_with_tls_stay_as_they_are(certificates, tmp_path):
    path = f"unix:{tmp_path / 'u.sock'}"
    command = [SERVER, "--listen", path, "--listen", "tcp:127.0.0.1:0", "--log-level", "off"]
    command += certificates.server()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        addresses = [process.stdout.readline().split()[-1] for _ in range(2)]
        with unity.connect(path) as session:
            assert session.tls_version is None
        with unity.connect(addresses[1], tls=certificates.tls()) as session:
            assert session.tls_version == "TLSv1.3"
        process.kill()


# -- the value, the commands, and who pays --------------------------------------------------------


def test_a_tls_is_a_value(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tls = unity.TLS(ca="ca.pem", cert=tmp_path / "c.pem", key=b"k.pem", server_name="engine")
    paths = {
        name: str(tmp_path / f"{name[0] if name != 'ca' else name}.pem")
        for name in ("ca", "cert", "key")
    }
    assert {name: getattr(tls, name) for name in paths} == paths
    assert (
        repr(unity.TLS(ca="a", server_name="b")) == f"unity.TLS(ca='{tmp_path}/a', server_name='b')"
    )
    assert repr(unity.TLS()) == "unity.TLS()"
    copy = pickle.loads(pickle.dumps(tls))
    assert copy == tls and hash(copy) == hash(tls) and copy != unity.TLS() and tls != "tls"
    with pytest.raises(AttributeError, match="cannot be changed"):
        tls.ca = "other"
    with pytest.raises(AttributeError):
        del tls.ca
    for wrong, error in (
        ({"ca": 1}, TypeError), ({"server_name": b"x"}, TypeError), ({"key": "k"}, ValueError),
        ({"cert": ""}, ValueError), ({"server_name": "a\0b"}, ValueError),
    ):  # fmt: skip
        with pytest.raises(error):
            unity.TLS(**wrong)
    for wrong in ("ca.pem", 1, object()):
        with pytest.raises(TypeError, match="tls is True or a unity.TLS"):
            unity.connect("tcp:127.0.0.1:1", tls=wrong)


def test_files_of_a_client_are_looked_at_when_it_connects(server, certificates, tmp_path):
    with pytest.raises(unity.InputOutputError, match="cannot read the authority of TLS") as caught:
        unity.connect(server.address, tls=unity.TLS(ca=tmp_path / "none.pem"))
    assert isinstance(caught.value, OSError)
    text = tmp_path / "text.pem"
    text.write_text("nothing")
    with pytest.raises(unity.InvalidArgument, match="has no certificate in it"):
        unity.connect(server.address, tls=certificates.tls(cert=text))


def test_commands_take_files(server, certificates):
    def unity_command(*words):
        return subprocess.run(
            [sys.executable, "-m", "unity", *words],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )

    done = unity_command("call", server.address, "demo_addone", "x=5", "--tls-ca", certificates.ca)
    assert (done.returncode, done.stdout) == (0, "{'x': 6}\n"), done.stderr
    done = unity_command("top", server.address, "--once", "--tls-ca", certificates.ca)
    assert done.returncode == 0 and "sessions 1\n" in done.stdout
    done = unity_command("describe", server.address)
    assert done.returncode == 1 and "TlsError: the server speaks TLS" in done.stderr
    done = unity_command("describe", "--tls")
    assert done.returncode == 2 and "ADDRESS" in done.stderr


def test_the_page_on_tls_does_what_it_shows(own_server, tmp_path, monkeypatch, capsys):
    page = DOCS / "tls.md"
    text = page.read_text()
    monkeypatch.chdir(tmp_path)
    (making,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    subprocess.run(["bash", "-euc", making], check=True, capture_output=True, timeout=DEADLINE_S)
    (command,) = re.findall(r"^unity_server --listen tcp:\S+ (.*)$", text, re.MULTILINE)
    server = own_server(*command.split(), transport="tls")
    result = doctest.testfile(
        str(page),
        module_relative=False,
        globs={"unity": unity, "address": server.address},
        optionflags=doctest.ELLIPSIS,
    )
    assert result.attempted > 5 and result.failed == 0, capsys.readouterr().out
    strict = own_server(*command.split(), "--tls-client-ca", "ca.pem", transport="tls")
    tls = unity.TLS(ca="ca.pem", cert="alice.pem", key="alice.key")
    with unity.connect(strict.address, tls=tls) as session:
        assert session.ping() > 0


def test_who_has_no_tls_does_not_load_it(run_script, own_server):
    program = """
        import json, sys, unity
        def libraries(pid):
            with open(f"/proc/{pid}/maps") as maps:
                return [line.split()[-1] for line in maps if "libssl" in line or "_tls.so" in line]
        with unity.launch() as session, unity.connect(sys.argv[1]) as other:
            assert session.ping() > 0 and other.ping() > 0
            servers = (session.server_pid, other.server_pid)
            print(json.dumps([libraries(pid) for pid in ("self", *servers)]))
        """
    plain = own_server(transport="tcp")
    assert json.loads(run_script(program, plain.address)) == [[], [], []]
