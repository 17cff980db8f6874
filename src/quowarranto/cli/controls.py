"""`quo controls`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quowarranto.cli.common import case_option, instant, known, known_at_option, show, show_json, snapshot_of
from quowarranto.records import like_of

if TYPE_CHECKING:
    from quowarranto.case.query import Filters

_FORMATS = ("table", "json", "csv")


@click.command("controls")
@case_option
@known_at_option
@click.option("--framework", multiple=True, help="Only this framework; repeatable.")
@click.option("--since", metavar="TIME", help="Not before this RFC 3339 time.")
@click.option("--until", metavar="TIME", help="Before this RFC 3339 time.")
@click.option("--source", multiple=True, help="Only actions of this source; repeatable.")
@click.option("--principal", metavar="PATTERN", help="Only principals that match, as `id` or `type:id`.")
@click.option("--resource", metavar="PATTERN", help="Only resources that match, as `id` or `type:id`.")
@click.option(
    "--samples", type=click.IntRange(min=0), default=5, show_default=True, help="Actions shown of each population."
)
@click.option("--seed", default="quo", show_default=True, help="What samples are drawn by; an auditor names their own.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True, help="How to print.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file instead.")
@click.option("--title", default="Controls", show_default=True, help="The heading of the page.")
def command(
    case_folder: Path,
    known_at: str | None,
    framework: tuple[str, ...],
    samples: int,
    seed: str,
    form: str,
    html: Path | None,
    title: str,
    **values: Any,
) -> None:
    """By control: population, what was examined, what not and why, exceptions, and samples of both.

    Frameworks: nist-800-53, nist-csf, nist-800-207, owasp-nhi, owasp-agentic, iso-27001, soc-2, pci-dss, nis2, dora.
    It provides evidence relevant to them; whether a control is met is for an assessor.
    """
    from quowarranto.findings.by_control import by_control
    from quowarranto.findings.controls import FRAMEWORKS
    from quowarranto.findings.examined import Sampling

    known("--framework", framework, tuple(FRAMEWORKS))
    filters = _filters(values)
    snapshot = snapshot_of(case_folder, known_at)
    found = by_control(snapshot, framework, filters, Sampling(seed, samples))
    if html is not None:
        _page(found, html, title, case_folder)
    elif form == "json":
        show_json(found)
    else:
        _rows(found, form)


def _filters(values: dict[str, Any]) -> Filters:
    from quowarranto.case.query import Filters

    return Filters(
        source=values["source"],
        principal_like=None if values["principal"] is None else like_of(values["principal"]),
        resource_like=None if values["resource"] is None else like_of(values["resource"]),
        since=instant("--since", values["since"]),
        until=instant("--until", values["until"]),
    )


def _page(found: dict[str, Any], html: Path, title: str, case_folder: Path) -> None:
    from quowarranto.export.controls import controls_html
    from quowarranto.export.files import write_whole

    write_whole(html, controls_html(found, title, str(case_folder)))
    click.echo(f"written: {html}")


def _rows(found: dict[str, Any], form: str) -> None:
    show(
        _flat(found),
        form,
        (
            ("CONTROL", lambda row: row["name"]),
            ("POPULATION", lambda row: f"{row['population']:,}"),
            ("EXCLUDED", lambda row: f"{row['excluded_denied'] + row['excluded_no_authority_on_record']:,}"),
            ("EXAMINED", lambda row: f"{row['examined']:,}"),
            ("EXCEPTIONS", lambda row: f"{row['exceptions']:,}"),
            ("OF WHICH", lambda row: " ".join(row["by_code"])),
            ("AUTHORITIES", lambda row: " ".join(row["authorities"])),
        ),
        empty="no control",
    )
    if form == "table":
        unread = found["entries"]["quarantined"]
        click.echo(f"\n{found['sampling']['rule']} `--format json` or `--html FILE` show them.")
        click.echo(f"{unread} log entries could not be read and are in no population (`quo quarantine`).")


def _flat(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a control, for tables and CSV."""
    for one in found["controls"]:
        yield {
            **{name: one[name] for name in ("framework", "control", "name")},
            "first": found["period"]["first"],
            "last": found["period"]["last"],
            **{name: one[name] for name in ("not_applicable", "population")},
            **{f"excluded_{name.replace(' ', '_')}": count for name, count in one["excluded"].items()},
            **{name: one[name] for name in ("examined", "exceptions", "without_exception")},
            "by_code": [f"{row['code']}:{row['actions']}" for row in one["by_code"]],
            "authorities": [f"{row['code']}:{row['exceptions']}/{row['on_record']}" for row in one["authorities"]],
            "not_looked_for": sorted(one["not_looked_for"]),
            "sample_exceptions": [action["action"] for action in one["samples"]["exceptions"]],
            "sample_without_exception": [action["action"] for action in one["samples"]["without_exception"]],
        }
