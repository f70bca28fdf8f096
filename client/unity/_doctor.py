# SPDX-License-Identifier: Apache-2.0
"""`python -m unity doctor`: what this machine and each step of a call on it take, and what is wrong
with it."""

import time

import unity
from unity._doctor_facts import cores, facts, memory_available
from unity._doctor_findings import findings
from unity._doctor_floors import floors
from unity._doctor_steps import PATIENCE_S, steps

# Of arrays that are measured, where the machine does not tell what it has.
_MEMORY_ASSUMED = 1 << 30


def examine():
    """Measure this machine, with a private server of its own; takes about ten seconds.

    Returns:
        A dict for `--json`: "facts" and "versions"; "floors" and "steps", lists of rows as
        `unity._doctor_bench.row` makes them; "findings" as `unity._doctor_findings.findings`
        does; "seconds" that it took. What cannot be measured is a finding.
    """
    start = time.perf_counter()
    known = facts()
    failures = []
    chosen = cores()
    measured = _measured(floors(chosen), failures)
    taken = []
    try:
        session = unity.launch(diagnostics=True, timeout_s=PATIENCE_S)
    except unity.Error as error:
        failures.append(("launch", str(error)))
    else:
        with session:
            memory = memory_available() or _MEMORY_ASSUMED
            taken = _measured(steps(session, chosen, memory), failures)
    versions = known.pop("versions") | {"server": known["server"]["version"]}
    return {
        "versions": versions,
        "facts": known,
        "floors": measured,
        "steps": taken,
        "findings": findings(known | {"versions": versions}, failures),
        "seconds": time.perf_counter() - start,
    }


def _measured(parts, failures):
    """The rows of all parts; those that fail are added to `failures` instead."""
    rows = []
    for name, measure in parts:
        try:
            rows += measure()
        except (unity.Error, OSError) as error:
            failures.append((name, f"{type(error).__name__}: {error}"))
    return rows


def is_broken(report):
    """Whether a report has a finding of something that does not work."""
    return any(finding["level"] == "broken" for finding in report["findings"])
