# SPDX-License-Identifier: Apache-2.0
"""One session used by many threads."""
