# SPDX-License-Identifier: Apache-2.0
"""Builds account.pyx: python setup.py build_ext --inplace"""

from Cython.Build import cythonize
from setuptools import Extension, setup

import unity.build

modules = [Extension("account", ["account.pyx"], **unity.build.extension_options())]
setup(
    name="account",
    ext_modules=cythonize(modules, include_path=[unity.build.cython_path()], language_level=3),
)
