# SPDX-License-Identifier: Apache-2.0
"""The checks of tools/lint.py that are our own find what they are there for."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import lint  # noqa: E402  (the path comes first)

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


def complaints(check, root, text, name="x.cpp"):
    (root / name).write_text(text)
    return check(root, [Path(name)])


def test_a_source_without_licence_line_is_found(tmp_path):
    assert complaints(lint.check_licence_lines, tmp_path, "int x;\n") == [
        "x.cpp:1: no SPDX-License-Identifier"
    ]
    assert not complaints(lint.check_licence_lines, tmp_path, LICENCE)
    assert not complaints(lint.check_licence_lines, tmp_path, "words\n", "notes.md")


@pytest.mark.parametrize("path", ["work/x/y", "root/x", "home/me/x"])
def test_a_path_of_one_machine_is_found(tmp_path, path):
    found = complaints(lint.check_foreign_paths, tmp_path, f"a\nopen(/{path})\n", "notes.md")
    assert [x.split(" ")[0] for x in found] == ["notes.md:2:"]


@pytest.mark.parametrize("text", ["/run/u.sock", "build/work/x", "../root/", "/tmp/x", "homework"])
def test_other_paths_pass(tmp_path, text):
    assert not complaints(lint.check_foreign_paths, tmp_path, text)


def test_unfinished_work_is_found(tmp_path):
    mark = "TO" + "DO"
    assert complaints(lint.check_unfinished, tmp_path, f"// {mark}: finish\n")
    assert complaints(lint.check_unfinished, tmp_path, f"// {mark}(now): finish\n")
    assert not complaints(lint.check_unfinished, tmp_path, f"// {mark}(rpc): use it for TLS\n")


def test_long_files_and_long_lines_are_found(tmp_path):
    assert complaints(lint.check_sizes, tmp_path, "x\n" * 401) == [
        "x.cpp: 401 lines, more than 400"
    ]
    assert complaints(lint.check_sizes, tmp_path, "y" * 101) == [
        "x.cpp:1: 101 columns, more than 100"
    ]
    assert not complaints(lint.check_sizes, tmp_path, ("z" * 100 + "\n") * 400)


def test_a_test_in_cpp_without_its_own_namespace_is_found(tmp_path):
    check = lint.check_test_namespaces
    for text in ("namespace cppipc {\n", "namespace cppipc::b_test {\n", "namespace a_test {\n"):
        assert complaints(check, tmp_path, text, "a_test.cpp") == [
            "a_test.cpp: its namespace is not cppipc::...::a_test"
        ]
    for text in ("namespace cppipc::a_test {\n", "namespace cppipc::server::a_test {\n"):
        assert not complaints(check, tmp_path, text, "a_test.cpp")
    assert not complaints(check, tmp_path, "int main() {}\n", "a.cpp")
