# SPDX-License-Identifier: Apache-2.0
# Marks cython/unity as the home of the .pxd files of the package `unity`.
