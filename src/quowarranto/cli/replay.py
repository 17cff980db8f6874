"""`quo replay`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quowarranto.cli.common import case_option, format_option, instant, known, printable, show, snapshot_of
from quowarranto.export.words import plural
from quowarranto.records.codes import SEVERITIES

if TYPE_CHECKING:
    from quowarranto.replay.compare import Comparison, Tally
    from quowarranto.replay.language import Policy
    from quowarranto.replay.languages import Language

_SAMPLES = 10
_MOST_REASONS = 1_000
_ONLY = ("agree", "disagree", "indeterminate")


@click.command("replay")
@case_option
@click.option(
    "--policies",
    "texts",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Texts of policies: by name, by SHA-256, or as NAME@TIME (docs/howto/replay.md).",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Forwards: what would this file or folder have said? Nothing is kept in the case.",
)
@click.option("--language", metavar="NAME", help="The policies' language.  [default: told by source, record or file]")
@click.option("--since", metavar="TIME", help="Decisions not before this RFC 3339 time.")
@click.option("--until", metavar="TIME", help="Decisions before this RFC 3339 time.")
@click.option("--only", type=click.Choice(_ONLY), multiple=True, help="Print only these answers; repeatable.")
@click.option("--workers", type=click.IntRange(1, 512), help="Evaluating processes.  [default: one per core]")
@click.option(
    "--fail-on", type=click.Choice(list(SEVERITIES)), help="Exit with 10 if a finding this grave comes of it."
)
@format_option()
def command(
    case_folder: Path,
    texts: Path | None,
    policy: Path | None,
    language: str | None,
    since: str | None,
    until: str | None,
    only: tuple[str, ...],
    workers: int | None,
    fail_on: str | None,
    form: str,
) -> int:
    """Decide recorded decisions again: by the policies then in force, or by one that you would like to try.

    Backwards, each decision that says what was asked is put to the policy versions that it names. Where the answer
    differs, QW601 stands: every action that rests on the decision is disputed. Where an input is lacking, QW605 names
    it. The answers are kept in the case, and `quo findings`, `quo verdicts` and `quo explain` show them.

    Forwards, with --policy: what would have been permitted and denied in the month before the last decision (or between
    --since and --until), and what would change.
    """
    from quowarranto.case.store import Case
    from quowarranto.replay.compare import Tally
    from quowarranto.replay.run import Asked, forecast, replay_case

    asked = Asked(
        texts=texts,
        language=_language(language),
        since=instant("--since", since),
        until=instant("--until", until),
        workers=workers,
    )
    if policy is not None:
        if fail_on is not None or texts is not None:
            raise click.UsageError("`--policy` looks forwards: it neither needs `--policies` nor makes findings")
        tally, candidate = Tally(), _candidate(policy)
        return _forwards(forecast(snapshot_of(case_folder), asked, candidate, tally), tally, form, only)
    snapshot_of(case_folder)  # says so where there is no case, before one is made
    tally = Tally()
    return _backwards(replay_case(Case(case_folder), asked, tally), tally, form, only, fail_on)


def _language(name: str | None) -> Language | None:
    from quowarranto.replay.languages import LANGUAGES

    if name is None:
        return None
    known("--language", [name], tuple(LANGUAGES))
    return LANGUAGES[name]


def _candidate(path: Path) -> tuple[Policy, ...]:
    from quowarranto.replay.language import Policy
    from quowarranto.replay.texts import Texts, belongs

    if path.is_dir():
        found = tuple(one for one in Texts(path).everything() if belongs(one.name, None))
    else:
        try:
            found = (Policy(path.name, path.read_text(encoding="utf-8")),)
        except (OSError, UnicodeDecodeError):
            found = ()
    if not found:
        raise click.BadParameter(
            f"no policy can be read from `{path}`: it needs a file or folder of policies, as in docs/howto/replay.md",
            param_hint="--policy",
        )
    return found


# ---- backwards -------------------------------------------------------------------------------------------------------


def _backwards(
    comparisons: Iterable[Comparison], tally: Tally, form: str, only: tuple[str, ...], fail_on: str | None
) -> int:
    if form == "table":
        reasons: Counter[str] = Counter()
        worst = _first(_explained(comparisons, reasons), only or ("disagree",))
        _summary(tally)
        _why(reasons)
        if worst or only:
            _rows(worst, form)
    else:
        _rows((_row(one) for one in comparisons if not only or _answer(one) in only), form)
    return _passed(tally, fail_on)


def _passed(tally: Tally, fail_on: str | None) -> int:
    if fail_on is None:
        return 0
    counts = {"critical": tally.disagree, "info": tally.lacking}
    grave = sum(count for level, count in counts.items() if SEVERITIES.index(level) >= SEVERITIES.index(fail_on))
    if grave:
        click.echo(f"fail: {plural(grave, 'decision')} with findings at or above `{fail_on}`", err=True)
        return 10
    return 0


def _summary(tally: Tally) -> None:
    asked = tally.decisions - tally.without_question
    click.echo(
        f"{plural(tally.decisions, 'decision')}, {tally.without_question:,} of them without a question on record; "
        f"{asked:,} asked again ({plural(tally.evaluations, 'different evaluation')})"
    )
    click.echo(
        f"{tally.agree:,} agree, {tally.disagree:,} disagree (QW601), {tally.lacking:,} could not be decided (QW605)"
    )


def _explained(comparisons: Iterable[Comparison], reasons: Counter[str]) -> Iterator[Comparison]:
    """The same, and in passing why some could not be decided; of very many different reasons the first."""
    for one in comparisons:
        if _answer(one) == "indeterminate":
            reason = next(iter((*one.missing, *one.errors)), "no reason given")
            if reason in reasons or len(reasons) < _MOST_REASONS:
                reasons[reason] += 1
        yield one


def _why(reasons: Counter[str]) -> None:
    if not reasons:
        return
    click.echo("\nNot decided for want of, or because:")
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:_SAMPLES]:
        click.echo(f"  {plural(count, 'decision')}: {printable(reason)}")
    if len(reasons) > _SAMPLES:
        click.echo("  … and others (`--only indeterminate --format jsonl` shows all)")


def _answer(one: Comparison) -> str:
    return {None: "agree", "QW601": "disagree"}.get(one.code, "indeterminate")


def _first(comparisons: Iterable[Comparison], only: tuple[str, ...]) -> list[dict[str, Any]]:
    """Take all of them, and keep the first few."""
    kept: list[dict[str, Any]] = []
    for one in comparisons:
        if len(kept) < 200 and _answer(one) in only:
            kept.append(_row(one))
    return kept


def _row(one: Comparison) -> dict[str, Any]:
    from quowarranto.records import format_instant

    return {
        "decision": one.decision,
        "time": format_instant(one.time),
        "source": one.source,
        "language": one.language,
        "question": one.question,
        "recorded": one.recorded,
        "replayed": one.replayed,
        "code": one.code,
        "policy": one.policy,
        "policies": [{"name": name, "sha256": digest} for name, digest in one.policies],
        "determining": list(one.determining),
        "missing": list(one.missing),
        "errors": list(one.errors),
    }


def _rows(rows: Iterable[dict[str, Any]], form: str) -> None:
    show(
        rows,
        form,
        (
            ("TIME", lambda row: row["time"]),
            ("DECISION", lambda row: row["decision"]),
            ("RECORDED", lambda row: row["recorded"]),
            ("REPLAYED", lambda row: row["replayed"]),
            ("QUESTION", lambda row: row["question"]),
            ("BECAUSE OF", lambda row: ", ".join([*row["determining"], *row["missing"], *row["errors"]])),
        ),
        empty="none to show",
    )


# ---- forwards --------------------------------------------------------------------------------------------------------


def _forwards(comparisons: Iterable[Comparison], tally: Tally, form: str, only: tuple[str, ...]) -> int:
    if form != "table":
        _rows((_row(one) for one in comparisons if not only or _answer(one) in only), form)
        return 0
    counts = {"permit": 0, "deny": 0, "indeterminate": 0}
    changed: dict[str, list[Comparison]] = {"newly denied": [], "newly permitted": []}
    totals = dict.fromkeys(changed, 0)
    reasons: Counter[str] = Counter()
    for one in _explained(comparisons, reasons):
        counts[one.replayed] += 1
        if one.code == "QW601":
            which = "newly denied" if one.replayed == "deny" else "newly permitted"
            totals[which] += 1
            if len(changed[which]) < _SAMPLES:
                changed[which].append(one)
    _forecast(tally, counts, totals)
    _why(reasons)
    for which, samples in changed.items():
        if samples:
            click.echo(f"\n{which}: {totals[which]:,}, the first {len(samples)}")
            _rows(_shown(samples), form)
    return 0


def _forecast(tally: Tally, counts: dict[str, int], totals: dict[str, int]) -> None:
    asked = tally.decisions - tally.without_question
    click.echo(
        f"{plural(asked, 'decision')} asked ({plural(tally.evaluations, 'different evaluation')}); "
        f"{tally.without_question:,} without a question on record"
    )
    click.echo(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    click.echo(", ".join(f"{count:,} {name}" for name, count in totals.items()))


def _shown(samples: list[Comparison]) -> Iterator[dict[str, Any]]:
    return (_row(one) for one in samples)
