# SPDX-License-Identifier: Apache-2.0
"""Whom each side of a session over TLS trusts, and what it says when it does not."""

import contextlib
import os
import pickle
import re
import socket
import ssl
import threading

import pytest
import trustme

import unity


@pytest.fixture
def server(tls_server):
    return tls_server


@pytest.fixture
def mutual(own_server, certificates, tmp_path):
    """One that demands certificates of its clients, and the path of its log."""
    log = tmp_path / "log"
    demand = ["--tls-client-ca", certificates.ca, "--log-file", log]
    return own_server(*certificates.server(), *demand, transport="tls"), log


def refused(server, tls):
    """The text of the error when a client connects so."""
    with pytest.raises(unity.TlsError) as caught:
        unity.connect(server.address, tls=tls)
    assert caught.value.kind == "tls" and server.address in str(caught.value)
    return str(caught.value)


def test_a_server_may_demand_certificates_of_clients(mutual, certificates):
    server, log = mutual
    certificate, key = certificates.issue("alice", "alice.example")
    with unity.connect(server.address, tls=certificates.tls(cert=certificate, key=key)) as session:
        assert session.toolkits.demo_addone(x=1) == {"x": 2}
        assert re.search(r'speaks TLSv1.3, TLS_\w+, with certificate ".*CN=alice', log.read_text())
        assert "clients need a certificate" in log.read_text()
    both = certificates.folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    with unity.connect(server.address, tls=certificates.tls(cert=both)) as session:
        assert session.ping() > 0


def test_clients_without_a_good_certificate_are_refused_saying_why(mutual, certificates):
    server, log = mutual
    text = refused(server, certificates.tls())
    assert "the server demands a certificate of its clients" in text
    cert, key = certificates.issue("mallory", "m.example", authority=trustme.CA())
    text = refused(server, certificates.tls(cert=cert, key=key))
    assert f"refused this client's certificate, '{cert}'" in text
    assert "does not know the authority" in text
    cert, key = certificates.issue("late", "l.example", days=-1)
    assert "it has expired" in refused(server, certificates.tls(cert=cert, key=key))
    assert "the client showed no certificate, which --tls-client-ca demands" in log.read_text()


def test_a_pickle_is_for_the_holder_of_the_same_certificate(mutual, certificates, script):
    server, _ = mutual
    program = """
        import pickle, sys, unity
        address, ca, cert, key = sys.argv[1:5]
        with unity.connect(address, tls=unity.TLS(ca=ca, cert=cert, key=key)) as session:
            try:
                print(pickle.loads(bytes.fromhex(sys.argv[5])).value)
            except unity.Error as error:
                print(type(error).__name__)
        """
    alice = certificates.issue("alice", "alice.example")
    bob = certificates.issue("bob", "bob.example")
    tls = certificates.tls(cert=alice[0], key=alice[1])
    with unity.connect(server.address, tls=tls) as session:
        counter = session.types.Counter(start=3)
        pickled = pickle.dumps(counter)
        assert pickle.loads(pickled) is counter
        assert not any(os.fsencode(path) in pickled for path in (certificates.ca, *alice))
        for who, printed in ((alice, "3"), (bob, "NotPermitted")):
            child = script(program, server.address, certificates.ca, *who, pickled.hex())
            assert child.finish() == (0, printed + "\n", "")


def test_a_pickle_without_a_session_says_how_to_open_one(server, script):
    with server.connect() as session:
        pickled = pickle.dumps(session.types.Counter(start=3))
        program = """
            import pickle, sys, unity
            try:
                pickle.loads(bytes.fromhex(sys.argv[1])).value
            except unity.TlsError as error:
                print(error)
            """
        status, printed, err = script(program, pickled.hex()).finish()
        assert (status, err) == (0, "")
        assert "unity.connect(ADDRESS, tls=" in printed and server.address in printed


def test_a_pickle_sends_no_token_to_whoever_took_the_servers_place(server, script, monkeypatch):
    with server.connect() as session:
        pickled = [
            pickle.dumps(one).hex()
            for one in (
                session.types.Counter(),
                session.types.Counter,
                session.toolkits.demo_addone,
            )
        ]
        port = int(session.address.rpartition(":")[2])
        server.process.kill()
        server.process.wait()
        with socket.create_server(("127.0.0.1", port)) as taken:
            program = """
                import pickle, sys, unity
                for one in sys.argv[1:]:
                    try:
                        pickle.loads(bytes.fromhex(one))(x=1)
                    except unity.TlsError as error:
                        print(error)
                """
            monkeypatch.setenv("UNITY_TOKEN", "t" * 43)
            status, printed, err = script(program, *pickled).finish()
            assert (status, err, printed.count("open a session with tcp:")) == (0, "", 3)
            taken.setblocking(False)
            with pytest.raises(BlockingIOError):
                taken.accept()


def test_a_name_with_a_dot_in_front_is_none(server, certificates):
    with pytest.raises(unity.errors.InvalidArgument, match="no name that a server can have"):
        server.connect(tls=certificates.tls(server_name=".localhost"))


def test_an_expired_certificate_is_refused_with_its_date(own_server, certificates, tmp_path):
    log = tmp_path / "log"
    options = certificates.server("expired", days=-2)
    server = own_server(*options, "--log-file", log, transport="tls")
    assert re.search(r"expired on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", refused(server, server.tls))
    assert "expired.pem', expired on 2" in log.read_text()


def test_a_certificate_for_another_host_is_refused_with_both_names(own_server, certificates):
    server = own_server(*certificates.server("abroad", "a.example", "192.0.2.1"), transport="tls")
    text = refused(server, server.tls)
    assert "is for 'a.example', '192.0.2.1', not for '127.0.0.1'" in text
    assert "server_name" in text
    for name in ("a.example", "192.0.2.1"):
        with server.connect(tls=certificates.tls(server_name=name)) as session:
            assert session.ping() > 0


def test_an_unknown_authority_is_refused_with_its_name(server, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA(organization_name="Nobody").cert_pem.write_to_path(other)
    text = refused(server, unity.TLS(ca=other))
    assert f"none of the authorities in '{other}'" in text and "O=trustme" in text
    assert "none of the authorities that this system trusts" in refused(server, True)


def test_plain_and_encrypted_do_not_mix_and_say_so(server, own_server, certificates):
    with pytest.raises(
        unity.TlsError, match=r"the server speaks TLS.*unity.connect\(ADDRESS, tls="
    ):
        unity.connect(server.address)
    plain = own_server(transport="tcp")
    assert "connect without tls, or give the server --tls-cert" in refused(
        plain, certificates.tls()
    )
    with plain.connect() as session:
        assert session.ping() > 0


def test_a_unix_socket_has_no_tls(tmp_path):
    for tls in (True, unity.TLS()):
        with pytest.raises(ValueError, match="TLS is for tcp:HOST:PORT"):
            unity.connect(f"unix:{tmp_path / 'u.sock'}", tls=tls)


def fake_server(act):
    """Calls `act` with the first connection; returns the address, and the thread to be joined."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            act(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    return f"tcp:127.0.0.1:{listener.getsockname()[1]}", thread


def test_what_servers_of_other_kinds_answer_is_explained(certificates):
    def old(connection):
        connection.recv(1)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")

    def text(connection):
        connection.recv(1)
        connection.sendall(b"220 mail.example ESMTP\r\n")

    def demanding(connection):  # before TLS 1.3 there was no alert of its own for that
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
        context.load_cert_chain(*certificates.issue("demanding"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.wrap_socket(connection, server_side=True)

    for act, words in (
        (old, "no version of TLS that is accepted here: it is 1.2 or 1.3"),
        (text, "something that is not TLS"),
        (demanding, "the server demands a certificate of its clients"),
    ):
        address, thread = fake_server(act)
        with pytest.raises(unity.TlsError, match=re.escape(words)):
            unity.connect(address, tls=certificates.tls())
        thread.join()
