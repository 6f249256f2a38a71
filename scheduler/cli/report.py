"""`hepwatch report`: the two forms of a patient."""

from pathlib import Path

import click

from scheduler.cli.options import by_option, json_option, preview_option, protocol_option, rules_option, site_option


@click.group("report")
def command() -> None:
    """Draft, sign and correct a surgery or pathology report."""


@command.command("sign")
@click.argument("stage", type=click.Choice(["surgery", "pathology"]))
@click.argument("mrn")
@click.option(
    "--set", "findings", multiple=True, metavar="NAME=VALUE", help="A finding, such as albumin_g_l=41; may be repeated."
)
@click.option("--file", "file", type=click.Path(path_type=Path), help="A table with one row of findings.")
@click.option("--confirm", is_flag=True, help="Unusual values have been checked and are right.")
@click.option(
    "--not-obtainable",
    "not_obtainable",
    multiple=True,
    metavar="NAME=WHY",
    help="A finding that cannot be had, and why; may be repeated.",
)
@click.option("--reason", help="Why a stored finding is changed.")
@click.option(
    "--seen",
    type=click.IntRange(0),
    metavar="VERSION",
    help="The version of the record that was read (hepwatch patient show); refused where it is another by now.",
)
@preview_option
@site_option
@by_option
@protocol_option
@rules_option
@json_option
def sign(
    stage: str,
    mrn: str,
    findings: tuple[str, ...],
    file: Path | None,
    confirm: bool,
    not_obtainable: tuple[str, ...],
    reason: str | None,
    seen: int | None,
    preview: bool,
    site: str | None,
    by: str | None,
    protocol: str,
    rules: Path | None,
    as_json: bool,
) -> None:
    """Sign a report with what is stored of it and the findings given.

    Signing scores the patient and makes or replaces the plan, in one transaction; what changed is printed with its
    reason. A signed report is not edited: signing it again with other findings makes a new version, with --reason. A
    finding marked not obtainable counts as missing, and the plan waits for it no longer.
    """
    from scheduler import clock
    from scheduler.actions.reports.sign_report import sign_report
    from scheduler.cli.changes_page import preview_line
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.cli.showing import echo_json, say
    from scheduler.cli.signing_page import as_value, page
    from scheduler.core.variables import CollectedAt

    given = _pairs(findings, "--set", example="albumin_g_l=41") | (_from_file(file) if file else {})
    with open_registry() as registry:
        signed = sign_report(
            registry,
            rules_for(registry, protocol=protocol, rules=rules),
            mrn,
            CollectedAt(stage),
            given,
            today=clock.today(),
            actor=actor(by),
            site=site,
            confirm=confirm,
            not_obtainable=_pairs(not_obtainable, "--not-obtainable", example="tumor_necrosis=block lost"),
            reason=reason,
            seen=seen,
            preview=preview,
        )
    if as_json:
        echo_json(as_value(signed))
    else:
        say(*preview_line(preview=preview), *page(signed))


@command.command("draft")
@click.argument("stage", type=click.Choice(["surgery", "pathology"]))
@click.argument("mrn")
@click.option(
    "--set", "findings", multiple=True, metavar="NAME=VALUE", help="A finding, such as albumin_g_l=41; may be repeated."
)
@click.option("--file", "file", type=click.Path(path_type=Path), help="A table with one row of findings.")
@click.option("--reason", help="Why a stored finding is changed.")
@site_option
@by_option
@rules_option
@json_option
def draft(
    stage: str,
    mrn: str,
    findings: tuple[str, ...],
    file: Path | None,
    reason: str | None,
    site: str | None,
    by: str | None,
    rules: Path | None,
    as_json: bool,
) -> None:
    """Keep findings of a report that nobody signs yet. Nobody is scored or planned by a draft.

    Findings join those of the draft that is there; what is signed already is corrected with `report sign` and --reason.
    """
    from scheduler import clock
    from scheduler.actions.reports.draft_report import draft_report
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.cli.showing import echo_json, say
    from scheduler.cli.signing_page import draft_page, draft_value
    from scheduler.core.variables import CollectedAt

    given = _pairs(findings, "--set", example="albumin_g_l=41") | (_from_file(file) if file else {})
    with open_registry() as registry:
        drafted = draft_report(
            registry,
            rules_for(registry, rules=rules),
            mrn,
            CollectedAt(stage),
            given,
            today=clock.today(),
            actor=actor(by),
            site=site,
            reason=reason,
        )
    if as_json:
        echo_json(draft_value(drafted))
    else:
        say(*draft_page(drafted))


def _pairs(findings: tuple[str, ...], option: str, *, example: str) -> dict[str, str]:
    """The findings of an option `NAME=VALUE` that may be repeated."""
    given: dict[str, str] = {}
    for finding in findings:
        name, equals, value = finding.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{finding!r}; write NAME=VALUE, such as {example}", param_hint=option)
        if name.strip() in given:
            raise click.BadParameter(f"{name.strip()} is given twice", param_hint=option)
        given[name.strip()] = value.strip()
    return given


def _from_file(file: Path) -> dict[str, str]:
    """The findings of a table with one row; name and birth date are not looked at, MRN, site and resection are."""
    from scheduler.intake import read_table

    table = read_table(file).frame.drop("row")
    if table.height != 1:
        raise click.BadParameter(
            f"{file.name} has {table.height} rows; one patient is signed at a time", param_hint="--file"
        )
    row = table.row(0, named=True)
    skipped = {"name", "birth_date"}
    return {name: str(value) for name, value in row.items() if name not in skipped and value is not None}
