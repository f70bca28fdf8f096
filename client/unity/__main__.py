# SPDX-License-Identifier: Apache-2.0
"""`python -m unity`."""

import sys


def main():
    try:
        from unity._cli import main as commands
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("python -m unity needs the package click: pip install click")
    commands(prog_name="python -m unity")


if __name__ == "__main__":
    main()
