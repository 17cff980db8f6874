"""OSCAL 1.2.1 assessment results: what was examined, control by control of NIST SP 800-53, and what was found.

Reads     the case by control (`findings.by_control`) and findings with their samples (`findings.whole`).
Writes    one document: an observation for every control that was looked at, with its population and samples, and one
          for every finding; a finding for every control with an exception. Observations are written as they are read.
Names     UUIDs of version 5: the same state of a case, asked for the same, gives the same bytes.
Choices   a finding says `not-satisfied`, which is the only other word that OSCAL has than `satisfied`, with the reason
          `other` and what it means; `satisfied` is never written, since no record shows that. Empty lists are left out.
          Titles and descriptions are Markdown in OSCAL: names out of a log are escaped there.
Source    NIST OSCAL 1.2.1, assessment results model (pages.nist.gov/OSCAL-Reference/models/v1.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from quowarranto import __version__
from quowarranto.case.query import Filters
from quowarranto.case.store import Snapshot
from quowarranto.export.formats.sarif import uri_of
from quowarranto.export.formats.wanted import Wanted, name_uuid, subject_of
from quowarranto.findings.because import summary
from quowarranto.findings.by_control import by_control
from quowarranto.findings.controls import CONTROLS, IDS
from quowarranto.findings.whole import found_whole
from quowarranto.records import format_instant, parse_instant
from quowarranto.records.codes import CODES

VERSION = "1.2.1"
NAMESPACE = "urn:quowarranto:oscal"
"""Of the properties that OSCAL does not have."""
FRAMEWORK = "nist-800-53"
_TOOL = name_uuid("oscal", "tool")
_PLAN = name_uuid("oscal", "plan")
_UNKNOWN = (
    "An exception was found by an automated test of records. Whether the control is satisfied is for an assessor: "
    "OSCAL has no third word."
)
_encode = msgspec.json.Encoder().encode
Json = dict[str, Any]


def write(snapshot: Snapshot, wanted: Wanted, out: BinaryIO) -> None:
    """Write the assessment results of a case.

    Args:
        wanted: of its filters only the period, sources, principals and resources: populations know no others.
    """
    found = by_control(snapshot, (FRAMEWORK,), wanted.filters)
    reached = format_instant(snapshot.commit.at)
    reviewed = [one for one in found["controls"] if set(one["codes"]) - set(one["not_looked_for"])]
    stamp = name_uuid("oscal", "state", snapshot.commit.number, snapshot.commit.at, _asked(wanted.filters))
    head = {"uuid": name_uuid(stamp, "document"), "metadata": _metadata(snapshot, reached), "import-ap": _import()}
    out.write(b'{"assessment-results":' + _encode(head)[:-1] + b',"results":[')
    out.write(_encode(_result(found, reviewed, stamp, reached))[:-1] + b',"observations":[')
    by_code: dict[str, list[str]] = {}
    components: dict[str, Json] = {}
    separator = b"\n"
    for observation in _observations(snapshot, wanted, reviewed, stamp, reached, by_code, components):
        out.write(separator + _encode(observation))
        separator = b",\n"
    out.write(b"]")
    if findings := [_finding(one, stamp, by_code) for one in reviewed if _failed(one)]:
        out.write(b',"findings":' + _encode(findings))
    out.write(b',"local-definitions":' + _encode(_definitions(components)) + b"}],")
    out.write(b'"back-matter":' + _encode({"resources": [_plan(found)]}) + b"}}\n")


def _asked(filters: Filters) -> str:
    return msgspec.json.encode(filters).decode()


def _metadata(snapshot: Snapshot, reached: str) -> Json:
    return {
        "title": "Quo Warranto: recorded actions and the authorities behind them",
        "last-modified": reached,
        "version": f"state {snapshot.commit.number}",
        "oscal-version": VERSION,
        "remarks": "Provides evidence relevant to the controls named. It is about what the records say.",
    }


def _import() -> Json:
    return {"href": f"#{_PLAN}", "remarks": "There is no plan in OSCAL; the resource says what was tested and how."}


def _plan(found: Json) -> Json:
    return {
        "uuid": _PLAN,
        "title": "What was tested",
        "description": "The tests of a control are the codes that name it; see the observations. "
        + found["sampling"]["rule"],
        "props": [_prop("code", f"{code}: {entry.name}") for code, entry in CODES.items()],
    }


def _result(found: Json, reviewed: list[Json], stamp: str, reached: str) -> Json:
    period, entries = found["period"], found["entries"]
    start = period["first"] or reached
    last = period["last"] or reached
    return {
        "uuid": name_uuid(stamp, "result"),
        "title": "Recorded actions by control",
        "description": f"{found['recorded']} recorded actions; of {entries['lines']} log entries {entries['records']} "
        f"became records, {entries['skipped']} were skipped with a reason, {entries['quarantined']} could not be read.",
        "start": start,
        "end": last if parse_instant(last) >= parse_instant(start) else start,
        "props": [_prop(f"entries-{name}", str(count)) for name, count in entries.items()],
        "reviewed-controls": {
            "control-selections": [
                {
                    "description": "Controls of NIST SP 800-53 revision 5 of which at least one test was looked for.",
                    "include-controls": [{"control-id": control_id(one["control"])} for one in reviewed],
                }
            ]
        },
    }


def control_id(control: str) -> str:
    """`AC-2(1)` as the catalogue of NIST has it in OSCAL: `ac-2.1`."""
    return re.sub(r"\((\d+)\)", r".\1", control.lower())


# ---- observations --------------------------------------------------------------------------------------------------


def _observations(
    snapshot: Snapshot,
    wanted: Wanted,
    reviewed: list[Json],
    stamp: str,
    reached: str,
    by_code: dict[str, list[str]],
    components: dict[str, Json],
) -> Iterator[Json]:
    """All observations; notes the ids of those of each code, and what they are about, on the way."""
    for one in reviewed:
        yield _of_control(one, stamp, reached)
    for row in found_whole(snapshot, wanted.filters, wanted.severity):
        kind, name = subject_of(row)
        about = name_uuid("subject", kind, name)
        components.setdefault(about, _component(about, kind, name))
        observation = _of_finding(row, about, stamp, reached)
        by_code.setdefault(row["code"], []).append(observation["uuid"])
        yield observation


def _of_control(one: Json, stamp: str, reached: str) -> Json:
    numbers = {"population": one["population"]}
    numbers |= {f"excluded-{name.replace(' ', '-')}": count for name, count in one["excluded"].items()}
    numbers |= {name.replace("_", "-"): one[name] for name in ("examined", "exceptions", "without_exception")}
    samples = [(sample, name) for name, drawn in one["samples"].items() for sample in drawn]
    return _left_out(
        {
            "uuid": name_uuid(stamp, "control", one["control"]),
            "title": f"{one['control']}: population and exceptions",
            "description": f"Of {one['population']} actions in scope {one['examined']} were examined: "
            f"{one['exceptions']} with an exception, {one['without_exception']} without."
            + "".join(f" {code} was not looked for: {why}." for code, why in one["not_looked_for"].items()),
            "props": [_prop(name, str(count)) for name, count in numbers.items()]
            + [_prop("test", code) for code in one["codes"] if code not in one["not_looked_for"]]
            + [
                _prop("authorities", f"{row['code']}: {row['exceptions']} of {row['on_record']} {row['kind']}s")
                for row in one["authorities"]
            ],
            "methods": ["EXAMINE"],
            "types": ["control-objective"],
            "origins": _origins(),
            "relevant-evidence": [_evidence_of_sample(sample, name) for sample, name in samples],
            "collected": reached,
        }
    )


def _of_finding(row: Json, about: str, stamp: str, reached: str) -> Json:
    kind, name = subject_of(row)
    return _left_out(
        {
            "uuid": name_uuid(stamp, "finding", row["code"], kind, name),
            "title": f"{row['code']}: {CODES[row['code']].name}",
            "description": plain(summary(row)),
            "props": [
                _prop("code", row["code"]),
                _prop("severity", row["severity"]),
                _prop("count", str(row["count"])),
                _prop("first", format_instant(row["first_us"])),
                _prop("last", format_instant(row["last_us"])),
                _prop("provides-evidence-relevant-to", ", ".join(CONTROLS[row["code"]])),
            ],
            "methods": ["EXAMINE"],
            "types": ["finding"],
            "origins": _origins(),
            "subjects": [{"subject-uuid": about, "type": "component", "title": plain(name)}],
            "relevant-evidence": [_evidence(sample) for sample in row["samples"]],
            "collected": reached,
        }
    )


def _evidence(sample: Json) -> Json:
    who, what = (f"{sample[f'{part}_type']}:{sample[f'{part}_id']}" for part in ("principal", "resource"))
    said = f"{who} {sample['action']} {what}: {sample['verdict']}, {sample['linkage']}"
    place = {"line": sample["line"], "offset": sample["byte_offset"], "sha256": sample["sha256"]}
    return _line(sample["file"], said, {"action": sample["id"], "time": format_instant(sample["time"]), **place})


def _evidence_of_sample(sample: Json, drawn_from: str) -> Json:
    who, what = (f"{sample[part]['type']}:{sample[part]['id']}" for part in ("principal", "resource"))
    said = f"{who} {sample['verb']} {what}: {sample['verdict']}, {sample['linkage']}"
    place = {name: sample["origin"][name] for name in ("line", "offset", "sha256")}
    props = {"sample-of": drawn_from.replace("_", "-"), "action": sample["action"], "time": sample["time"], **place}
    return _line(sample["origin"]["file"], said, props)


def _line(file: str, said: str, props: Json) -> Json:
    """A line of a log: named, never quoted."""
    return {
        "href": uri_of(file),
        "description": plain(said),
        "props": [_prop(name, str(value)) for name, value in props.items()],
    }


# ---- findings, and what all of it refers to ------------------------------------------------------------------------


def _failed(one: Json) -> bool:
    return bool(one["exceptions"]) or any(row["exceptions"] for row in one["authorities"])


def _finding(one: Json, stamp: str, by_code: dict[str, list[str]]) -> Json:
    """What was found of one control: its own observation, and those of all findings with one of its codes."""
    codes = [code for code, ids in IDS.items() if one["control"] in ids[FRAMEWORK]]
    observed = [name_uuid(stamp, "control", one["control"])]
    observed += [uuid for code in codes for uuid in by_code.get(code, ())]
    parts = [f"{row['name']} ({row['code']}, {row['actions']} actions)" for row in one["by_code"]]
    parts += [f"{row['name']} ({row['code']}, {row['exceptions']} {row['kind']}s)" for row in one["authorities"]]
    return {
        "uuid": name_uuid(stamp, "finding of", one["control"]),
        "title": f"{one['control']}: exceptions found",
        "description": f"{one['exceptions']} of {one['examined']} examined actions: {'; '.join(parts)}.",
        "origins": _origins(),
        "target": {
            "type": "statement-id",
            "target-id": f"{control_id(one['control'])}_smt",
            "status": {"state": "not-satisfied", "reason": "other", "remarks": _UNKNOWN},
        },
        "related-observations": [{"observation-uuid": uuid} for uuid in observed],
    }


def _definitions(components: dict[str, Json]) -> Json:
    tool = {
        "uuid": _TOOL,
        "type": "software",
        "title": "Quo Warranto",
        "description": "Links recorded actions to the enforcement records that allowed them, and judges them.",
        "props": [{"name": "version", "value": __version__}],
        "status": {"state": "operational"},
    }
    platform = {"uuid": name_uuid("oscal", "platform"), "uses-components": [{"component-uuid": _TOOL}]}
    assets = {"components": [tool], "assessment-platforms": [platform]}
    return _left_out({"components": list(components.values()), "assessment-assets": assets})


def _component(uuid: str, kind: str, name: str) -> Json:
    what = "a principal that acted" if kind == "principal" else f"an authority of the kind {kind}"
    return {
        "uuid": uuid,
        "type": kind,
        "title": plain(name),
        "description": f"{plain(name)}: {what}, as the records name it.",
        "status": {"state": "other"},
    }


def _origins() -> list[Json]:
    return [{"actors": [{"type": "tool", "actor-uuid": _TOOL}]}]


def _prop(name: str, value: str) -> Json:
    return {"name": name, "ns": NAMESPACE, "value": one_line(value)}


def one_line(text: str) -> str:
    """Text as OSCAL takes it in a title or value: something on one line, no blank at either end."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text).strip()
    return shown or "(empty)"


def plain(text: str) -> str:
    """The same as Markdown that means nothing but the text: no link, no emphasis, no tag."""
    return re.sub(r"[\\`*\[\]<]", r"\\\g<0>", one_line(text))


def _left_out(says: Json) -> Json:
    """Without empty lists, which the schema does not allow."""
    return {name: value for name, value in says.items() if value != []}
