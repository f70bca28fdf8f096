# SPDX-License-Identifier: Apache-2.0
"""The end of the interpreter never hangs, never prints and keeps its exit status."""
