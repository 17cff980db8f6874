"""`quo demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click


@click.command("demo")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("quo-demo"))
@click.option("--actions", type=click.IntRange(min=160), default=200, show_default=True, help="How many actions.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of the simulation; one seed, one world.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Only this fault; repeatable.  [default: all]")
@click.option("--list-faults", is_flag=True, help="What can go wrong in the organisation.")
@click.option("--only-simulate", is_flag=True, help="Write the logs and stop.")
@click.option("--no-open", is_flag=True, help="Do not open the report in the browser.")
def command(
    folder: Path,
    actions: int,
    seed: int,
    faults: tuple[str, ...],
    list_faults: bool,
    only_simulate: bool,
    no_open: bool,
) -> int:
    """Simulate a small organisation into FOLDER, judge its logs and write a report to look at.

    The logs are what Kubernetes, Vault, CloudTrail, GitHub, PostgreSQL, an MCP gateway and home-made systems would have
    written; what really happened is beside them in `truth.jsonl`.
    """
    from quowarranto.simulator import FAULTS, simulate

    if list_faults:
        for name, sentence in FAULTS.items():
            click.echo(f"{name:<24} {sentence}")
        return 0
    for name in faults:
        if name not in FAULTS:
            raise click.BadParameter(f"`{name}` is not a fault; see --list-faults", param_hint="--fault")
    _make_room(folder)
    simulate(folder, actions=actions, seed=seed, faults=faults or None)
    click.echo(f"simulated: {folder / 'logs'}   (what really happened: {folder / 'truth.jsonl'})")
    if only_simulate:
        return 0
    return _judge(folder, no_open)


def _make_room(folder: Path) -> None:
    """Take away what an earlier demo left, and nothing else."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / "truth.jsonl").exists():
        raise click.UsageError(f"`{folder}` holds something that is not a demo; name another folder")
    for name in ("logs", "quo.case"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _judge(folder: Path, no_open: bool) -> int:
    from quowarranto.case.store import Case
    from quowarranto.cli.link import report_run
    from quowarranto.cli.progress import Bars
    from quowarranto.cli.report import write_report
    from quowarranto.pipeline import link_paths

    case = Case(folder / "quo.case")
    case.folder.mkdir(exist_ok=True)
    shutil.copy(folder / "quo.toml", case.folder)
    with Bars() as bars:
        outcome = link_paths(case, [str(folder / "logs")], progress=bars)
    code = report_run(case, outcome, None, "table")
    page = folder / "report.html"
    write_report(case.folder, page, "Quo Warranto: a small imaginary organisation")
    click.echo(f"report: {page.resolve()}")
    if not no_open:
        click.launch(page.resolve().as_uri())
    return code
