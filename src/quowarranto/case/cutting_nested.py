"""Lists of entries that lie deeper than at the top: answers of Elasticsearch and Loki, batches of CloudWatch.

A path says how the list is reached: names of fields, and `*` for each element of a list. Entries keep their place: the
offset and line of an element are where it stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from quowarranto.case.cutting import NO_ENTRY, Piece, elements, members

SHIPPED = {
    "logEvents": "logEvents.*",  # CloudWatch Logs, subscriptions and exports
    "events": "events.*",  # `aws logs filter-log-events`
    "hits": "hits.hits.*",  # answers of Elasticsearch and OpenSearch
    "result": "data.result.*.values.*",  # answers of Loki
    "streams": "streams.*.values.*",  # what is pushed to Loki
    "receivedMessages": "receivedMessages.*",  # answers of Pub/Sub
    "records": "records.*",  # Event Hub, Firehose
    "Records": "Records.*",  # Kinesis, as functions get it
}
"""Lists of any shipper, by a name that stands in every object that holds one."""
_FAILS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def may_be(data: bytes, name: str) -> bool:
    """Whether such a list might be in it; cheap."""
    return data.find(f'"{name}"'.encode(), 0, 4096) >= 0


def nested(piece: Piece, path: str) -> Iterator[Piece]:
    """The entries that the path leads to, or the piece itself where it leads to none."""
    if piece.broken is not None or piece.nothing is not None:
        yield piece
        return
    try:
        found = list(_into(piece, path.split(".")))
    except _Astray:
        yield piece
        return
    if found:
        yield from found
    else:
        yield msgspec.structs.replace(piece, nothing=NO_ENTRY)


class _Astray(Exception):
    """The path leads nowhere; caught above."""


def _into(piece: Piece, path: Sequence[str]) -> Iterator[Piece]:
    if not path:
        yield piece
        return
    try:
        if path[0] != "*":
            found = [part for name, part in members(piece) if name == path[0]]
            if len(found) != 1:  # none, or a key that stands twice
                raise _Astray
            yield from _into(found[0], path[1:])
            return
        items = list(elements(piece))
    except _FAILS:
        raise _Astray from None
    for item in items:
        yield from _into(item, path[1:])
