"""The case by control, for auditors: population, what was examined and what not and why, exceptions, samples.

The tests of a control are the codes that name it (`controls.toml`). Of every control the numbers add up:

    recorded   = not applicable + population
    population = excluded (with a reason) + examined
    examined   = exceptions + without exception

It says what was found, never whether a control is met (SPEC 11).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import msgspec

from quowarranto.case.config import Config, load_config
from quowarranto.case.found import totals
from quowarranto.case.query import Filters, Row, connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.controls import APPLIES_TO, FRAMEWORKS, IDS, Framework
from quowarranto.findings.examined import DECIDED_AGAIN, REPLAYED, Alike, Sampling, drawn_from, groups, sampled
from quowarranto.findings.standing import MOST_GRANTS, standing
from quowarranto.records import KINDS, format_instant
from quowarranto.records.codes import ABOUT_AUTHORITIES, CODES
from quowarranto.records.codes import REPLAYED as BY_REPLAY

DENIED = "denied"
UNLINKED = "no authority on record"
EXCLUSIONS: dict[str, str] = {
    DENIED: "the action was refused, so no authority was used; codes on it explain the refusal",
    UNLINKED: "nothing on record says by what authority it was done, so the control cannot be looked at through it",
}
_EACH = "each-"
_LOG = "log"
_ON_ACTIONS = frozenset(("action", "chain", REPLAYED, DECIDED_AGAIN, *KINDS))


def by_control(
    snapshot: Snapshot,
    frameworks: tuple[str, ...] = (),
    filters: Filters = Filters(),  # noqa: B008 - frozen
    sampling: Sampling = Sampling(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """What `quo controls --format json` prints.

    Args:
        frameworks: keys of `FRAMEWORKS`; none means all.
        filters: which actions; authorities themselves are looked at where only the period is bounded.
    """
    config = load_config(snapshot.folder)
    alike = groups(snapshot, filters, sampling)
    unseen = not_looked_for(snapshot, config)
    about = _about_authorities(snapshot, config, filters)
    on_record = _on_record(snapshot)
    controls = [
        _control(framework, control, alike, unseen, about, on_record, sampling)
        for key, framework in FRAMEWORKS.items()
        if not frameworks or key in frameworks
        for control in controls_of(key)
    ]
    _with_samples(snapshot, controls)
    return {**_head(snapshot, filters, sampling, sum(one.count for one in alike)), "controls": controls}


def controls_of(framework: str) -> list[str]:
    """The ids of a framework that some code names, numbers in the order of numbers."""
    used = {control for ids in IDS.values() for control in ids[framework]}
    return sorted(used, key=lambda one: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", one)])


def not_looked_for(snapshot: Snapshot, config: Config) -> dict[str, str]:
    """Codes that this case cannot show, and why: silence about them is no result."""
    out = {code: "this version does not look for it" for code in APPLIES_TO if code not in CODES}
    if not any(one.require for one in config.expect):
        out["QW303"] = "no `[[expect]]` in `quo.toml` requires a control"
    if all(one.standing for one in config.expect):
        out["QW503"] = "no `[[expect]]` in `quo.toml` has `standing = false`"
    if all(one.max_lifetime_us is None for one in config.expect):
        out["QW405"] = "no `max_lifetime` in `quo.toml`"
    if not (config.human_origins or config.human_clients or config.human_sessions):
        out["QW407"] = "`quo.toml` does not say which origins, clients or sessions belong to people"
    if not rows(connect(snapshot, "replays"), "SELECT decision FROM replays LIMIT 1"):
        out |= dict.fromkeys(BY_REPLAY, "no decision of the case was replayed (`quo replay`)")
    used = rows(connect(snapshot, "chains"), "SELECT count(DISTINCT node) AS n FROM chains WHERE kind = 'grant'")
    if used[0]["n"] > MOST_GRANTS:
        out["QW502"] = f"more than {MOST_GRANTS:,} grants were used; `quo privileges` looks"
    return out


def _head(snapshot: Snapshot, filters: Filters, sampling: Sampling, recorded: int) -> dict[str, Any]:
    read = totals(snapshot)
    first = read["first_us"] if filters.since is None else filters.since
    last = read["last_us"] if filters.until is None else filters.until
    return {
        "period": {
            "first": None if first is None else format_instant(first),
            "last": None if last is None else format_instant(last),
            "asked": filters.since is not None or filters.until is not None,
        },
        "recorded": recorded,
        "entries": {name: read[name] for name in ("lines", "records", "skipped", "quarantined")},
        "sampling": {"seed": sampling.seed, "count": sampling.count, "rule": sampling.said},
        "exclusions": EXCLUSIONS,
    }


def _control(
    framework: Framework,
    control: str,
    alike: list[Alike],
    unseen: dict[str, str],
    about: list[Row] | None,
    on_record: dict[str, int],
    sampling: Sampling,
) -> dict[str, Any]:
    codes = [code for code, ids in IDS.items() if control in ids[framework.key]]
    borne = [code for code in codes if code in CODES and code not in ABOUT_AUTHORITIES]
    tests = [code for code in borne if CODES[code].severity != "info"]
    notes = [code for code in borne if CODES[code].severity == "info"]
    looked_for = [code for code in codes if code not in unseen and set(APPLIES_TO[code]) & _ON_ACTIONS]
    parts = _parted(alike, looked_for, tests)
    failed, passed = parts["exceptions"], parts["without_exception"]
    number = {name: sum(one.count for one in part) for name, part in parts.items()}
    return {
        "framework": framework.key,
        "control": control,
        "name": framework.said(control),
        "codes": codes,
        "not_looked_for": {code: unseen[code] for code in codes if code in unseen},
        "not_applicable": number["not_applicable"],
        "population": sum(number.values()) - number["not_applicable"],
        "excluded": {DENIED: number[DENIED], UNLINKED: number[UNLINKED]},
        "examined": number["exceptions"] + number["without_exception"],
        "exceptions": number["exceptions"],
        "without_exception": number["without_exception"],
        "by_code": _counted(failed, tests),
        "notes": _counted(failed + passed, notes),
        "authorities": _authorities([code for code in codes if code not in unseen], about, on_record),
        "samples": {
            "exceptions": drawn_from(failed, sampling.count),
            "without_exception": drawn_from(passed, sampling.count),
        },
    }


def _parted(alike: list[Alike], looked_for: list[str], tests: list[str]) -> dict[str, list[Alike]]:
    """Every group into one part. A code that is not looked for makes no population; an exception always counts.

    Without any authority on record only codes that are found on every action can be told to be absent.
    """
    parts: dict[str, list[Alike]] = {
        name: [] for name in ("not_applicable", DENIED, UNLINKED, "exceptions", "without_exception")
    }
    through_chains = any(APPLIES_TO[code] != ("action",) for code in looked_for)
    for group in alike:
        failed = bool(group.codes & set(tests))
        concerned = any(_applies(code, group) for code in looked_for) or (group.missing and through_chains)
        if not (concerned or failed):
            part = "not_applicable"
        elif group.denied:
            part = DENIED
        elif failed:
            part = "exceptions"
        else:
            part = UNLINKED if group.missing and through_chains else "without_exception"
        parts[part].append(group)
    return parts


def _applies(code: str, group: Alike) -> bool:
    """Whether a code could be found on the actions of a group."""
    for word in APPLIES_TO[code]:
        if word == "action" or (word == "chain" and not group.missing) or word in group.kinds:
            return True
    return False


def _counted(alike: list[Alike], codes: list[str]) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    for group in alike:
        for code in group.codes & set(codes):
            counts[code] += group.count
    return [
        {"code": code, "name": CODES[code].name, "severity": CODES[code].severity, "actions": counts[code]}
        for code in codes
        if counts[code]
    ]


# ---- authorities themselves ----------------------------------------------------------------------------------------


def _kind_of_authority(code: str) -> str | None:
    """The kind of authority that a code is about, where it is about authorities themselves; `log` for logs of them."""
    words = (word for word in APPLIES_TO[code] if word == _LOG or word.startswith(_EACH))
    return next((word.removeprefix(_EACH) for word in words), None)


def _about_authorities(snapshot: Snapshot, config: Config, filters: Filters) -> list[Row] | None:
    """Findings about authorities that touch the period; None where more than the period is asked for."""
    if msgspec.structs.replace(filters, since=None, until=None) != Filters():
        return None
    return [
        row
        for row in standing(snapshot, config)
        if (filters.since is None or row["last_us"] >= filters.since)
        and (filters.until is None or row["first_us"] < filters.until)
    ]


def _on_record(snapshot: Snapshot) -> dict[str, int]:
    """Authorities by kind, and enforcement logs: streams of numbered records, else sources."""
    connection = connect(snapshot, "authorities", "facts", "derived")
    found = rows(connection, "SELECT kind, count(*) AS n FROM authorities GROUP BY 1")
    logs = rows(
        connection,
        "SELECT count(*) AS n FROM (SELECT DISTINCT source, json_extract_string(attributes, '$.sequence.stream') "
        "FROM (SELECT source, attributes FROM facts UNION ALL SELECT source, attributes FROM derived))",
    )
    return {row["kind"]: row["n"] for row in found} | {_LOG: logs[0]["n"]}


def _authorities(codes: list[str], about: list[Row] | None, on_record: dict[str, int]) -> list[dict[str, Any]]:
    """Of each code about authorities: how many of the kind are on record, and of how many it stands."""
    out = []
    for code in codes:
        kind = _kind_of_authority(code)
        if kind is None or about is None:
            continue
        keys = sorted(row["key"] for row in about if row["code"] == code)
        out.append(
            {
                "code": code,
                "name": CODES[code].name,
                "severity": CODES[code].severity,
                "kind": kind,
                "on_record": max(on_record.get(kind, 0), len(keys)),
                "exceptions": len(keys),
                "keys": keys[:5],
            }
        )
    return out


def _with_samples(snapshot: Snapshot, controls: list[dict[str, Any]]) -> None:
    """Ids become actions, read once for all controls."""
    wanted = {action for one in controls for ids in one["samples"].values() for action in ids}
    actions = sampled(snapshot, wanted)
    for one in controls:
        one["samples"] = {name: [actions[action] for action in ids] for name, ids in one["samples"].items()}
