# SPDX-License-Identifier: Apache-2.0
"""The nouns of WordNet 3.0 as a directed graph: from each meaning to the more general ones.

WordNet groups words into synsets, one per meaning. Its noun file names for every synset the
hypernyms, the synsets one step more general: dog -> canine, domestic animal. Debian ships the file
in the package wordnet-base. Only the standard library is needed to read it.
"""

from array import array
from pathlib import Path

DATA_NOUN = Path("/usr/share/wordnet/data.noun")

# "@" is a kind of, "@i" an instance of: capital -> city, Paris -> national capital.
_MORE_GENERAL = ("@", "@i")


def read_links(path=DATA_NOUN):
    """Read the links from each noun synset to its hypernyms.

    Args:
        path: WordNet's file data.noun.

    Returns:
        (sources, targets, names): two equally long array.array of typecode "q" with the synsets'
        numbers, one entry of each per link; and a dict from number to the synset's words, such as
        "dog, domestic dog, Canis familiaris".

    Raises:
        FileNotFoundError: there is no such file; the text names the package that has it.
        ValueError: a line is not of WordNet's form; the text names file and line.
    """
    try:
        lines = Path(path).read_text(encoding="latin-1").splitlines()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is missing; it comes with WordNet: apt-get install wordnet-base"
        ) from None
    sources, targets, names = array("q"), array("q"), {}
    for number, line in enumerate(lines, start=1):
        if line.startswith(" "):  # the licence at the beginning of the file
            continue
        try:
            synset, words, hypernyms = _parse(line)
        except (ValueError, IndexError):
            raise ValueError(f"{path}, line {number}: not a line of WordNet's data.noun") from None
        names[synset] = ", ".join(words)
        sources.extend([synset] * len(hypernyms))
        targets.extend(hypernyms)
    return sources, targets, names


def _parse(line):
    """One line of the file as its synset's number, words and hypernyms' numbers."""
    fields = line.partition(" | ")[0].split()
    word_count = int(fields[3], 16)
    words = [word.replace("_", " ") for word in fields[4 : 4 + 2 * word_count : 2]]
    link_count = int(fields[4 + 2 * word_count])
    links = fields[5 + 2 * word_count :]
    if len(words) != word_count or len(links) < 4 * link_count:
        raise ValueError("too few fields")
    hypernyms = [
        int(links[4 * i + 1])
        for i in range(link_count)
        if links[4 * i] in _MORE_GENERAL and links[4 * i + 2] == "n"
    ]
    return int(fields[0]), words, hypernyms
