# SPDX-License-Identifier: Apache-2.0
"""The examples run, and the demo's graph is read correctly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import unity

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SAMPLE = """\
  1 This is the licence.
00001740 03 n 01 entity 0 002 ~ 00001930 n 0000 ~ 00002137 n 0000 | what is | or was
00001930 03 n 02 physical_entity 0 body 1 003 @ 00001740 n 0000 + 00692347 v 0101 ~ 9 n 0000 | x
00002137 03 n 01 Paris 0 002 @i 00001740 n 0000 @ 00001930 n 0000 | y
"""


@pytest.fixture
def wordnet_graph(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import wordnet_graph

    return wordnet_graph


def test_links_lead_to_more_general_nouns(wordnet_graph, tmp_path):
    (tmp_path / "data.noun").write_text(SAMPLE, encoding="latin-1")
    sources, targets, names = wordnet_graph.read_links(tmp_path / "data.noun")
    assert sources.typecode == targets.typecode == "q"
    assert list(zip(sources, targets, strict=True)) == [(1930, 1740), (2137, 1740), (2137, 1930)]
    assert names == {1740: "entity", 1930: "physical entity, body", 2137: "Paris"}


def test_a_missing_file_names_the_package(wordnet_graph, tmp_path):
    with pytest.raises(FileNotFoundError, match="apt-get install wordnet-base"):
        wordnet_graph.read_links(tmp_path / "data.noun")


@pytest.mark.parametrize(
    "line", ["nonsense", "00001740 03 n 01", "00001740 03 n 01 entity 0 002 ~ 1"]
)
def test_a_broken_file_names_the_line(wordnet_graph, tmp_path, line):
    (tmp_path / "data.noun").write_text(SAMPLE + line + "\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"data\.noun, line 5"):
        wordnet_graph.read_links(tmp_path / "data.noun")


def test_the_demo_shows_every_step(tmp_path):
    environment = dict(
        os.environ, PYTHONPATH=os.pathsep.join([str(Path(unity.__file__).parents[1])])
    )
    done = subprocess.run(
        [sys.executable, EXAMPLES / "demo.py", "plots/ranks.png"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    # On a machine where it was never used, the plotting library may say that it looks for fonts.
    told = [text for text in done.stderr.splitlines() if "font cache" not in text]
    assert told == []
    for part in [
        "counter.increment(by=4)                      -> 7",
        "del counter; live objects                    -> 0",
        "-> {'x': 6}",
        "-> {'x': 2.5}",
        "84,427",
        "model.scores.sum()                           -> 1.000000000",
        "0.054830  entity",
        "a pandas.DataFrame of 344 rows",
        "classes           : female, male",
        "num_dropped       : 11",
        " of 333",
        "increment(by: int = 1) -> int",
        "live_objects ",
        "closed>",
    ]:
        assert part in done.stdout, part
    plot = tmp_path / "plots" / "ranks.png"
    assert plot.read_bytes().startswith(b"\x89PNG")
