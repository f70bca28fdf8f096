# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest: all tests run with every array in shared memory, however small."""

import unity

allocator = unity.allocator(min_bytes=0)
allocator.enable()


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"shared arrays made: {allocator.stats()['allocations']}")
