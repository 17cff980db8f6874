"""`quo.toml`: the few settings there are. An unknown key is an error that names the nearest known one (SPEC 9)."""

from __future__ import annotations

import hashlib
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.correlating import Correlate, check
from quowarranto.case.store import CONFIG
from quowarranto.errors import ConfigError, nearest
from quowarranto.records import KINDS, UNSPELT, Expectation, Kind
from quowarranto.sources import SOURCES, configured
from quowarranto.sources.strict import reason_of

DEFAULT = """\
# Quo Warranto: settings of this case. See docs/reference/configuration.md.

[clock]
skew = "2s"      # how far the clocks of two systems may differ
window = "30s"   # how long before an action its decision may lie when the two share no key

[engine]
name = "embedded"   # or "spark"
"""

_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "min": 60_000_000, "h": 3_600_000_000}
_LONGEST = 366 * 24 * _UNITS["h"]
_KNOWN: dict[str, tuple[str, ...]] = {
    "clock": ("skew", "window"),
    "engine": ("name", "master", "connect", "folder", "conf"),
}
_DURATIONS = ("sprawl_window", "max_lifetime")
_HUMAN = ("human_origins", "human_clients", "human_sessions")
_ALONE = ("sprawl_origins", *_DURATIONS, *_HUMAN)
"""Settings that stand in no section."""
_SOURCE = "source"
_CORRELATE = "correlate"
_EXPECT = "expect"
ENGINES = ("embedded", "spark")


class EngineConfig(msgspec.Struct, frozen=True):
    """Which engine judges, one of `ENGINES`; the rest is about Spark.

    `master` is a master URL and `connect` one of Spark Connect, of which one at most; `folder` a URI where relations
    are kept while a run lasts; `conf` Spark's own settings.
    """

    name: str = "embedded"
    master: str | None = None
    connect: str | None = None
    folder: str | None = None
    conf: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True):
    """Settings with their defaults; durations in microseconds; `sources` is what `[source.NAME]` says, by name,
    `correlate` the declared joins, `expect` the expectations, of which `max_lifetime` is one for all actions.

    `sprawl_…` and `human_…`: what makes QW404 and QW407 (SPEC 8); a network (`10.8.0.0/16`) is one of the patterns that
    an origin may match.
    """

    skew_us: int = 2_000_000
    window_us: int = 30_000_000
    sprawl_origins: int = 3
    sprawl_window_us: int = 3_600_000_000
    human_origins: tuple[str, ...] = ()
    human_clients: tuple[str, ...] = ()
    human_sessions: tuple[str, ...] = ()
    engine: EngineConfig = EngineConfig()
    sources: dict[str, dict[str, Any]] = {}
    correlate: tuple[Correlate, ...] = ()
    expect: tuple[Expectation, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Tells whether two runs judge by the same joins and expectations; "" where there are none of either."""
        asked = (self.correlate, self.expect)
        return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16] if any(asked) else ""


def load_config(folder: Path) -> Config:
    """Read the case's `quo.toml`, or the defaults where there is none.

    Raises:
        ConfigError: not TOML, an unknown key, or a value of the wrong form; with file and line.
    """
    path = folder / CONFIG
    if not path.exists():
        return Config()
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"`{CONFIG}` cannot be read: {(error.strerror or '').lower()}", at=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"`{CONFIG}` is not UTF-8", at=str(path)) from None
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"\(at line (\d+)", str(error))
        raise ConfigError(f"`{CONFIG}` is not TOML: {error}", at=f"{path}:{line[1]}" if line else str(path)) from None
    sources = _sources(values.pop(_SOURCE, {}), path, text)
    joins = _joins(values.pop(_CORRELATE, []), path, text)
    expectations = _expectations(values.pop(_EXPECT, []), path, text)
    alone = {name: values.pop(name) for name in _ALONE if name in values}
    for section, keys in values.items():
        if section not in _KNOWN:
            raise _unknown(section, (*_KNOWN, *_ALONE, _SOURCE, _CORRELATE, _EXPECT), path, text)
        if not isinstance(keys, dict):
            raise ConfigError(
                f"`{section}` is not a section", at=f"{path}:{_line_of(section, text)}", need=f"[{section}]"
            )
        for key in keys:
            if key not in _KNOWN[section]:
                raise _unknown(key, _KNOWN[section], path, text)
    clock = values.get("clock", {})
    durations = {name: _duration(name, alone.pop(name), path, text) for name in _DURATIONS if name in alone}
    if "max_lifetime" in durations:
        expectations += (Expectation(name="max_lifetime", max_lifetime_us=durations["max_lifetime"]),)
    durations |= {name: _duration(name, clock[name], path, text) for name in _KNOWN["clock"] if name in clock}
    lengths: dict[str, Any] = {f"{name}_us": length for name, length in durations.items() if name != "max_lifetime"}
    return Config(
        **_of_credentials(alone, path, text),
        **lengths,
        engine=_engine(values.get("engine", {}), path, text),
        sources=sources,
        correlate=joins,
        expect=expectations,
    )


def _of_credentials(values: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    """`sprawl_…` and the patterns of what belongs to a person."""
    for name, value in values.items():
        at = f"{path}:{_line_of(name, text)}"
        if name not in _HUMAN:
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"`{name}` is not a number", at=at, need="a whole number, 1 or more")
        elif not (isinstance(value, list) and all(isinstance(one, str) and one for one in value)):
            raise ConfigError(
                f"`{name}` is not a list of patterns", at=at, need='texts, like ["10.8.0.0/16", "laptop-*"]'
            )
    return {name: tuple(value) if name in _HUMAN else value for name, value in values.items()}


def _sources(values: Any, path: Path, text: str) -> dict[str, dict[str, Any]]:
    if not (isinstance(values, dict) and all(isinstance(value, dict) for value in values.values())):
        raise ConfigError("`source` is not a section", at=f"{path}:{_line_of(_SOURCE, text)}", need="[source.NAME]")
    try:
        configured(values)
    except ConfigError as error:
        named = re.search(r"`([^`]+)`", str(error))
        at = f"{path}:{_line_of(named[1], text)}" if named else str(path)
        raise ConfigError(error.message, at=at, need=error.need, hint=error.hint) from None
    return values


def _joins(values: Any, path: Path, text: str) -> tuple[Correlate, ...]:
    need = 'name = "…", left = { source = "…", field = "…" } and right likewise; `pattern` may stand beside `field`'
    at = f"{path}:{_line_of(_CORRELATE, text)}"
    try:
        joins = msgspec.convert(values, tuple[Correlate, ...])
    except msgspec.ValidationError as error:
        raise ConfigError(f"`{_CORRELATE}` is not a list of joins: {reason_of(error)}", at=at, need=need) from None
    known = {source.name for source in SOURCES}
    names = ", ".join(sorted(known))
    for join in joins:
        if not re.fullmatch(r"[\w. -]+", join.name):
            raise ConfigError(f"`{join.name}` is not a name for a join", at=at, need="letters, digits, dots and dashes")
        for side in join.sides:
            if side.source not in known:
                need, hint = f"one of {names}", nearest(side.source, known)
                raise ConfigError(f"no source is called `{side.source}`", at=at, need=need, hint=hint)
            try:
                check(side)
            except ConfigError as error:
                raise ConfigError(error.message, at=at, need=error.need) from None
    return joins


class _Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resources: tuple[str, ...] | None = None
    principals: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None


class _Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    match: _Match = _Match()
    require: tuple[Kind, ...] = ()
    standing: bool = True
    max_lifetime: str | None = None


def _expectations(values: Any, path: Path, text: str) -> tuple[Expectation, ...]:
    at = f"{path}:{_line_of(_EXPECT, text)}"
    try:
        found = msgspec.convert(values, tuple[_Expect, ...])
    except msgspec.ValidationError as error:
        need = 'name = "…", match.resources, match.principals or match.actions, and require, standing or max_lifetime'
        need += f"; require is a list of {', '.join(KINDS)}"
        raise ConfigError(f"`{_EXPECT}` is not a list of expectations: {reason_of(error)}", at=at, need=need) from None
    for one in found:
        patterns = (one.match.resources, one.match.principals, one.match.actions)
        if any(set(UNSPELT) & set(pattern) for several in patterns for pattern in several or ()):
            raise ConfigError(
                f"`{one.name}`: a pattern that cannot be spelled", at=at, need="no quotes, backslashes or $"
            )
        if not (one.require or one.max_lifetime) and one.standing:
            need = "require = [kinds], standing = false, or max_lifetime"
            raise ConfigError(f"`{one.name}` demands nothing", at=at, need=need)
    return tuple(
        Expectation(
            name=one.name,
            resources=one.match.resources,
            principals=one.match.principals,
            actions=one.match.actions,
            require=one.require,
            standing=one.standing,
            max_lifetime_us=None
            if one.max_lifetime is None
            else _duration("max_lifetime", one.max_lifetime, path, text),
        )
        for one in found
    )


def _engine(values: dict[str, Any], path: Path, text: str) -> EngineConfig:
    def at(key: str) -> str:
        return f"{path}:{_line_of(key, text)}"

    for key, value in values.items():
        if key != "conf" and not (isinstance(value, str) and value):
            raise ConfigError(f"`{key}` is not a text", at=at(key), need='a text, like "spark"')
    if values.get("name", ENGINES[0]) not in ENGINES:
        raise ConfigError("there is no such engine", at=at("name"), need="one of " + ", ".join(ENGINES))
    if "master" in values and "connect" in values:
        raise ConfigError("`master` and `connect` are two ways to a cluster", at=at("connect"), need="one of them")
    conf = values.get("conf", {})
    if not isinstance(conf, dict) or any(isinstance(value, (dict, list)) for value in conf.values()):
        need = 'Spark\'s settings by their names, like "spark.executor.memory" = "8g"'
        raise ConfigError("`conf` is not a list of settings", at=at("conf"), need=need)
    settings = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in conf.items()}
    return EngineConfig(**(values | {"conf": settings}))


def _unknown(key: str, known: tuple[str, ...], path: Path, text: str) -> ConfigError:
    return ConfigError(
        f"`{key}` is not a setting",
        at=f"{path}:{_line_of(key, text)}",
        need="one of " + ", ".join(known),
        hint=nearest(key, known),
    )


def _duration(name: str, value: Any, path: Path, text: str) -> int:
    found = (
        re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)\s*(us|ms|s|min|m|h)", value, re.ASCII)
        if isinstance(value, str)
        else None
    )
    if found is None:
        raise ConfigError(
            f"`{name}` is not a duration",
            at=f"{path}:{_line_of(name, text)}",
            need='a number with a unit, like "2s" or "500ms"',
        )
    length = int(Decimal(found[1]) * _UNITS[found[2]])
    if length > _LONGEST:
        raise ConfigError(f"`{name}` is longer than a year", at=f"{path}:{_line_of(name, text)}")
    return length


def _line_of(key: str, text: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*(?:\[+\s*)?(?:[\w-]+\s*\.\s*)*[\"']?{re.escape(key)}(?![\w-])", line):
            return number
    return 1
