"""Write docs/reference/cli from the commands themselves: `python -m tools.clidocs` (`--check` only compares).

What click knows (usage, options, defaults) comes from the command; what it cannot know (examples, what is printed)
stands below the line `<!-- by hand -->` of the page, which is kept.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import click

from quowarranto.cli import COMMANDS, command_of

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli"
BY_HAND = "<!-- by hand -->"


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that are not up to date."""
    pages = {FOLDER / f"{name}.md": page(name) for name in COMMANDS}
    pages[FOLDER / "README.md"] = index()
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"not up to date: {path.name} (run `python -m tools.clidocs`)")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
        print(f"written: {path.name}")
    return 0


def index() -> str:
    """The list of commands."""
    rows = "\n".join(f"| [`quo {name}`]({name}.md) | {what} |" for name, what in COMMANDS.items())
    return (
        "# Command line\n\n"
        "Every command has `--help`. A case is a folder: `quo.case` here, unless `--case` names another. "
        "How runs\nend: [exit codes](../exit-codes.md).\n\n"
        f"| command | does |\n|---|---|\n{rows}\n"
    )


def page(name: str) -> str:
    """The page of one command."""
    command = command_of(name)
    usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=name)))
    parts = [f"# quo {name}", f"```text\nquo {name} {usage}\n```", _described(command)]
    options = [row for parameter in command.params if (row := _option(parameter))]
    parts.append("\n".join(["| option | meaning | default |", "|---|---|---|", *options]))
    parts.append(f"{BY_HAND}\n\n{_kept(name)}".rstrip())
    return "\n\n".join(parts) + "\n"


def _described(command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "")
    return re.sub(r"[ \t]+\n", "\n", text)


def _option(parameter: click.Parameter) -> str | None:
    if not isinstance(parameter, click.Option):
        return None
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    if isinstance(parameter.type, click.Choice):
        names += " " + " \\| ".join(str(choice) for choice in parameter.type.choices)
    elif not parameter.is_flag:
        names += f" {parameter.metavar or 'VALUE'}"
    meaning = re.sub(r"\s*\[default: [^\]]*\]", "", parameter.help or "").replace("|", "\\|")
    return f"| {names} | {meaning} | {_default(parameter)} |"


def _default(parameter: click.Option) -> str:
    said = re.search(r"\[default: ([^\]]*)\]", parameter.help or "")
    if said:
        return said[1]
    value = parameter.default
    shown = isinstance(value, (str, int, Path)) and not isinstance(value, bool)
    return f"`{value}`" if shown else ""


def _kept(name: str) -> str:
    path = FOLDER / f"{name}.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text.partition(BY_HAND)[2].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
