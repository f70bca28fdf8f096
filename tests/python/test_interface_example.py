# SPDX-License-Identifier: Apache-2.0
"""examples/interface: an interface of one's own, from the extension to the class of Python."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import unity
from conftest import BUILD
from unity import _build

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "interface"
PAGE = ROOT / "docs" / "interfaces.md"


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the example, outside of the tree."""
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example") / "interface"))


@pytest.fixture(scope="module")
def bank(folder):
    """A session with a server that has loaded the extension."""
    library = _build.main_build([folder / "bank.cpp"], folder / "bank.so")
    with unity.launch(extensions=[library]) as session:
        yield session


@pytest.fixture(scope="module")
def account(folder):
    """The Cython module of the example."""
    run(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=folder)
    (library,) = folder.glob("account.*.so")
    spec = importlib.util.spec_from_file_location("account", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def client(folder):
    """The path of the client in C++."""
    flags = shlex.split(_build.client_flags())
    run("g++", folder / "client.cpp", "-o", folder / "client", *flags, "-O0", "-Wall", "-Werror")
    return folder / "client"


@pytest.mark.timeout(300)
def test_the_client_in_cpp(client, bank):
    output = run(client, bank.address)
    assert output in PAGE.read_text()
    assert output.splitlines() == [
        "Grace has 20",
        "Edsger has 30",
        "Ada has 50",
        "bank.Account.pay: there is too little on Ada's",
        "Ada has 51",
        "still 51",
    ]


@pytest.mark.timeout(300)
def test_cmake_finds_the_library(folder, bank, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\n"
        "project(consumer LANGUAGES CXX)\n"
        "find_package(cppipc 0.1 REQUIRED)\n"
        f"add_executable(client {folder}/client.cpp)\n"
        "target_link_libraries(client PRIVATE cppipc::cppipc)\n"
    )
    run("cmake", "--install", BUILD, "--prefix", tmp_path / "prefix")
    prefix = f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}"
    run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build", prefix)
    run("cmake", "--build", tmp_path / "build")
    assert "Edsger has 30" in run(tmp_path / "build" / "client", bank.address)


@pytest.mark.timeout(300)
def test_the_client_says_what_is_wrong(client, private):
    done = subprocess.run([client, private.address], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "has no type 'bank.Account', which the interface names" in done.stderr


@pytest.mark.timeout(300)
def test_the_class_of_python(account, bank):
    ada, grace = account.Account(bank, "Ada"), account.Account(bank, "Grace")
    assert (ada.owner, ada.balance) == ("Ada", 0.0)
    assert ada.deposit() == 1.0 and ada.deposit(9.0) == 10.0
    ada.pay(grace, 4.0)
    ada.pay(bank.types.bank.Account("Linus"), 1.0)
    assert (ada.balance, grace.balance) == (5.0, 4.0)
    (edsger,) = ada.pay_new(["Edsger"], 2.5)
    assert type(edsger) is account.Account and edsger.owner == "Edsger" and edsger.balance == 2.5
    proxy = ada.__unity_proxy__
    assert type(proxy) is bank.types.bank.Account and proxy == ada and proxy.balance == 2.5
    proxy.pay(to=grace, amount=0.5)
    assert grace.balance == 4.5
    assert repr(ada).startswith("<account.Account ")


@pytest.mark.timeout(300)
def test_errors_are_those_of_unity(account, bank):
    ada, grace = account.Account(bank, "Ada"), account.Account(bank, "Grace")
    with pytest.raises(unity.DomainError, match="too little on Ada's") as caught:
        ada.pay(grace, 1.0)
    assert caught.value.where == "bank.Account.pay" and caught.value.object.startswith("Account ")
    with pytest.raises(ValueError, match="no negative amount"):
        ada.deposit(-1.0)
    with pytest.raises(unity.WrongType, match="expected bank.Account or None, got Counter"):
        ada.pay(bank.types.Counter(), 0.0)
    with pytest.raises(unity.WrongType, match="expected a unity.Session, got NoneType"):
        account.Account(None, "Ada")


def test_the_files_on_the_page_are_those_that_are_compiled():
    text = PAGE.read_text()
    shown = re.findall(r"```(?:cpp|cython|python)\n(.*?)```", text, re.DOTALL)
    sources = [path.read_text() for path in EXAMPLE.iterdir() if path.is_file()]
    sources += [path.read_text() for path in (ROOT / "toolkits").glob("counter*")]
    assert len(shown) > 7
    for part in "\n".join(shown).split("\n\n"):
        part = part.strip("\n")
        assert part.startswith(">>>") or any(part in source for source in sources), part
