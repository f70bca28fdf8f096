# SPDX-License-Identifier: Apache-2.0
"""The image of packaging/Containerfile: it is built, and its server used from outside.

The base is made from the system's own packages, as no test loads images from elsewhere.
"""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

import unity
from certificates import Certificates
from conftest import DEADLINE_S, children

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "packaging" / "Containerfile"
BASE = "docker.io/library/debian:12-slim"
BUILD_S = 900

TOOLS = ("buildah", "debootstrap")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(BUILD_S + 60),
    pytest.mark.skipif(bool(MISSING), reason=f"there is no {' and no '.join(MISSING)} here"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a base system can be made by root only"),
]


class Images:
    """Images and containers in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        places = ("--root", folder / "images", "--runroot", folder / "run")
        self.buildah = ("buildah", *places, "--storage-driver", "vfs")

    def run(self, *command, timeout_s=60):
        done = subprocess.run(
            (*self.buildah, *command), capture_output=True, text=True, timeout=timeout_s
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def make_base(self):
        system = self.folder / "system"
        command = ("debootstrap", "--variant=minbase", "bookworm", system)
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S)
        assert done.returncode == 0, done.stdout + done.stderr
        empty = self.run("from", "scratch")
        self.run("add", empty, system, "/", timeout_s=BUILD_S)
        self.run("commit", "--rm", empty, BASE, timeout_s=BUILD_S)
        shutil.rmtree(system)

    def build(self):
        """Builds the image, and makes the container that its commands run in."""
        self.run(
            "bud", "--isolation", "chroot", "--pull-never", "--format", "docker",
            "-f", CONTAINERFILE, "-t", "unity_server", ROOT, timeout_s=BUILD_S,
        )  # fmt: skip
        return self.run("from", "--pull-never", "localhost/unity_server")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """(images, container)"""
    images = Images(tmp_path_factory.mktemp("images"))
    images.make_base()
    yield images, images.build()
    images.run("rm", "--all")
    images.run("rmi", "--all", "--force")
    shutil.rmtree(images.folder)


@pytest.fixture
def inside(image, tmp_path):
    """Gives the command that runs another one in the container, as it is run there: with a volume
    as /run/unity, and whatever else there is to mount."""
    images, container = image
    volume = tmp_path / "run"
    volume.mkdir()
    os.chown(volume, 10001, 10001)

    def command(*words, mount=(), user=None):
        options = [f"--volume={volume}:/run/unity", *(f"--volume={one}" for one in mount)]
        options += [f"--user={user}"] if user else []
        return [*images.buildah, "run", "--isolation", "chroot", *options, container, "--", *words]

    command.volume = volume
    return command


@pytest.fixture
def start(inside):
    """Starts a server in the container; returns its process and the lines it begins with."""
    started = []

    def begin(*options, lines, **more):
        process = subprocess.Popen(
            inside("unity_server", *map(str, options), **more),
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process, [process.stdout.readline().rstrip("\n") for _ in range(lines)]

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE_S)
        process.stdout.close()


def server_below(pid):
    """The process id of the server that a process has started, with others in between."""
    for child in children(pid):
        if Path(f"/proc/{child}/comm").read_text() == "unity_server\n":
            return child
        if (found := server_below(child)) is not None:
            return found
    return None


def instruction(name):
    [found] = re.findall(rf"^{name} (.*)$", CONTAINERFILE.read_text(), re.MULTILINE)
    return found


def words_of(name):
    return re.findall(r'"([^"]*)"', instruction(name))


def test_the_image_starts_the_server_as_a_user_of_its_own(image):
    images, _ = image
    form = "{{.Docker.Config.User}} {{.Docker.Config.Entrypoint}} {{.Docker.Config.StopSignal}}"
    found = images.run("inspect", "--type", "image", "--format", form, "localhost/unity_server")
    assert found == "unity [unity_server] SIGTERM"


def test_its_server_is_healthy_until_it_is_stopped(inside, start):
    process, lines = start(*words_of("CMD"), lines=2)
    assert lines == [
        "listening on unix:/run/unity/unity.sock",
        "status on unix:/run/unity/status.sock",
    ]
    check = inside(*instruction("HEALTHCHECK").partition("CMD ")[2].split())
    asked = subprocess.run(check, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (asked.returncode, asked.stdout) == (0, "ok\n"), asked.stderr
    stat = (inside.volume / "unity.sock").stat()
    assert (stat.st_uid, stat.st_gid, stat.st_mode & 0o777) == (10001, 10001, 0o600)
    os.kill(server_below(process.pid), signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
    assert list(inside.volume.iterdir()) == []


def test_arrays_are_shared_with_clients_outside_that_have_its_socket(inside, start):
    """Here as root on both sides, as a server serves its own user only."""
    listen = ("--listen", "unix:/run/unity/unity.sock", "--diagnostics")
    start(*listen, lines=1, user="root")
    with unity.connect(f"unix:{inside.volume}/unity.sock") as session:
        array = np.arange(1_000_000)
        holder = session.types.Holder()
        back = holder.get(holder.hold(array))
        np.testing.assert_array_equal(back, array)
        assert session.run("demo_addone", {"x": 1}) == {"x": 2}


def test_its_server_speaks_tls(start, tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    certificates = Certificates(folder)
    options = certificates.server()
    for path in folder.iterdir():
        os.chown(path, 10001, 10001)  # whoever reads them in the container
    _, [line] = start(
        "--listen", "tcp:127.0.0.1:0", *options, lines=1, mount=[f"{folder}:{folder}"]
    )
    address = line.removeprefix("listening on ")
    with unity.connect(address, tls=certificates.tls()) as session:
        assert session.tls_version == "TLSv1.3"
        assert session.run("demo_addone", {"x": 1}) == {"x": 2}
