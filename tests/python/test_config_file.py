# SPDX-License-Identifier: Apache-2.0
"""`unity_server --config FILE`, and the complete example in packaging/."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S, SERVER

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "packaging" / "unity.toml"
# What a file cannot set: they are about the process that is started, or end it.
COMMAND_LINE_ONLY = {"config", "print-config", "help", "version"}
# Descriptors and such: nobody writes them into a file.
NOT_IN_THE_EXAMPLE = {"inherited-fd", "launcher-pidfd"}


def run(*options):
    """Status, stdout and stderr of a server that is to end at once."""
    done = subprocess.run(
        [SERVER, *map(str, options)], capture_output=True, text=True, timeout=DEADLINE_S
    )
    return done.returncode, done.stdout, done.stderr


def options_of_help():
    text = run("--help")[1]
    return set(re.findall(r"^\s+(?:-\w,)?--([a-z][a-z-]*)", text, re.MULTILINE))


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "unity.toml"
        path.write_text(text)
        return path

    return write


def uncommented(text):
    """The example with every option switched on that it shows as a comment."""
    return re.sub(r"^#(?=[a-z-]+ = )", "", text, flags=re.MULTILINE)


def test_the_example_shows_every_option(config):
    shown = set(tomllib.loads(uncommented(EXAMPLE.read_text())))
    assert shown == options_of_help() - COMMAND_LINE_ONLY - NOT_IN_THE_EXAMPLE


def test_the_example_shows_the_defaults():
    shown = tomllib.loads(uncommented(EXAMPLE.read_text()))
    status, text, error = run("--listen", "unix:/x", "--print-config")
    assert (status, error) == (0, "")
    defaults = tomllib.loads(text)
    for name, value in defaults.items():
        if name != "listen":
            assert shown[name] == value, name


def test_a_server_starts_with_the_example_and_everything_in_it(config, tmp_path, certificates):
    (tmp_path / "extensions").mkdir()
    text = uncommented(EXAMPLE.read_text())
    text = re.sub(r"^(extension) = .*$", r"\1 = []", text, flags=re.MULTILINE)
    for place in ("/run/unity", "/var/log/unity", "/usr/lib/unity"):
        text = text.replace(place, str(tmp_path))
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", text)
    certificate, key = certificates.issue("example")
    for name, file in (("server.pem", certificate), ("server.key", key)):
        text = text.replace(f"/etc/unity/{name}", str(file))
    text = text.replace("/etc/unity/clients.pem", str(certificates.ca))
    tokens = tmp_path / "tokens"
    tokens.write_text("somebody 0123456789abcdefghijklmnop\n")
    tokens.chmod(0o600)
    text = text.replace("/etc/unity/tokens", str(tokens))
    # TLS wants a tcp listener.
    text = re.sub(r"^(listen = \[.*)\]$", r'\1, "tcp:127.0.0.1:0"]', text, flags=re.MULTILINE)
    path = config(text)
    process = subprocess.Popen([SERVER, "--config", path], stdout=subprocess.PIPE, text=True)
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        assert lines[0].startswith(f"listening on unix:{tmp_path}/"), lines
        with unity.connect(lines[0].split()[-1]) as session:
            assert session.run("demo_addone", {"x": 1}) == {"x": 2}
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.communicate()


def test_what_a_server_prints_is_toml_and_gives_the_same_server(config, tmp_path):
    path = config(f'listen = "unix:{tmp_path}/u"\nset = ["log.level=debug", "crash.calls=3"]\n')
    status, text, _ = run("--config", path, "--drain-s", "1.5", "--status", "tcp:localhost:0",
                          "--print-config")  # fmt: skip
    printed = tomllib.loads(text)
    assert status == 0
    assert printed["listen"] == [f"unix:{tmp_path}/u"]
    assert printed["set"] == ["log.level=debug", "crash.calls=3"]
    assert printed["drain-s"] == 1.5 and printed["status"] == ["tcp:localhost:0"]
    assert run("--config", config(text), "--print-config")[1] == text


def test_the_example_can_be_printed_where_nobody_passes_sockets(config):
    text = EXAMPLE.read_text() + 'tls-cert = "c.pem"\ntls-key = "c.key"\n'
    status, printed, error = run("--config", config(text), "--print-config")
    assert (status, error) == (0, "")
    assert tomllib.loads(printed)["status"] == ["unix:/run/unity/status.sock"]
    status, _, error = run("--config", EXAMPLE)
    assert status == 2 and "nothing to serve" in error


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense = 1\n", "line 2: there is no option 'nonsense'"),
        ("drain-s = 100000\n", "line 2: drain-s: '100000' is not a number in 0..86400"),
        ("drain-s = true\n", "line 2: drain-s: 'true' is not a number"),
        ('diagnostics = "yes"\n', "line 2: 'diagnostics' is true or false"),
        ("[server]\n", "line 2: there are no sections"),
        ('status = "foo"\n', "line 2: status: "),
        ("log-level = debug\n", "line 2: 'debug' has to be in quotes"),
        ('\n\nset = ["a=1",\n "b"]\n', "line 4: set wants NAME=VALUE, not 'b'"),
        ('listen = "unix:/b"\n', "line 2: 'listen' is set in line 1 already"),
    ],
)
def test_a_mistake_has_status_2_and_names_file_and_line(config, text, complaint):
    path = config('listen = "unix:/a"\n' + text)
    status, out, error = run("--config", path)
    assert (status, out) == (2, "")
    assert error.startswith(f"unity_server: {path}: {complaint}"), error


def test_an_address_that_is_none_is_told_with_its_line(config):
    path = config('drain-s = 1\nlisten = "foo"\n')
    status, _, error = run("--config", path)
    assert status == 2 and error.startswith(f"unity_server: {path}: line 2: listen: 'foo'"), error
    status, _, error = run("--listen", "foo")
    assert status == 2 and error.startswith("unity_server: --listen: 'foo'"), error


@pytest.mark.parametrize(
    "name", ["token-file", "tls-cert", "tls-key", "tls-client-ca", "extension-dir", "log-file"]
)
def test_an_option_that_is_empty_is_not_one_that_was_left_out(config, name):
    """As of a variable that is not set: nobody may get in by that."""
    others = ("--tls-cert", "c", "--tls-key", "k") if name == "tls-client-ca" else ()
    listen = ("--listen", "tcp:127.0.0.1:0", "--insecure-tcp", *others)
    for options in ((f"--{name}", ""), ("--config", config(f'{name} = ""\n'))):
        status, out, error = run(*listen, *options)
        assert (status, out) == (2, "")
        assert name in error and "it is empty" in error, error


def test_one_file_is_all(config):
    path = config('listen = "unix:/a"\n')
    status, _, error = run("--config", path, "--config", path)
    assert status == 2 and "--config" in error
    status, _, error = run("--config", path.with_name("missing"))
    assert status == 2 and str(path.with_name("missing")) in error


def test_what_is_accepted_is_toml(config, tmp_path):
    for text in (
        "listen = [\"unix:/a\", 'unix:/b',]\n",
        'listen="unix:/a" # comment\nlog-file = "tab\\t \\"quoted\\" \\\\ # none"\n',
        "listen = [ # comment\n  'unix:/a' # another\n  , 'unix:/b'\n]\ndrain-s = 0.5\n",
        "listen = 'unix:/a'\r\ndiagnostics = true\r\n",
    ):
        status, printed, error = run("--config", config(text), "--print-config")
        assert (status, error) == (0, ""), text
        wanted, got = tomllib.loads(text), tomllib.loads(printed)
        for name, value in wanted.items():
            listed = [value] if name == "listen" and isinstance(value, str) else value
            assert got[name] == listed, text


def test_launch_takes_a_configuration_file_too(config):
    with unity.launch(config=config('log-level = "error"\n')) as session:
        assert session.server.settings["log.level"] == "error"
