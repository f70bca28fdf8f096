# SPDX-License-Identifier: Apache-2.0
"""`python -m unity`: what can be done with servers from a shell."""

import ast
import contextlib

import click

import unity
from unity._session import checked_timeout

_TIMEOUT = click.option(
    "--timeout-s",
    type=float,
    default=10.0,
    show_default=True,
    help="Seconds for connecting and for the first answer.",
)


class _Commands(click.Group):
    """Turns every error of the package into one line on stderr and status 1."""

    def invoke(self, context):
        try:
            return super().invoke(context)
        except (unity.Error, OSError) as error:
            raise click.ClickException(_one_line(error)) from error


def _one_line(error):
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(unity.__version__, prog_name="unity")
def main():
    """Look at servers and call what they offer.

    ADDRESS is unix:PATH, unix:@NAME or tcp:HOST:PORT, as unity.connect() takes it. Errors are one
    line on stderr, with status 1; a wrong command line has status 2.
    """


@contextlib.contextmanager
def _session(address, timeout_s):
    """A session with that server, or with a private one if there is no address."""
    timeout_s = checked_timeout(timeout_s)
    session = (
        unity.launch(timeout_s=timeout_s)
        if address is None
        else unity.connect(address, timeout_s=timeout_s)
    )
    with session:
        yield session


@main.command()
@click.argument("address", required=False)
@click.argument("name", required=False)
@_TIMEOUT
def describe(address, name, timeout_s):
    """Show what a server offers, or what NAME is.

    Without ADDRESS it is a private server, launched for that.
    """
    if address is not None and name is None and ":" not in address:
        address, name = None, address  # no address is without a colon, and no name has one
    with _session(address, timeout_s) as session:
        if name is not None:
            click.echo(repr(session.server.describe(name)))
            return
        click.echo(f"server {session.server.version} at {session.address}")
        for kind in ("types", "enumerations", "toolkits", "functions", "settings"):
            for known in getattr(session.server, kind):
                lines = repr(session.server.describe(known)).splitlines()
                click.echo("\n".join(lines[:2]))


@main.command()
@click.argument("address")
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@_TIMEOUT
def call(address, name, arguments, timeout_s):
    """Call a toolkit or function with named arguments and print its result.

    A VALUE is a literal of Python, such as 5, 1.5, True, None, [1, 2], {"a": 1} or "5"; anything
    else is text.
    """
    params = {}
    for text in arguments:
        key, value = _argument(text)
        if key in params:
            raise click.UsageError(f"there are two arguments {key!r}")
        params[key] = value
    with _session(address, timeout_s) as session:
        functions = session.server.functions
        result = session.run(name, params)
        click.echo(repr(result["result"] if name in functions else result))


def _argument(text):
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"arguments are KEY=VALUE, and {text!r} is not")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return key, value


@main.command()
@click.argument("address", required=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="The package to write; its last part is the name to import.",
)
@_TIMEOUT
def stubs(address, output, timeout_s):
    """Write stubs of a server for type checkers and editors.

    Without ADDRESS they are those of a private server.
    """
    from unity._stubs import write_stubs

    with _session(address, timeout_s) as session:
        for path in write_stubs(session._connection.description, output):
            click.echo(path)


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The library to write; by default the first source's name with .so.",
)
def build(sources, output):
    """Build an extension of C++ sources, with the compiler of CXX or the system's."""
    from unity import _build

    try:
        click.echo(_build.main_build(sources, output))
    except (OSError, ValueError, _build.BuildError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--client", is_flag=True, help="To build a client in C++ instead.")
def flags(client):
    """Print what a compiler has to be told to build an extension."""
    from unity import _build

    try:
        click.echo(_build.client_flags() if client else _build.flags())
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
