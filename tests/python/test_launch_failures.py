# SPDX-License-Identifier: Apache-2.0
"""Servers that cannot be launched: each is a typed error within bounded time, and nothing stays."""
