"""The commands `harmony-spec rules` and `harmony-spec explain`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..linting.catalogue import CatalogueRule, rules, unknown_rule
from ..linting.outputs import fix_options
from ..view.terminal_text import COLORS, printable
from .console import CODEC, OUT, Command, codec_of, complete_rule, count, refuse


@click.command("rules", cls=Command, example="harmony-spec rules")
@CODEC
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_rules(as_json: bool) -> None:
    """List all codes of findings and errors."""
    found = rules(codec_of(None)).values()
    if as_json:
        click.echo(json.dumps([describe_rule(rule) for rule in found], indent=2))
        return
    table = Table(box=SIMPLE_HEAD)
    for title in ("code", "name", "severity", "fix"):
        table.add_column(title, no_wrap=True)
    table.add_column("why", min_width=30)
    for rule in found:
        code = rule.code
        severity = Text(code.severity, style=COLORS[code.severity])
        table.add_row(code.code, code.name, severity, code.fix or "", code.why)
    OUT.print(table)
    OUT.print(count(len(found), "rule"))


@click.command(cls=Command, example="harmony-spec explain missing-terminator")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...", shell_complete=complete_rule)
@CODEC
def explain(codes: tuple[str, ...]) -> None:
    """Explain rules, with an example of each.

    A CODE is a code, such as H114, or a name, such as missing-terminator.
    """
    for number, text in enumerate(codes):
        if number:
            OUT.print()
        for line in explain_rule(_rule(text)):
            OUT.print(line)


def describe_rule(rule: CatalogueRule) -> dict[str, Any]:
    """A rule as JSON."""
    value = {key: getattr(rule.code, key) for key in ("code", "name", "severity", "fix", "why")}
    return value | {"bad": None, "good": None} | rule.entry


def explain_rule(rule: CatalogueRule) -> Iterator[Text]:
    """A rule as lines of text."""
    code = rule.code
    yield Text(f"{code.code} {code.name}", style=f"bold {COLORS[code.severity]}")
    fix = f", fix: {code.fix}, applied by validate {fix_options(code.fix, [code.code])}" if code.fix else ""
    yield Text(code.severity + fix)
    yield Text()
    yield Text(code.why)
    for title in ("bad", "good"):
        if (example := rule.entry.get(title)) is None:
            continue
        yield Text()
        yield Text(f"{title}{_circumstances(rule) if title == 'bad' else ''}:", style="bold")
        yield Text("  " + printable(example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)))
    if rule.page:
        yield Text()
        yield Text(rule.page)


def _circumstances(rule: CatalogueRule) -> str:
    """How the examples are read, unless as a transcript without options."""
    details = rule.entry
    parts = [f"for {details['read']}"] if "read" in details else []
    parts += [f"as a {details['start']}"] if "start" in details else []
    parts += [f"where {', '.join(details['tools'])} is offered"] if "tools" in details else []
    parts += ["read with stripped=True"] if details.get("stripped") else []
    parts += [f"comes with {', '.join(details['with'])}"] if "with" in details else []
    return f" ({'; '.join(parts)})" if parts else ""


def _rule(text: str) -> CatalogueRule:
    """The rule with this code or name; exits if there is none."""
    named = {name: rule for rule in rules(codec_of(None)).values() for name in (rule.code.code.lower(), rule.code.name)}
    if text.lower() not in named:
        refuse(unknown_rule(text, codec_of(None)))
    return named[text.lower()]
