# SPDX-License-Identifier: Apache-2.0
"""The examples of the README do what it says."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import unity

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = f"-I{ROOT / 'cppipc' / 'include'}"

# Serves one session, with what the example registers.
SERVER = """
#include <cppipc/host.h>
#include <cppipc/registry.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace cppipc::toolkits {
void register_norm(Registry& registry);
}

int main(int, char** argv) {
  cppipc::Registry registry;
  cppipc::toolkits::register_norm(registry);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
  if (::listen(listener, 1) != 0) return 2;
  std::puts("listening");
  std::fflush(stdout);
  cppipc::Host host(registry);
  host.adopt(::accept(listener, nullptr, nullptr), "the test");
  while (std::getchar() != EOF) continue;
}
"""


def compiled(*arguments):
    """Runs the compiler, which must have nothing to say."""
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", INCLUDE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def examples(language):
    """The blocks of the README in that language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_ten_lines_print_what_their_comments_say(capsys):
    ten_lines, *_ = examples("python")
    exec(compile(ten_lines, "README.md", "exec"), {"__name__": "readme"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["15", "{'x': 6}", "{'x': 2.5}"]
    assert "by" in lines[3]
    assert len(lines) == 4


def test_calls_that_do_not_wait_print_what_their_comments_say(capsys):
    _, calls, *_ = examples("python")
    exec(compile(calls, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.splitlines() == re.findall(r"print.*?  # (.*)", calls)


def test_an_array_in_shared_memory_is_read_where_it_lies(capsys):
    _, _, arrays, _ = examples("python")
    exec(compile(arrays, "README.md", "exec"), {"__name__": "readme"})
    assert abs(float(capsys.readouterr().out) - 0.5) < 0.001


def test_a_model_shows_its_scores_and_its_summary(capsys):
    *_, models = examples("python")
    exec(compile(models, "README.md", "exec"), {"__name__": "readme"})
    scores, title, *fields = capsys.readouterr().out.splitlines()
    assert scores.startswith("[0.") and title == "PageRank"
    assert "num_vertices      : 3" in fields


def test_the_exposed_class_compiles(tmp_path):
    source = tmp_path / "stopwatch.cpp"
    text, _ = examples("cpp")
    source.write_text(text)
    compiled("-fsyntax-only", source)


@pytest.mark.skipif("UNITY_TEST_SANITIZED" in os.environ, reason="it links without the sanitizer")
def test_the_function_over_an_array_does_what_it_says(tmp_path):
    _, text = examples("cpp")
    (tmp_path / "norm.cpp").write_text(text)
    (tmp_path / "main.cpp").write_text(SERVER)
    library = Path(unity.__file__).parent / "libcppipc.so"
    program, socket = tmp_path / "server", tmp_path / "norm.sock"
    sources = (tmp_path / "norm.cpp", tmp_path / "main.cpp")
    compiled("-o", program, *sources, library, f"-Wl,-rpath,{library.parent}", "-pthread")
    pipe = subprocess.PIPE
    with subprocess.Popen([program, socket], stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout.readline() == "listening\n"
        with unity.connect(f"unix:{socket}") as session:
            norm = session.toolkits.norm
            assert norm(np.array([3.0, 4.0])) == 5.0
            grid = np.arange(24.0).reshape(2, 3, 4)
            for array in (grid, grid.T, grid[:, ::-2, 1:3], np.float64(2) * np.ones((3, 0))):
                assert norm(array) == pytest.approx(np.linalg.norm(array.ravel()))
            with pytest.raises(unity.WrongType, match="float64"):
                norm(np.array([3, 4]))
        server.stdin.close()
        assert server.wait(30) == 0
