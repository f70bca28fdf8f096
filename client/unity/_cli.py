# SPDX-License-Identifier: Apache-2.0
"""`python -m unity`: what can be done with servers from a shell."""

import ast
import contextlib
import functools
import json
import math
import sys

import click

import unity
from unity._access import is_token_name, new_token, token_of_file
from unity._session import checked_timeout

_TIMEOUT = click.option(
    "--timeout-s",
    type=float,
    default=10.0,
    show_default=True,
    help="Seconds for connecting and for the first answer.",
)


_FILE = click.Path(exists=True, dir_okay=False)


def _with_access(command):
    """Gives a command the options of access tokens and TLS.

    They are one argument `access`: a dict of arguments for `unity.connect()`, empty if none of the
    options is given.
    """

    @functools.wraps(command)
    def run(*, token_file, is_tls, tls_ca, tls_cert, tls_key, tls_name, **options):
        access = {}
        if token_file is not None:
            access["token"] = token_of_file(token_file).decode()
        given = {"ca": tls_ca, "cert": tls_cert, "key": tls_key, "server_name": tls_name}
        if any(given.values()):
            access["tls"] = unity.TLS(**given)
        elif is_tls:
            access["tls"] = True
        return command(access=access, **options)

    for option in reversed(_ACCESS_OPTIONS):
        run = option(run)
    return run


_ACCESS_OPTIONS = (
    click.option(
        "--token-file",
        metavar="FILE",
        help="The access token for a tcp ADDRESS, TOKEN or NAME TOKEN; by default that of the "
        "variable UNITY_TOKEN, or of the file that UNITY_TOKEN_FILE names.",
    ),
    click.option("--tls", "is_tls", is_flag=True, help="Encrypt; trust whom the system trusts."),
    click.option("--tls-ca", type=_FILE, help="Encrypt; trust the authorities in this file."),
    click.option("--tls-cert", type=_FILE, help="Encrypt; show the certificate in this file."),
    click.option("--tls-key", type=_FILE, help="Its key, if it is in another file."),
    click.option("--tls-name", metavar="HOST", help="What the server's certificate is for."),
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


@contextlib.contextmanager
def _tables_of_rich():
    """Says what to install if what is inside draws tables and there is no rich."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "rich":
            raise
        command = click.get_current_context().info_name
        instead = {"doctor": "--json", "top": "--once"}[command]
        raise click.ClickException(
            f"{command} draws its tables with the package rich: pip install rich; "
            f"{instead} does without"
        ) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(unity.__version__, prog_name="unity")
def main():
    """Run servers, look at them and call what they offer.

    ADDRESS is unix:PATH, unix:@NAME or tcp:HOST:PORT, as unity.connect() takes it. Errors are one
    line on stderr, with status 1; a wrong command line has status 2.
    """


@contextlib.contextmanager
def _session(address, timeout_s, access):
    """A session with that server, or with a private one if there is no address."""
    timeout_s = checked_timeout(timeout_s)
    if address is not None:
        session = unity.connect(address, timeout_s=timeout_s, **access)
    elif access:
        raise click.UsageError(
            "access tokens and TLS are for the server at an ADDRESS, and there is none"
        )
    else:
        session = unity.launch(timeout_s=timeout_s)
    with session:
        yield session


@main.command()
@click.argument("address", required=False)
@click.argument("name", required=False)
@_TIMEOUT
@_with_access
def describe(address, name, timeout_s, access):
    """Show what a server offers, or what NAME is.

    Without ADDRESS it is a private server, launched for that.
    """
    if address is not None and name is None and ":" not in address:
        address, name = None, address  # no address is without a colon, and no name has one
    with _session(address, timeout_s, access) as session:
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
@_with_access
def call(address, name, arguments, timeout_s, access):
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
    with _session(address, timeout_s, access) as session:
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
@_with_access
def stubs(address, output, timeout_s, access):
    """Write stubs of a server for type checkers and editors.

    Without ADDRESS they are those of a private server.
    """
    from unity._stubs import write_stubs

    with _session(address, timeout_s, access) as session:
        for path in write_stubs(session._connection.description, output):
            click.echo(path)


@main.command()
@click.argument("name", required=False)
def token(name):
    """Print a fresh access token, with NAME as a line for a server's --token-file."""
    if name is None:
        click.echo(new_token())
    elif is_token_name(name):
        click.echo(f"{name} {new_token()}")
    else:
        raise click.BadParameter("a name has 1 to 64 letters, digits and ._@+-")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ADDRESS]... [-- OPTION...]")
def serve(words):
    """Become a server that listens at each ADDRESS.

    Options of unity_server follow the addresses; `serve -- --help` lists them. Signals and the
    exit status are the server's: Ctrl-C ends it in order. Without an ADDRESS it listens on
    unity.sock in $XDG_RUNTIME_DIR, or else on .unity.sock in the home directory.
    """
    from unity._server_command import become_server, server_arguments

    become_server(server_arguments(words))


def _finite(context, parameter, value):
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds")
    return value


@main.command()
@click.argument("address", required=False)
@click.option("--once", is_flag=True, help="Print one sample as plain text, and end.")
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(min=0.05, max=3600),
    default=1.0,
    show_default=True,
    callback=_finite,
    help="Seconds from one sample to the next.",
)
@_TIMEOUT
@_with_access
def top(address, once, interval_s, timeout_s, access):
    """Watch what a server counts: sessions, objects, calls and bytes.

    It goes on until Ctrl-C. Without ADDRESS it is the server of `serve` without one. If stdout is
    no terminal, samples are printed one after the other as plain text.
    """
    from unity import _top
    from unity._server_command import default_address

    with _session(address or default_address(), timeout_s, access) as session:
        if once:
            click.echo(_top.plain(_top.sample(session, timeout_s)[1], {}))
            return
        with contextlib.suppress(KeyboardInterrupt), _tables_of_rich():
            if sys.stdout.isatty():
                _top.show_live(session, interval_s, timeout_s)
            else:
                _top.print_samples(session, interval_s, timeout_s, click.echo)


@main.command()
@click.option("--json", "is_json", is_flag=True, help="Print the report for programs.")
def doctor(is_json):
    """Measure this machine and each step of a call, and name what slows them down.

    It takes about ten seconds. The status is 1 if something does not work at all.
    """
    with _tables_of_rich():
        if not is_json:
            from unity import _display

            _display.console()  # rather than after ten seconds
        from unity import _doctor

        report = _doctor.examine()
        if is_json:
            click.echo(json.dumps(report, indent=2))
        else:
            from unity._doctor_display import show

            show(report)
    sys.exit(1 if _doctor.is_broken(report) else 0)


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
