"""Write docs/reference/corpus.md: what becomes of recorded and hand-made logs, set by set.

python -m tools.corpus FOLDER [--check]

FOLDER holds the sets, one folder each; they are not part of the project (licences differ, and they are large). The page
says what they are, so that anybody can collect them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from quowarranto.case.query import connect, rows
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "corpus.md"
SETS = {
    "aws_cloudtrail/invictus-ir": "invictus-ir/aws_dataset",
    "aws_cloudtrail/OTRF": "OTRF/Security-Datasets, datasets/atomic/aws",
    "kubernetes_audit/falco": "falcosecurity/falco, test/trace_files/k8s_audit",
    "kubernetes_audit/audit2rbac": "liggitt/audit2rbac, testdata",
    "vault": "hashicorp-education/learn-vault-monitoring",
    "teleport": "gravitational/webapps, Audit fixtures",
    "panther": "panther-labs/panther-analysis, the logs in the tests of rules",
    "cedar": "cedar-policy/cedar-integration-tests",
}
"""Folder of each set, and the public repository that it comes from."""
HEAD = """\
# Logs that this was tried on

What becomes of public sets of logs when they are linked without a word about their type. Every entry becomes records,
is skipped with a reason, or is quarantined: nothing is lost. `python -m tools.corpus FOLDER` writes this page anew; the
sets themselves are not part of the project.

| set | files | recognised as | entries | became records | skipped | quarantined | actions |
|---|---|---|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date."""
    corpus = Path(arguments[0])
    text = HEAD + "".join(f"| {line} |\n" for name in SETS for line in lines(corpus, name)) + tail(corpus)
    if "--check" in arguments:
        return 0 if PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


def lines(corpus: Path, name: str) -> list[str]:
    """One line per type that files of the set were recognised as."""
    return [
        f"{SETS[name]} | {row['files']} | {row['type'] or ('no log' if row['no_log'] else 'nothing')} | "
        f"{row['entries']:,} | {row['recorded']:,} | {row['skipped']:,} | {row['quarantined']:,} | {row['actions']:,}"
        for row in counted(corpus / name)
    ]


def counted(folder: Path) -> list[dict[str, Any]]:
    """By type, what became of the files below a folder."""
    with tempfile.TemporaryDirectory() as made:
        case = Case(Path(made) / "quo.case")
        link_paths(case, [str(folder)], judge=False)
        connection = connect(case.snapshot(), "inputs", "actions")
        return rows(
            connection,
            """
            SELECT i.type, i.type IS NULL AND i.reasons <> '{}' AS no_log,
                   count(DISTINCT i.file) AS files, CAST(sum(entries) AS BIGINT) AS entries,
                   CAST(sum(recorded) AS BIGINT) AS recorded, CAST(sum(skipped) AS BIGINT) AS skipped,
                   CAST(sum(quarantined) AS BIGINT) AS quarantined, CAST(sum(coalesce(a.n, 0)) AS BIGINT) AS actions
            FROM inputs i
            LEFT JOIN (SELECT file, count(DISTINCT id) AS n FROM actions GROUP BY file) a ON a.file = i.file
            GROUP BY i.type, no_log ORDER BY files DESC, i.type, no_log""",
        )


def tail(corpus: Path) -> str:
    """How many files were recognised: of all, and of those that are not known for something else than a log."""
    found = [row for name in SETS for row in counted(corpus / name)]
    files = sum(row["files"] for row in found)
    known = sum(row["files"] for row in found if row["type"])
    logs = files - sum(row["files"] for row in found if row["no_log"])
    return (
        f"\n{known} of {files} files ({known / files:.1%}) were recognised by their content as something to read. "
        f"{files - logs} are licences,\ntexts for readers or descriptions, and are left out as such: "
        f"of the {logs} others it is {known / logs:.1%}. "
        f"What nothing is\nrecognised in is told of, file by file, by `quo quarantine`.\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
