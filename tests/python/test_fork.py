# SPDX-License-Identifier: Apache-2.0
"""Forked children: what they inherit is refused, and their parent notices nothing."""
