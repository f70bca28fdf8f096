# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and other signals while a call waits."""
