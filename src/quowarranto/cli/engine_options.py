"""Options of `quo link` that say which engine judges, and where Spark is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from quowarranto.backend.lake import Lake
    from quowarranto.case.config import EngineConfig

_Function = TypeVar("_Function", bound=Callable[..., Any])


def engine_options(function: _Function) -> _Function:
    """`--engine` and the options of Spark; the function gets them as keywords, for `engine_of` and `lake_of`."""
    options = (
        click.option(
            "--engine",
            "name",
            type=click.Choice(["embedded", "spark"]),
            help="What judges.  [default: what quo.toml says, else embedded]",
        ),
        click.option(
            "--spark-master", "master", metavar="URL", help="Master of a cluster.  [default: Spark runs here]"
        ),
        click.option(
            "--spark-connect", "connect", metavar="URL", help="A server of Spark Connect instead: sc://HOST:PORT."
        ),
        click.option(
            "--spark-conf", "conf", multiple=True, metavar="KEY=VALUE", help="A setting of Spark; repeatable."
        ),
        click.option(
            "--spark-folder",
            "folder",
            metavar="URI",
            help="Where Spark keeps relations while a run lasts.  [default: here in the case, else its warehouse]",
        ),
        click.option(
            "--spark-actions",
            "actions",
            multiple=True,
            metavar="TABLE",
            help="Actions in a table, or FORMAT:PATH, instead of a case; repeatable.",
        ),
        click.option(
            "--spark-facts", "facts", multiple=True, metavar="TABLE", help="Facts, in the same way; repeatable."
        ),
        click.option(
            "--spark-results",
            "results",
            metavar="SCHEMA",
            help="Where to write their results: a schema, FORMAT:SCHEMA or FORMAT:FOLDER.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def engine_of(said: EngineConfig, options: dict[str, Any]) -> EngineConfig:
    """What `quo.toml` says of the engine, with what the options say instead.

    Raises:
        click.UsageError: options that contradict each other.
        click.BadParameter: a setting that is none.
    """
    from msgspec.structs import replace

    given = {key: value for key in ("name", "master", "connect", "folder") if (value := options[key]) is not None}
    if "master" in given and "connect" in given:
        raise click.UsageError("--spark-master and --spark-connect are two ways to a cluster; name one")
    if "master" in given or "connect" in given:
        said = replace(said, master=None, connect=None)
    conf = dict(_setting(text) for text in options["conf"])
    engine = replace(said, **given, conf=said.conf | conf)
    if engine.name != "spark" and (conf or any(options[key] for key in (*_PLACES, "master", "connect", "folder"))):
        raise click.UsageError("options of Spark need --engine spark")
    return engine


_PLACES = ("actions", "facts", "results")


def lake_of(options: dict[str, Any]) -> Lake | None:
    """Where records and results lie, where they are no case.

    Raises:
        click.UsageError: one of the three is missing.
        ConfigError: a path without a format.
    """
    if not any(options[key] for key in _PLACES):
        return None
    from quowarranto.backend.lake import Lake, place_of

    missing = [f"--spark-{key}" for key in _PLACES if not options[key]]
    if missing:
        raise click.UsageError(f"records in tables need {', '.join(missing)} too")
    return Lake(
        tuple(place_of(text) for text in options["actions"]),
        tuple(place_of(text) for text in options["facts"]),
        place_of(options["results"]),
    )


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"`{text}` is not KEY=VALUE", param_hint="--spark-conf")
    return key.strip(), value.strip()
