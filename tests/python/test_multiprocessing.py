# SPDX-License-Identifier: Apache-2.0
"""Sessions opened inside the children of multiprocessing."""
