# SPDX-License-Identifier: Apache-2.0
"""A plot of scores: how they fall from the first to the last, and the names of the highest."""

import numpy as np


def plot_ranks(scores, labels, path):
    """Plot scores by rank on logarithmic axes, beside bars of the highest.

    Args:
        scores: one positive number for each vertex, in any order, as a NumPy array.
        labels: texts for the highest of them, the highest first.
        path: the PNG file to write; its folder is made if it is missing.

    Raises:
        OSError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")  # draws without a display
    from matplotlib import pyplot

    ranked = np.sort(scores)[::-1]
    figure, (bars, falling) = pyplot.subplots(1, 2, figsize=(12, 4.5), width_ratios=[2, 3])
    places = np.arange(len(labels))
    bars.barh(places, ranked[: len(labels)])
    bars.set_yticks(places, [_shortened(label) for label in labels])
    bars.invert_yaxis()
    bars.set_xlabel("PageRank")
    falling.loglog(np.arange(1, len(ranked) + 1), ranked, linewidth=1.5)
    falling.set_xlabel("rank")
    falling.set_ylabel("PageRank")
    falling.grid(True, which="major", alpha=0.3)
    figure.suptitle(f"PageRank of {len(ranked):,} meanings of nouns in WordNet")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _shortened(label, length_max=28):
    """The label, cut behind a word if it is long."""
    if len(label) <= length_max:
        return label
    return label[:length_max].rsplit(",", 1)[0] + " …"
