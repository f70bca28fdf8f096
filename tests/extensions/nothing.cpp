// SPDX-License-Identifier: Apache-2.0
// A shared library that is no extension.
int nothing() { return 0; }
