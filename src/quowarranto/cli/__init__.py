"""The command `quo`: parse, call the pipeline, render. Commands are imported only when they are called."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any

import click

COMMANDS = {
    "link": "Read logs into a case and judge every action in them.",
    "verdicts": "One line per action: verdict, linkage, codes, and why.",
    "findings": "What does not hold, folded per authority or principal.",
    "explain": "The chain of one action, with the raw line behind each link.",
    "replay": "Recorded decisions, decided again by the policies then in force, or by a new one.",
    "reconcile": "What enforcement records tell of and no action shows.",
    "privileges": "Granted against used, and the narrower scope that would have sufficed.",
    "impact": "What falls if an authority is revoked.",
    "propagation": "Per system, how long revoked credentials and sessions were still accepted.",
    "investigate": "The story of a principal, credential or time: what broke first, and what would mend most.",
    "diff": "What changed between two moments, and which record changed it.",
    "export": "Findings and verdicts for other systems: SARIF, OCSF, OSCAL, CSV, Parquet.",
    "controls": "By control, for auditors: population, examined, exceptions, samples.",
    "report": "A page to look at: verdicts over time, findings, timelines.",
    "coverage": "Per source: what was read, how well it links, what would raise it.",
    "records": "The records of the case in the native format.",
    "quarantine": "Every line that could not be read, and why.",
    "codes": "What the codes mean.",
    "sources": "The systems whose logs can be read.",
    "canary": "How long a revoked credential is still accepted, measured on purpose.",
    "demo": "Simulate a small organisation, judge it and open the report.",
}


def command_of(name: str) -> click.Command:
    """The command of that name, one of `COMMANDS`; imports its module."""
    return importlib.import_module(f"quowarranto.cli.{name}").command  # type: ignore[no-any-return]


class _Group(click.Group):
    """Lists commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return command_of(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from quowarranto import __version__

        click.echo(f"quo {__version__}")
        ctx.exit()


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `quo demo`, or `quo link LOGS…` and then `quo report`.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
def _quo() -> None:
    """By what authority? Judge every recorded action of a non-human identity by the enforcement records you have."""


_INTERRUPTED = "error: interrupted; the case holds its last complete state"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit codes as in SPEC 10."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an ASCII terminal gets escapes rather than a failure
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing is said at exit either
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    from quowarranto.errors import ConfigError, QuoWarrantoError

    try:
        code: Any = _quo.main(arguments, prog_name="quo", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SystemExit as left:
        # click exits with 1 where nobody reads the output any more, and says nothing; that is no failure of ours
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
            return 0
        return left.code if isinstance(left.code, int) else 1
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _failed(_INTERRUPTED)
    except MemoryError:
        return _failed("error: out of memory; the case holds its last complete state", "  try: `--memory 2GB`")
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except QuoWarrantoError as error:
        from quowarranto.cli.common import printable

        _failed(*map(printable, error.lines()))
        return 2 if isinstance(error, ConfigError) else 1
    except BrokenPipeError:
        raise
    except Exception as error:
        return _unforeseen(error)


def _failed(*lines: str) -> int:
    click.echo("\n".join(lines), err=True)
    return 1


def _unforeseen(error: Exception) -> int:
    """What no stage foresaw. Its own text is not shown, since it might quote a log; where it happened is."""
    from quowarranto.cli.common import printable

    if os.environ.get("QUO_DEBUG"):
        raise error
    kind = type(error).__name__
    if kind == "InterruptException" or str(error) == "Query interrupted":  # Ctrl-C while the engine was at work
        return _failed(_INTERRUPTED)
    if isinstance(error, OSError):
        place = [f"   at: {printable(str(error.filename))}"] if error.filename else []
        return _failed(f"error: {(error.strerror or kind).lower()}", *place)
    if kind == "OutOfMemoryException":
        return _failed(
            "error: out of memory; the case holds its last complete state",
            "  try: `--memory` with less than is free, so that the rest goes to disk",
        )
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
    return _failed(
        f"error: something failed that should not ({kind})",
        f"   at: {where}",
        "  try: again with QUO_DEBUG=1 in the environment, and report what it prints",
    )
