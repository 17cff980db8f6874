"""OpenSSH server: who logged in with which certificate or key, as which account, and what sessions came of it.

Reads     lines of `sshd` in syslog form (an ISO 8601 stamp, RFC 5424, or the traditional stamp), journald's JSON.
Yields    an Action per log-in, per refused attempt and per session opened in a connection; the connection as a session.
Time      the stamp of the line. The traditional one has neither year nor zone: it is read only where the setting `zone`
          says one, in the latest year that does not lie after the file's own time (or that `year` says).
Not seen  a certificate's bounds and principals, commands typed in a shell, which line of which file let a key in.
Source    OpenSSH auth.c (auth_log), auth2-pubkey.c, session.c, packet.c; RFC 5424; systemd.journal-fields(7).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Record, Resource
from quowarranto.sources import keys
from quowarranto.sources.entry import Entry, Observation, Sample, Skipped, Source
from quowarranto.sources.entry import Outcome as Found
from quowarranto.sources.losses import lost, tells_of_loss
from quowarranto.sources.strict import strict_json
from quowarranto.sources.times import instant

_OURS = r"sshd(?:-session|-auth)?"
_SIGNED = r" (?P<host>\S+) (?P<program>[^\s\[:]+)(?:\[\d+\])?: ?(?P<text>.*)"
_SYSLOG = re.compile(r"(?:<\d{1,3}>)?(?P<time>\d{4}-\d\d-\d\dT\S+)" + _SIGNED)
_RFC5424 = re.compile(
    r"<\d{1,3}>1 (?P<time>\S+) (?P<host>\S+) (?P<program>\S+) \S+ \S+ (?:-|\[.*?\]) (?:\ufeff)?(?P<text>.*)"
)
_TRADITIONAL = re.compile(r"(?:<\d{1,3}>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)" + _SIGNED)
_LINE = re.compile(
    r"^(?:<\d{1,3}>(?:1 )?)?(?:\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ "
    rf"{_OURS}(?:\[\d+\]:| \S+ \S+ )",
    re.MULTILINE,
)
_WRITERS = re.compile(r"systemd-journald?|journal|rsyslogd(?:-\d+)?")
"""Programs that write the log, by the names that they give themselves in it."""
_DROPPED = re.compile(
    r"^Suppressed (?P<count>\d{1,9}) messages from \S*\bsshd?\b"
    r"|^im\w+(?:\[[^\]]*?(?:name: (?P<of>[^\]]*))?\])?(?: from <[^>]*>)?: "
    r"(?P<lines>\d{1,9}) messages lost due to rate-limiting"
)
"""Source: systemd src/journal/journald-server.c (SD_MESSAGE_JOURNAL_DROPPED); rsyslog runtime/ratelimit.c."""
_REPEATED = re.compile(r"message repeated (?P<times>\d{1,9}) times: \[ ?(?P<text>.*)\]")

_FROM = r" from (?P<address>[0-9A-Za-z:.%_-]{1,100}) port (?P<port>\d{1,5})"
_ATTEMPT = re.compile(
    r"(?P<what>Accepted|Failed) (?P<method>\S+) for (?:(?P<user>\S+)|invalid user (?P<invalid>.*))"
    rf"{_FROM} ssh2(?:: (?P<with>.*))?"
)
_CERTIFICATE = re.compile(
    r"\S+-CERT (?:SHA256:\S+ )?ID (?P<id>.*) \(serial (?P<serial>\d{1,20})\) CA \S+ (?P<ca>SHA256:\S+)", re.DOTALL
)
_KEY = re.compile(r"\S+ (?P<key>SHA256:\S+)")
_STARTED = re.compile(
    r"Starting session: (?P<kind>command|shell|forced-command|subsystem)(?P<detail>.*) for (?P<user>\S+)"
    rf"{_FROM} id (?P<id>\d+)"
)
_SUBSYSTEM = re.compile(r" '(?P<name>[A-Za-z0-9_-]{1,40})'")
_ENDED = re.compile(
    r"(?:Disconnected from|Connection (?:closed|reset) by|Timeout, client not responding from)(?: user (?P<user>\S+))? "
    r"(?P<address>[0-9A-Za-z:.%_-]{1,100}) port (?P<port>\d{1,5})"
)
_RANK = {"Accepted": 0, "started": 1, "ended": 2}


class _Stamped(msgspec.Struct, frozen=True):
    """A line taken apart: when, where, by which program, and what it says."""

    at: Instant
    host: str
    program: str
    text: str


class _Settings(msgspec.Struct, frozen=True):
    """Where in time a stamp without year and zone lies."""

    zone: ZoneInfo | None = None
    year: int | None = None


def read(entry: Entry, settings: _Settings | None = None) -> Found:
    """The observation of one line.

    Raises:
        RejectedEntry: it is no such line, or its stamp cannot be placed in time.
    """
    line = _journal(entry) if entry.data[:1] == b"{" else _syslog(entry, settings or _Settings())
    if line is not None and _WRITERS.fullmatch(line.program):
        return _dropped(line) or Skipped("a line of another program")
    if line is None or not re.fullmatch(_OURS, line.program):
        return Skipped("a line of another program")
    text, times = line.text, 1
    if (repeated := _REPEATED.fullmatch(text)) is not None:
        text, times = repeated["text"], int(repeated["times"])
    said = _attempted(text) or _started(text) or _ended(text)
    if said is None:
        return Skipped("neither a log-in, a session nor the end of a connection")
    said |= {"host": line.host, "times": times}
    return (Observation(f"{line.host}/{said['peer']}", line.at, said),)


def _dropped(line: _Stamped) -> list[Observation]:
    """What whoever writes the log says to have dropped of the server's lines, or of any program's."""
    found = _DROPPED.search(line.text)
    if found is None or not re.fullmatch(rf"(?:.*/)?{_OURS}", found["of"] or "sshd"):
        return []
    return [lost(line.host, line.at, int(found["count"] or found["lines"]))]


# ---- stamps ----------------------------------------------------------------------------------------------------------


def _syslog(entry: Entry, settings: _Settings) -> _Stamped:
    try:
        text = entry.data.decode()
    except UnicodeDecodeError:
        raise RejectedEntry("not UTF-8") from None
    if (found := _RFC5424.fullmatch(text) or _SYSLOG.fullmatch(text)) is not None:
        at = instant("time", found["time"])
    elif (found := _TRADITIONAL.fullmatch(text)) is not None:
        writer = _WRITERS.fullmatch(found["program"]) and settings.zone is not None
        if not re.fullmatch(_OURS, found["program"]) and not writer:
            return _Stamped(0, found["host"], found["program"], "")
        at = _without_year(found["time"], settings, entry.modified_at)
    else:
        raise RejectedEntry("not a line of syslog")
    return _Stamped(at, found["host"], found["program"], found["text"])


def _without_year(text: str, settings: _Settings, modified_at: Instant) -> Instant:
    """In the year that is set; else the latest in which the stamp is not after the file's time, a day allowed."""
    zone = settings.zone
    if zone is None:
        raise RejectedEntry("`time`: a stamp without year and zone; set `zone` under `[source.openssh]`")
    latest = datetime.fromtimestamp(modified_at / 1_000_000, zone) + timedelta(days=1)
    for year in [settings.year] if settings.year else range(latest.year, latest.year - 9, -1):
        try:
            moment = datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=zone)
        except ValueError:  # no such time, or none in that year: 29 February
            continue
        if settings.year or moment <= latest:
            return instant("time", moment.isoformat())
    raise RejectedEntry("`time`: not a time that exists")


def _journal(entry: Entry) -> _Stamped | None:
    value = strict_json(entry.data)
    time, program, text = (value.get(name) for name in ("__REALTIME_TIMESTAMP", "SYSLOG_IDENTIFIER", "MESSAGE"))
    if not isinstance(time, str) or not re.fullmatch(r"[0-9]{1,17}", time):
        raise RejectedEntry("`__REALTIME_TIMESTAMP` is not a number of microseconds")
    if not isinstance(program, str):
        return None
    if isinstance(text, list):  # how journald writes what is not plain text
        try:
            text = bytes(text).decode("utf-8", "replace")
        except (TypeError, ValueError):
            text = None
    if not isinstance(text, str):
        raise RejectedEntry("`MESSAGE` is not a text")
    host = value.get("_HOSTNAME")
    return _Stamped(int(time), host if isinstance(host, str) and host else "unknown", program, text)


# ---- what a line says ------------------------------------------------------------------------------------------------


def _attempted(text: str) -> dict[str, Any] | None:
    found = _ATTEMPT.fullmatch(text)
    if found is None or (found["invalid"] is not None and found["what"] == "Accepted"):
        return None
    out: dict[str, Any] = {
        "what": found["what"],
        "method": found["method"],
        "user": found["user"],  # what somebody typed as the name of no account may be a password: it is left out
        "peer": f"{found['address']}:{found['port']}",
        "trace": hashlib.sha256(text.encode()).hexdigest()[:8],
    }
    presented = found["with"] or ""
    if (certificate := _CERTIFICATE.fullmatch(presented)) is not None:
        ca = keys.maybe(keys.fingerprint, certificate["ca"])
        out |= {"identity": certificate["id"], "serial": certificate["serial"], "ca": ca}
    elif (key := _KEY.fullmatch(presented)) is not None:
        out["key"] = keys.maybe(keys.fingerprint, key["key"])
    return out


def _started(text: str) -> dict[str, Any] | None:
    found = _STARTED.fullmatch(text)
    if found is None:
        return None
    subsystem = _SUBSYSTEM.match(found["detail"]) if found["kind"] == "subsystem" else None
    return {
        "what": "started",
        "kind": found["kind"],
        "subsystem": subsystem["name"] if subsystem else None,
        "user": found["user"],
        "peer": f"{found['address']}:{found['port']}",
        "channel": found["id"],
    }


def _ended(text: str) -> dict[str, Any] | None:
    found = _ENDED.fullmatch(text)
    return {"what": "ended", "peer": f"{found['address']}:{found['port']}"} if found else None


# ---- records ---------------------------------------------------------------------------------------------------------


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """Per connection, which its address and port tell: processes change within one, and ports come again."""
    order = [item for item in observations if not tells_of_loss(item)]
    order.sort(key=lambda item: (item.name, item.at, _RANK.get(item.data["what"], 0), str(item.data)))
    for _, group in groupby(order, key=lambda item: item.name):
        opened: Observation | None = None
        for item, _same in groupby(group):
            what = item.data["what"]
            if what == "Failed":
                yield _attempt(item, "denied"), item
            elif what == "Accepted":
                yield _attempt(item, "success"), item
                yield _session(item), item
                opened = item
            elif what == "started":
                yield _opened_in(item, opened), item
            elif opened is not None:
                yield _closed(opened, item.at), item
                opened = None


def _attempt(item: Observation, outcome: Outcome) -> Action:
    said = item.data
    who, account = _identities(said)
    return Action(
        id=_attempt_id(item),
        time=item.at,
        principal=who,
        on_behalf_of=(account,) if account is not None and account != who else (),
        action="ssh:login",
        resource=Resource("host", said["host"]),
        outcome=outcome,
        origin=_address(item),
        cites=_presented(said),
        attributes=_attributes(said),
    )


def _identities(said: dict[str, Any]) -> tuple[Principal, Principal | None]:
    """Whom the authority of a certificate says it is, else the account; and the account."""
    account = Principal("unix_user", f"{said['user']}@{said['host']}") if said["user"] else None
    if said.get("identity"):
        return Principal("ssh_identity", said["identity"]), account
    return account or Principal("unix_user", f"(no such user)@{said['host']}"), account


def _presented(said: dict[str, Any]) -> tuple[str, ...]:
    """The certificate by its serial; one without a serial, and a plain key, by fingerprints."""
    if said.get("serial"):
        certificate = keys.ssh_certificate(said["serial"])
        if certificate is not None:
            return (certificate,)
    return (f"ssh/key/{said['key']}",) if said.get("key") else ()


def _session(item: Observation) -> AuthorityFact:
    """Begins just after the log-in, which must not rest on what it brought about itself.

    It says whose it is as an attribute only: whoever happens to be logged in as well allows nobody to log in.
    """
    return AuthorityFact(
        kind="session",
        id=_session_id(item),
        time=item.at + 1,
        cites=_presented(item.data),
        issued_by=_attempt_id(item),
        attributes=_attributes(item.data) | {"account": f"{item.data['user']}@{item.data['host']}"},
    )


def _closed(opened: Observation, at: Instant) -> AuthorityFact:
    time = max(at, opened.at + 1)
    return AuthorityFact(kind="session", id=_session_id(opened), time=time, fact="ended", end="closed")


def _opened_in(item: Observation, opened: Observation | None) -> Action:
    said = item.data
    who, account = _identities(said)
    if opened is not None and opened.data["user"] == said["user"]:
        who, account = _identities(opened.data)
    kind = said["kind"] if not said["subsystem"] else f"subsystem:{said['subsystem']}"
    return Action(
        id=f"openssh/{item.name}/{item.at}/channel/{said['channel']}",
        time=item.at,
        principal=who,
        on_behalf_of=(account,) if account is not None and account != who else (),
        action=f"ssh:{kind}",
        resource=Resource("host", said["host"]),
        origin=_address(item),
        cites=(_session_id(opened),) if opened is not None else (),
    )


def _attributes(said: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"method": said["method"]}
    if said.get("serial"):
        out |= {"serial": said["serial"], "ca_sha256": said["ca"]}
    if said.get("key"):
        out["key_sha256"] = said["key"]
    if said["times"] > 1:
        out["times"] = said["times"]
    return out


def _attempt_id(item: Observation) -> str:
    return f"openssh/{item.name}/{item.at}/{item.data['trace']}"


def _session_id(item: Observation) -> str:
    return f"openssh/session/{item.name}/{item.at}"


def _address(item: Observation) -> str:
    return str(item.data["peer"].rpartition(":")[0])


# ---- the source ------------------------------------------------------------------------------------------------------


def recognise(sample: Sample) -> int:
    """Lines that `sshd` signed, in one of their forms."""
    for document in sample.documents:
        if isinstance(document, dict) and "__REALTIME_TIMESTAMP" in document and "MESSAGE" in document:
            return 85 if re.fullmatch(_OURS, str(document.get("SYSLOG_IDENTIFIER"))) else 0
    return 80 if _LINE.search(sample.text) else 0


def _configured(settings: Mapping[str, Any]) -> Source:
    """`zone`: that of the traditional stamps, as the time zone database names it; `year`: the year of all of them."""
    unknown = [name for name in settings if name not in ("zone", "year")]
    if unknown:
        raise ConfigError(f"`{unknown[0]}` is not a setting of `openssh`", need="`zone` or `year`")
    name, year = settings.get("zone"), settings.get("year")
    try:
        zone = ZoneInfo(name) if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    if zone is None:
        raise ConfigError("`zone` is not a time zone", need="a name such as `Europe/Berlin`")
    if year is not None and (not isinstance(year, int) or isinstance(year, bool) or not 1970 <= year <= 9999):
        raise ConfigError("`year` is not a year", need="a number such as 2026")
    return msgspec.structs.replace(SOURCE, read=partial(read, settings=_Settings(zone, year)))


SOURCE = Source(
    name="openssh",
    title="OpenSSH server",
    reads=("syslog lines of `sshd`", "journald's JSON"),
    recognise=recognise,
    read=read,
    derive=derive,
    configure=_configured,
    ceiling="partial",
    raise_it=(
        "certificates with serials, and the log of who signed them (`vault` with `serial_number` in the clear); "
        "`LogLevel VERBOSE` for what is opened in a connection"
    ),
)
