# SPDX-License-Identifier: Apache-2.0
"""Peers that break the rules: servers that do not answer, clients that send garbage."""
