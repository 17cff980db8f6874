"""Explained actions and reports as the rest of the program hands them to `export`: one per way a chain can fail."""

from __future__ import annotations

import json
from typing import Any

from quowarranto.records.codes import CODES, SEVERITIES

Json = dict[str, Any]

DAY = "2026-03-01T"
BOT = {"type": "service_account", "id": "ci-deploy"}
SECRET = {"type": "secret", "id": "kv/prod/payments-db"}


def at(clock: str) -> str:
    """A time of the example day: `09:14:07` is `2026-03-01T09:14:07Z`; a full time stays."""
    return clock if "T" in clock else f"{DAY}{clock}Z"


def term(start: str | None, end: str | None = None, by: str | None = None, grace: str | None = None) -> Json:
    """A term of the contract."""
    return {
        "start": at(start) if start else None,
        "end": at(end) if end else None,
        "ended_by": by,
        "grace_until": at(grace) if grace else None,
    }


def point(time: str, until: str | None = None) -> Json:
    """The term of a decision."""
    return {**term(time, until), "point": True}


def trial(time: str, on: Json | None, *codes: str, held: bool = True, note: str = "") -> Json:
    """A test of the contract."""
    return {"at": at(time), "expected": BOT, "held": held, "codes": list(codes), "note": note, "term": on}


def fact(time: str, kind: str = "established", end: str | None = None, line: int = 1, **content: Any) -> Json:
    """A fact with the raw line behind it."""
    raw = json.dumps({"time": at(time), "fact": kind, **content})
    origin = {"file": "logs/vault-audit.jsonl", "line": line, "offset": line * 311, "sha256": f"{line:02x}" * 32}
    return {"fact": kind, "time": at(time), "end": end, "origin": origin, "raw": raw}


def link(key: str, kind: str, *cited_by: str, tests: list[Json], terms: list[Json], **more: Any) -> Json:
    """One authority of a chain."""
    facts = [fact(t["start"], line=7 + n, id=key) for n, t in enumerate(terms) if t["start"]]
    facts += [fact(t["end"], "ended", t["ended_by"], 40 + n, id=key) for n, t in enumerate(terms) if t.get("ended_by")]
    entry = {"key": key, "kind": kind, "cited_by": list(cited_by) or ["action"], "joined": False}
    return {**entry, "tests": tests, "says": {}, "terms": terms, "facts": facts, **more}


def explained(name: str, time: str, verdict: str, chain: list[Json], because: str, **more: Any) -> Json:
    """An explained action; `more` overrides fields of the verdict, `action`, `dangling`."""
    codes = sorted({code for entry in chain for test in entry["tests"] for code in test["codes"]})
    action = {
        "kind": "action",
        "id": name,
        "time": at(time),
        "source": "vault",
        "principal": BOT,
        "action": "kv:read",
        "resource": SECRET,
        "outcome": "success",
        "origin": "10.2.0.17",
        "cites": [entry["key"] for entry in chain if "action" in entry["cited_by"]],
        **more.pop("action", {}),
    }
    dangling = more.pop("dangling", [])
    found = {
        "action": name,
        "time": at(time),
        "source": "vault",
        "principal": action["principal"],
        "verb": action["action"],
        "resource": action["resource"],
        "outcome": action["outcome"],
        "verdict": verdict,
        "linkage": "proven",
        "basis": "rbac",
        "method": "cited",
        "codes": codes,
        "root_cause": None,
        "authorities": [{"key": entry["key"], "kind": entry["kind"]} for entry in chain],
        "because": because,
        **more,
    }
    origin = {"file": "logs/vault-audit.jsonl", "line": 88, "offset": 27368, "sha256": "5a" * 32}
    raw = json.dumps(
        {"type": "response", "time": at(time), "request": {"id": name, "path": "kv/data/prod/payments-db"}}
    )
    return {"action": action, "origin": origin, "raw": raw, "verdict": found, "chain": chain, "dangling": dangling}


GRANT = "k8s/rolebinding/payments/ci-deploy-secrets"
POLICY = "vault/policy/payments-read@7"
TOKEN = "vault/accessor/8f3cQ2mP0aVn1kZr5tYw7uXe"  # an accessor names a token; it is not one


def _grant(time: str, *cited_by: str, **more: Any) -> Json:
    on = term("2025-01-14T08:00:00Z")
    return link(GRANT, "grant", *cited_by, tests=[trial(time, on)], terms=[on], says={"principal": BOT}, **more)


def expired() -> Json:
    """A token used four minutes after its end; what it rests on still holds."""
    lease, session = term("09:00:00", "10:00:00", "expired"), term("08:31:10", "12:00:00", "closed")
    now = "10:04:12.381"
    chain = [
        link(
            TOKEN, "credential", tests=[trial(now, lease, "QW201", held=False)], terms=[lease], says={"principal": BOT}
        ),
        link("pam/session/ci-7714", "session", TOKEN, tests=[trial(now, session)], terms=[session]),
        _grant(now, "pam/session/ci-7714"),
    ]
    because = "the token `8f3c…` had expired 4 min 12 s before it read the secret"
    return explained("req-expired-1", now, "unauthorised", chain, because, root_cause="stale-authority", basis="pam")


def revoked() -> Json:
    """A token renewed twice, revoked, and still accepted half an hour later."""
    first, second = term("08:00:00", "08:30:00", "renewed"), term("08:30:00", "09:00:00", "renewed")
    last, now = term("09:00:00", "09:12:30", "revoked"), "09:41:02"
    version, before = term("2026-02-20T10:00:00Z"), term("2026-01-05T10:00:00Z", "2026-02-20T10:00:00Z", "superseded")
    chain = [
        link(
            TOKEN,
            "credential",
            tests=[trial(now, last, "QW202", "QW406", held=False, note="still accepted 28 min 32 s after revocation")],
            terms=[first, second, last],
            says={"principal": BOT, "issued_by": "req-login-1"},
        ),
        link(POLICY, "policy", TOKEN, tests=[trial(now, version)], terms=[before, version]),
        _grant(now, TOKEN),
    ]
    because = "the token was revoked at 09:12:30 and accepted at 09:41:02 all the same"
    return explained("req-revoked-1", now, "unauthorised", chain, because, root_cause="stale-authority")


def grace() -> Json:
    """A rotated key within its grace."""
    old, new = term("08:00:00", "09:00:00", "rotated", "09:10:00"), term("09:00:00")
    now = "09:03:20"
    chain = [
        link("aws/key/AKIA…7Q", "credential", tests=[trial(now, old, "QW401")], terms=[old], says={"principal": BOT}),
        link("aws/key/AKIA…8R", "credential", "aws/key/AKIA…7Q", tests=[trial(now, new)], terms=[new]),
        _grant(now, "aws/key/AKIA…7Q"),
    ]
    return explained("req-grace-1", now, "authorised", chain, "the rotated key is accepted until 09:10:00")


def dangling() -> Json:
    """A decision that holds, beside a session of which nothing is known; the grant joins by entitlement."""
    decided, version = point("11:20:05.100", "11:20:35"), term("2026-02-20T10:00:00Z")
    chain = [
        link("opa/decision/4be1", "decision", tests=[trial("11:20:05.412", decided)], terms=[decided]),
        link(
            "opa/bundle/authz@41",
            "policy",
            "opa/decision/4be1",
            tests=[trial("11:20:05.100", version)],
            terms=[version],
        ),
        {**_grant("11:20:05.412"), "joined": True},
    ]
    because = "the decision holds, but the session that it names is in no log that was read"
    more: Json = {"codes": ["QW102", "QW104"], "linkage": "partial", "root_cause": "detached-system"}
    action = {"cites": ["opa/decision/4be1", "pam/session/zz-0001"]}
    gone = ["pam/session/zz-0001"]
    return explained("req-dangling-1", "11:20:05.412", "presumed", chain, because, action=action, dangling=gone, **more)


def approved() -> Json:
    """A just-in-time chain: approved by the one who asked, and only after the grant had been opened."""
    jit, window, now = term("13:02:00", "14:02:00", "expired"), term("13:05:30", "14:02:00", "expired"), "13:31:00"
    alice = {"type": "user", "id": "alice"}
    says = {"requested_by": alice, "decided_by": [alice], "justification": "hotfix", "ticket": "OPS-311"}
    chain = [
        link("pim/activation/77", "grant", tests=[trial(now, jit)], terms=[jit], says={"principal": BOT}),
        link(
            "teleport/request/0c1d",
            "approval",
            "pim/activation/77",
            tests=[trial(now, window, "QW301", "QW302", held=False, note="decided 3 min 30 s after the grant began")],
            terms=[window],
            says=says,
        ),
    ]
    because = "alice approved her own request, after the grant had begun"
    return explained("req-approved-1", now, "unauthorised", chain, because, basis="jit", root_cause="weak-approval")


def delegated() -> Json:
    """An agent on behalf of a user: the delegation holds, the scope does not."""
    lent, session, now = term("14:00:00", "15:00:00", "expired"), term("13:58:00", "14:58:00", "closed"), "14:22:09"
    agent, user = {"type": "agent", "id": "triage-bot"}, {"type": "user", "id": "maria@example.org"}
    scope = {"actions": ["tools/call:read_*"], "resources": ["repo:docs/*"]}
    chain = [
        link("mcp/session/51ac", "session", tests=[trial(now, session)], terms=[session], says={"principal": agent}),
        link(
            "oauth/exchange/9920",
            "delegation",
            "mcp/session/51ac",
            tests=[trial(now, lent, "QW206", held=False, note="`repo:prod/infra` is not covered")],
            terms=[lent],
            says={"principal": agent, "by": user, "scope": scope},
        ),
        _grant(now, "oauth/exchange/9920"),
    ]
    action = {"principal": agent, "action": "tools/call:write_file", "resource": {"type": "repo", "id": "prod/infra"}}
    because = "the agent was lent read access to docs/*, and wrote to prod/infra"
    more: Json = {"basis": "delegated", "root_cause": "enforcement-bypass"}
    return explained("req-delegated-1", now, "unauthorised", chain, because, action=action, **more)


def denied() -> Json:
    """A denial that was enforced."""
    decided, version = point("15:10:00"), term("2026-02-27T18:00:00Z")
    chain = [
        link(
            "cedar/decision/88",
            "decision",
            tests=[trial("15:10:02", decided)],
            terms=[decided],
            says={"effect": "deny"},
        ),
        link(
            "cedar/policyset/aa19", "policy", "cedar/decision/88", tests=[trial("15:10:00", version)], terms=[version]
        ),
    ]
    because = "the decision point denied it and it did not happen"
    return explained(
        "req-denied-1", "15:10:02", "refused", chain, because, action={"outcome": "denied"}, basis="policy"
    )


def nothing() -> Json:
    """No authority at all."""
    more: Json = {"linkage": "missing", "method": "none", "codes": ["QW101", "QW105"], "root_cause": "telemetry-gap"}
    return explained(
        "req-nothing-1", "16:00:00", "unproven", [], "no authority was found, and no log covers it", **more
    )


def stale_exception() -> Json:
    """An exception that ended three months ago, behind a session of half an hour."""
    waiver, session, now = (
        term(None, "2025-11-30T00:00:00Z", "expired"),
        term("17:00:00", "17:30:00", "closed"),
        "17:09:00",
    )
    chain = [
        link("pam/session/77", "session", tests=[trial(now, session)], terms=[session]),
        link(
            "risk/EX-12",
            "exception",
            "pam/session/77",
            tests=[trial(now, waiver, "QW304", held=False)],
            terms=[waiver],
        ),
    ]
    because = "the exception EX-12 ended three months before"
    return explained("req-exception-1", now, "unauthorised", chain, because, basis="exception")


def long_chain(links: int = 40) -> Json:
    """As many authorities as asked for, each citing the next, with hours between their starts."""
    chain: list[Json] = []
    for n in range(links):
        on = term(f"2026-03-01T{n % 9:02d}:{n:02d}:00Z", "18:00:00" if n % 3 else None)
        by = [chain[n - 1]["key"]] if n % 16 else []
        chain.append(
            link(f"chain/{n:02d}/" + "deep" * (n % 12), "session", *by, tests=[trial("10:00:00", on)], terms=[on])
        )
    return explained("req-long-1", "10:00:00", "authorised", chain, "everything holds")


HOSTILE = (
    "</script><script>alert(1)</script>\"'&<b>\u202egnp.exe\x00\x1b[31m]]>-->"
    "<img src=https://evil.example/x onerror=alert(2)>"
)


def hostile() -> Json:
    """Values that an attacker chose: markup, quotes, direction overrides, control characters, ten kilobytes."""
    on, now = term("09:00:00", "10:00:00", "expired"), "10:30:00"
    big = "A" * 5000 + HOSTILE + "漢字" * 2500
    rests = link(HOSTILE + "2", "grant", big, tests=[trial(now, on, held=False)], terms=[on])
    rests["says"] = {"principal": {"type": HOSTILE, "id": big}, "scope": {"actions": [big]}, "justification": HOSTILE}
    rests["facts"] = [
        {**rests["facts"][0], "raw": big, "origin": {"file": HOSTILE, "line": 1, "offset": 0, "sha256": "0"}}
    ]
    chain = [
        link(big, "credential", tests=[trial(now, on, "QW201", held=False, note=HOSTILE)], terms=[on]),
        rests,
    ]
    action = {"principal": {"type": HOSTILE, "id": big}, "action": HOSTILE, "resource": {"type": HOSTILE, "id": big}}
    more: Json = {
        "action": action,
        "dangling": [HOSTILE],
        "principal": action["principal"],
        "resource": action["resource"],
    }
    return {**explained(HOSTILE, now, "unauthorised", chain, big, **more), "raw": big}


def everything() -> list[Json]:
    """All ordinary examples."""
    return [
        make()
        for make in (
            expired,
            revoked,
            grace,
            dangling,
            approved,
            delegated,
            denied,
            nothing,
            stale_exception,
        )
    ]


def a_report(ones: list[Json]) -> Json:
    """A report whose findings have these explained actions as samples, gravest first."""
    findings = sorted((_finding(place, one) for place, one in enumerate(ones)), key=_gravity)
    verdicts = {
        "authorised": 18_204,
        "presumed": 911,
        "unproven": 64,
        "unauthorised": 23,
        "disputed": 1,
        "refused": 207,
    }
    return {
        "title": "A day at the example",
        "generated_at": "2026-03-02T00:00:00Z",
        "case": "quo.case",
        "version": "0.1.0",
        "totals": {
            "actions": sum(verdicts.values()),
            "verdicts": verdicts,
            "linkage": {"proven": 18_430, "partial": 640, "inferred": 276, "missing": 64},
            "lines": 21_009,
            "records": 20_990,
            "skipped": 18,
            "quarantined": 1,
            "facts": 1_580,
        },
        "span": {"first": at("00:00:00"), "last": at("23:59:59")},
        "over_time": [_slot(hour) for hour in range(23)],
        "sources": [
            _source("vault-audit", "vault", {"proven": 9_000, "missing": 4}, "proven", "enable `log_raw` policies"),
            _source("prod cluster", "kubernetes", {"proven": 9_430, "partial": 640}, "proven", None),
            _source("billing", "native", {"inferred": 276, "missing": 60}, "attested", "log the token's accessor"),
        ],
        "findings": findings,
        "root_causes": {"stale-authority": 17, "detached-system": 911, "telemetry-gap": 60},
        "explained": {one["action"]["id"]: one for one in ones},
        "quarantine": [{"file": "audit.log", "line": 3, "offset": 90, "reason": "not JSON: it ends too early"}],
        "limits": ["A missing record is not proof of a missing control."],
    }


def _finding(place: int, one: Json) -> Json:
    found = one["verdict"]
    code = CODES[(found["codes"] or ["QW101"])[0]]
    first = one["chain"][0] if one["chain"] else None
    return {
        "code": code.code,
        "name": code.name,
        "severity": code.severity,
        "subject": {"key": first["key"], "kind": first["kind"]} if first else {"principal": found["principal"]},
        "count": place + 1,
        "first": found["time"],
        "last": found["time"],
        "sample": [one["action"]["id"], "an-action-that-is-not-explained"],
        "summary": found["because"],
        "controls": ["NIST SP 800-53: AC-3"],
    }


def _gravity(finding: Json) -> tuple[int, int]:
    return -SEVERITIES.index(finding["severity"]), -finding["count"]


def _slot(hour: int) -> Json:
    """An hour with more work in the middle of the day, and trouble at three times."""
    verdicts = {"authorised": 200 + 90 * min(hour, 23 - hour), "presumed": 40, "refused": 9}
    trouble = {9: {"unauthorised": 14}, 10: {"unauthorised": 9, "unproven": 64}, 14: {"disputed": 1}}
    more = trouble.get(hour, {})
    return {"start": at(f"{hour:02d}:00:00"), "end": at(f"{hour + 1:02d}:00:00"), "verdicts": {**verdicts, **more}}


def _source(name: str, kind: str, linkage: dict[str, int], ceiling: str, raise_it: str | None) -> Json:
    total = sum(linkage.values())
    linked: Json = {
        "source": name,
        "type": kind,
        "actions": total,
        "linkage": linkage,
        "verdicts": {"authorised": total},
    }
    gaps = [{"from": at("01:10:00"), "until": at("04:22:00"), "length": "3.2 h"}] if raise_it else []
    return {**linked, "ceiling": ceiling, "raise_it": raise_it, "gaps": gaps}
