# SPDX-License-Identifier: Apache-2.0
"""Clients that are killed: their servers free what they held, private ones end."""
