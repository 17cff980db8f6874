"""`quo canary`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from quowarranto.canary.measure import Measured, Target


@click.command("canary")
@click.argument("target", type=click.Choice(["vault", "aws"]))
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Write native records here, for link.")
@click.option("--address", metavar="URL", envvar="VAULT_ADDR", help="The server.  [default: VAULT_ADDR; AWS's own]")
@click.option("--user", metavar="NAME", help="With `aws`: the IAM user who gets a key for the time of the measurement.")
@click.option(
    "--interval", type=click.FloatRange(0.01, 60), default=0.2, show_default=True, help="Seconds between uses."
)
@click.option("--timeout", type=click.FloatRange(1, 3600), default=300, show_default=True, help="Seconds to go on for.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def command(
    context: click.Context,
    target: str,
    record: Path | None,
    address: str | None,
    user: str | None,
    interval: float,
    timeout: float,
    form: str,
) -> None:
    """Measure how long a revoked credential is still accepted: issue, use, revoke, and go on using.

    Acts on the system that you name, with your own credentials: VAULT_TOKEN (and VAULT_NAMESPACE), or what the AWS
    tools use. The credential that it makes is revoked whatever happens, and is never printed or written.
    """
    from quowarranto.canary.measure import measure, records
    from quowarranto.records.native import to_native

    if record is not None and (record.exists() or not record.parent.is_dir()):
        raise click.BadParameter(f"`{record}` exists already, or its folder does not", param_hint="--record")
    given = address if context.get_parameter_source("address") is click.core.ParameterSource.COMMANDLINE else None
    measured = measure(
        _target(target, address if target == "vault" else given, user), interval_s=interval, timeout_s=timeout
    )
    if record is not None:
        with record.open("x", encoding="utf-8") as file:
            file.writelines(json.dumps(to_native(one)) + "\n" for one in records(measured))
    said = _said(measured)
    click.echo(json.dumps(said) if form == "json" else _plainly(said))


def _target(name: str, address: str | None, user: str | None) -> Target:
    import os

    if name == "vault":
        from quowarranto.canary.vault import Vault

        if not address or not (token := os.environ.get("VAULT_TOKEN")):
            raise click.UsageError("`vault` needs `--address` or VAULT_ADDR, and VAULT_TOKEN in the environment")
        return Vault(address, token, namespace=os.environ.get("VAULT_NAMESPACE", ""))
    from quowarranto.canary.aws import Aws

    if not user:
        raise click.UsageError("`aws` needs `--user`: an IAM user made for this, without permissions")
    return Aws(user, address=address)


def _said(measured: Measured) -> dict[str, Any]:
    from quowarranto.records import format_instant

    answers = [use.answer for use in measured.uses]
    return {
        "credential": measured.key,
        "usable_after_s": measured.usable_after_us / 1e6,
        "revoked_at": format_instant(measured.revoked_at),
        "accepted_after_revocation": answers.count("accepted"),
        "last_accepted_after_s": measured.last_accepted_us / 1e6,
        "resolution_s": measured.resolution_us / 1e6,
        "refused_for_good": measured.ended,
        "polls": len(answers),
        "unclear": answers.count("unclear"),
    }


def _plainly(said: dict[str, Any]) -> str:
    if said["accepted_after_revocation"]:
        what = f"last accepted {said['last_accepted_after_s']:.3f} s after the revocation was acknowledged"
    else:
        what = "never accepted after the revocation was acknowledged"
    end = "" if said["refused_for_good"] else "\nnot refused for good within the time: it may be accepted still"
    return (
        f"credential  {said['credential']}\n"
        f"usable      {said['usable_after_s']:.3f} s after it was asked for\n"
        f"revoked     {said['revoked_at']}\n"
        f"result      {what}\n"
        f"resolution  {said['resolution_s']:.3f} s\n"
        f"polls       {said['polls']} ({said['accepted_after_revocation']} accepted, {said['unclear']} unclear){end}"
    )
