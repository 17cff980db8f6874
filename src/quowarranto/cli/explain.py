"""`quo explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, console, known_at_option, printable, show_json, snapshot_of, who


@click.command("explain")
@click.argument("action")
@case_option
@known_at_option
@click.option("--format", "form", type=click.Choice(["tree", "json"]), default="tree", help="How to print.")
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Also draw the authority timeline to a file."
)
def command(action: str, case_folder: Path, known_at: str | None, form: str, svg: Path | None) -> None:
    """The chain of one ACTION: every authority, its term, the instant tested, what held, and the raw line behind it."""
    from quowarranto.findings.explain import Explainer

    explained = Explainer(snapshot_of(case_folder, known_at), [action]).explain(action)
    if svg is not None:
        from quowarranto.export.files import write_whole
        from quowarranto.export.timeline import timeline_svg

        write_whole(svg, timeline_svg(explained[0]))
        click.echo(f"drawn: {svg}", err=True)
    if form == "json":
        show_json(explained[0] if len(explained) == 1 else explained)
        return
    if len(explained) > 1:
        click.echo(f"{len(explained):,} records bear this id (QW606); each is judged by itself")
    for one in explained:
        _tree(one)


def _tree(one: dict[str, Any]) -> None:
    from rich.tree import Tree

    verdict = one["verdict"]
    action = one["action"]
    top = Tree(_text(f"{verdict['verdict']}", f"  {action['id']}", style=_style(verdict["verdict"])))
    top.add(
        _text(
            "what      ",
            f"{who(action['principal'])} {action['action']} {who(action['resource'])} → {action['outcome']}",
        )
    )
    for principal in action.get("on_behalf_of", ()):
        top.add(_text("for       ", who(principal)))
    top.add(_text("when      ", action["time"] + (f"   from {action['origin']}" if action.get("origin") else "")))
    top.add(_text("why       ", verdict["because"]))
    top.add(_text("linkage   ", f"{verdict['linkage']} ({verdict['method']}), basis {verdict['basis']}"))
    if verdict["codes"]:
        from quowarranto.records.codes import CODES

        codes = ", ".join(f"{code} {CODES[code].name}" for code in verdict["codes"])
        top.add(
            _text("codes     ", codes + (f"   root cause: {verdict['root_cause']}" if verdict["root_cause"] else ""))
        )
    _raw(top, one["origin"], one["raw"])
    _branch(top, one["chain"], "action", set())
    for key in one["dangling"]:
        top.add(_text("dangling  ", f"{key}: no record of it", style="yellow"))
    console().print(top)


def _replay(node: Any, replay: dict[str, Any]) -> None:
    why = [*replay["determining"], *replay["missing"], *replay["errors"]]
    said = f"{replay['replayed']}, recorded was {replay['recorded']}" + (f" ({', '.join(why)})" if why else "")
    node.add(_text("asked again   ", said, style="bold red" if replay["code"] == "QW601" else ""))


def _branch(parent: Any, chain: list[dict[str, Any]], cited_by: str, above: set[str]) -> None:
    for link in chain:
        if cited_by not in link["cited_by"] or link["key"] in above:
            continue
        held = all(test["held"] for test in link["tests"])
        mark = "✓" if held else "✗"
        how = " (found by entitlement, not cited)" if link["joined"] else ""
        node = parent.add(
            _text(f"{mark} {link['kind']}", f"  {link['key']}{how}", style="green" if held else "bold red")
        )
        for test in link["tests"]:
            node.add(_text("term          ", _term(test["term"])))
            node.add(
                _text(
                    "tested at     ",
                    f"{test['at']}: {test['note']}" + (f" ({' '.join(test['codes'])})" if test["codes"] else ""),
                )
            )
        for name, value in link["says"].items():
            node.add(_text(f"{name:<13} ", _said(value)))
        if "replay" in link:
            _replay(node, link["replay"])
        for fact in link["facts"][:4]:
            _raw(
                node.add(_text(f"{fact['fact']:<13} ", f"{fact['time']}" + (f" {fact['end']}" if fact["end"] else ""))),
                fact["origin"],
                fact["raw"],
            )
        if len(link["facts"]) > 4:
            node.add(_text("…             ", f"{len(link['facts']) - 4} more facts (--format json shows them)"))
        _branch(node, chain, link["key"], above | {link["key"]})


def _said(value: Any) -> str:
    import msgspec

    if isinstance(value, dict) and set(value) == {"type", "id"}:
        return who(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _term(term: dict[str, Any]) -> str:
    if term.get("point"):
        return f"decided {term['start']}" + (f", valid until {term['end']}" if term["end"] else "")
    text = f"{term['start'] or 'unknown start'} … {term['end'] or 'open'}"
    if term["ended_by"]:
        text += f" ({term['ended_by']})"
    return text + (f", grace until {term['grace_until']}" if term["grace_until"] else "")


def _raw(node: Any, origin: dict[str, Any], raw: str | None) -> None:
    place = f"{origin['file']}:{origin['line']}"
    if raw is None:
        node.add(
            _text(
                "raw       ",
                f"{place}  [the file is not there; work in the folder where `quo link` was run]",
                style="dim",
            )
        )
        return
    shown = raw if len(raw) <= 400 else raw[:399] + "…"
    node.add(_text("raw       ", f"{place}  {shown}", style="dim"))


def _text(label: str, value: str, style: str = "") -> Any:
    from rich.text import Text

    text = Text()
    text.append(printable(label), style=style or "bold")
    text.append(printable(value), style="dim" if style == "dim" else "")
    return text


def _style(verdict: str) -> str:
    from quowarranto.cli.tables import STYLES

    return STYLES.get(verdict, "bold")
