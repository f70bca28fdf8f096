# SPDX-License-Identifier: Apache-2.0
"""A server that is killed, crashes, stops or ends while clients wait for it."""
