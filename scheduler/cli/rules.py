"""`hepwatch rules`: what hepwatch follows, where it comes from, and whether it is sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scheduler.cli.options import json_option, rules_option

if TYPE_CHECKING:
    from scheduler.rulebook import FileProblem, Rulebook


@click.group("rules")
def command() -> None:
    """Check, list and show the rules: variables, risk models, surveillance protocols and reminder policies."""


@command.command("check")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True))
@json_option
def check(folder: Path | None, as_json: bool) -> None:
    """Check every rule file; with FOLDER, a site's own files on top of the shipped ones.

    Every problem of every file is printed as file:line. Warnings do not fail the check. Changes nothing.
    """
    from scheduler.cli.showing import echo_json
    from scheduler.rulebook import RulesRefused, check_rules

    problems, rulebook = check_rules(folder)
    warnings = rulebook.warnings if rulebook else ()
    if as_json:
        echo_json(
            {"problems": [_as_dict(each) for each in problems], "warnings": [_as_dict(each) for each in warnings]}
        )
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}")
        if not problems and rulebook:
            click.echo(_summary(rulebook))
    if problems:
        raise RulesRefused(problems)


@command.command("list")
@rules_option
@json_option
def list_rules(rules: Path | None, as_json: bool) -> None:
    """List every rule: id, version, title, what it is used for."""
    from scheduler.cli.showing import echo_json, say, table
    from scheduler.rulebook import load_rulebook

    rulebook = load_rulebook(rules)
    rows = [_listed(rulebook, reference) for reference in sorted(rulebook.files)]
    if as_json:
        echo_json(rows)
    else:
        headings = ("rule", "kind", "title", "digest")
        say(table(headings, [(row["rule"], row["kind"], row["title"], row["digest"][:12]) for row in rows]))


@command.command("show")
@click.argument("rule", metavar="ID")
@rules_option
@json_option
def show(rule: str, rules: Path | None, as_json: bool) -> None:
    """Show one rule for people: formula, units, sources, caveats, tests. ID is a name, or name@version, or `variables`.

    For a risk model that is what is added up and where the groups end; for a protocol who is imaged when;
    for a reminder policy who is told of what, and when.
    """
    from scheduler.cli.rule_pages import page
    from scheduler.cli.showing import echo_json, say
    from scheduler.rulebook import load_rulebook

    rulebook = load_rulebook(rules)
    file = rulebook.file(rule)
    if as_json:
        echo_json({"digest": file.digest, "file": file.name, **file.data})
    else:
        say(*page(rulebook, rule))


def _as_dict(problem: "FileProblem") -> dict[str, Any]:
    names = ("file", "line", "what", "found", "expected")
    return {name: getattr(problem, name) for name in names}


def _summary(rulebook: "Rulebook") -> str:
    variables = len(rulebook.dictionary.recorded) + len(rulebook.dictionary.derived)
    policies = len(rulebook.reminders)
    return (
        f"{len(rulebook.files)} files are sound: {variables} variables, {len(rulebook.models)} risk models, "
        f"{len(rulebook.protocols)} protocols, {policies} reminder {'policy' if policies == 1 else 'policies'}; "
        "every worked example came out as written"
    )


def _listed(rulebook: "Rulebook", reference: str) -> dict[str, Any]:
    file = rulebook.files[reference]
    title = file.data.get("title", "The data dictionary")
    return {"rule": reference, "kind": file.data["kind"], "title": title, "file": file.name, "digest": file.digest}
