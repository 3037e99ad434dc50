"""Recovery with other names for all fields of headers: nothing in the library knows a field by name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import pytest

from codegen import GRAMMAR, generate
from harmony_spec import codec

from .dialect import edited, module_of
from .recovery_strategies import tokens_of
from .test_malformed import CASES, read, shown

NAMES = {
    "role": "speaker",
    "name": "who",
    "recipient": "addressee",
    "channel": "lane",
    "content_type": "mime",
    "constrain": "forced",
}
INTRODUCED = re.compile(rf"(?:{'|'.join(NAMES)}|content-type)[\"']?\s*[=:]|>(?:{'|'.join(NAMES)}) \w")
FIELDS = re.compile(r"(?<!\|)\b(role|recipient|channel|content_type|constrain)\b")
SLOTS = re.compile(r'^(\w+) = "(\w+)"$', re.MULTILINE)


def renamed(text: str) -> str:
    return FIELDS.sub(lambda match: NAMES[match[0]], text)


@cache
def other_codec() -> ModuleType:
    """This package's grammar with each field renamed."""
    folder = edited(Path(mkdtemp()) / "grammar", [])
    for name in ("harmony.lark", "conversation.toml", "styles.toml"):
        path = folder / name
        text, *spellings = path.read_text(encoding="utf-8").partition("\nTEXT:")
        lines = (line if line.startswith(("//", "#")) else renamed(line) for line in text.splitlines(keepends=True))
        path.write_text("".join((*lines, *spellings)), encoding="utf-8")
    lark = folder / "harmony.lark"
    text = lark.read_text(encoding="utf-8").replace("ROLE", "SPEAKER")
    lark.write_text(re.sub(r"\bname\b(?! of| that)", "who", text), encoding="utf-8")
    conversation = folder / "conversation.toml"
    text = conversation.read_text(encoding="utf-8").replace("message.name", "message.who")
    conversation.write_text(text, encoding="utf-8")
    recovery = folder / "recovery.toml"
    slots, rest = recovery.read_text(encoding="utf-8").split("[tools]", 1)
    slots = SLOTS.sub(lambda match: f'{match[1]} = "{NAMES[match[2]]}"', slots)
    recovery.write_text(f"{slots}[tools]{rest}", encoding="utf-8")
    return module_of("renamed_fields", generate(folder), folder)


CONVERSATION = """<|start|>system<|message|># Valid channels: analysis, commentary, final. Channel must be included \
for every message.<|end|><|start|>developer<|message|># Tools

## functions

namespace functions {

type f = (_: {
a: string,
}) => any;

} // namespace functions<|end|><|start|>user<|message|>hi<|end|><|start|>assistant to=functions.f<|channel|>commentary \
<|constrain|>json<|message|>{"a":"x"}<|call|><|start|>functions.f to=assistant<|channel|>commentary\
<|message|>1<|end|>"""
OPTIONAL = [
    line
    for table in ("slots", "declared")
    for line in re.findall(rf"\[{table}\]\n((?:.*\n)*?)\n", (GRAMMAR / "recovery.toml").read_text("utf-8"))[
        0
    ].splitlines()
    if "=" in line and not line.startswith(("#", "role"))
]


@pytest.mark.parametrize("line", OPTIONAL)
def test_a_grammar_that_says_less_reports_nothing_more(line: str, tmp_path: Path) -> None:
    """What it does not say is unknown, so nothing can differ from it."""
    folder = edited(tmp_path / "grammar", [{"file": "recovery.toml", "old": f"{line}\n", "new": ""}])
    module = module_of("fewer_keys", generate(folder), tmp_path)
    assert module.validate(CONVERSATION).diagnostics == []
    assert module.recover(CONVERSATION).messages == module.parse(CONVERSATION).messages


@pytest.mark.parametrize("form", [str, tokens_of], ids=["text", "tokens"])
def test_malformed_outputs_are_read_alike(form: Any) -> None:
    """Each case of `tests/data/malformed` has the same messages, gaps and diagnostics, by other names."""
    module = other_codec()
    assert not set(codec.FORMAT.fields) - {"content"} & set(module.FORMAT.fields)
    for _, case in CASES:
        options = {"tools": case.get("tools"), "stripped": case.get("stripped", False)}
        if INTRODUCED.search(case["source"]):
            continue  # the name of the field introduces a name
        found = module.recover(form(case["source"]), case.get("start", "transcript"), **options)
        expected = read(case, form(case["source"]))
        values = [{NAMES.get(name, name): value for name, value in shown(each).items()} for each in expected.messages]
        marks = [each.repair for each in found.messages]
        assert [
            {name: value for name in module.FORMAT.fields if (value := getattr(each, name))} for each in found.messages
        ] == [{name: value for name, value in each.items() if name in module.FORMAT.fields} for each in values]
        assert [(each.code, each.span) for each in found.diagnostics] == [
            (each.code, each.span) for each in expected.diagnostics
        ]
        assert found.gaps == expected.gaps
        assert [(mark and (mark.cost, mark.candidate, mark.forged)) for mark in marks] == [
            (each.repair and (each.repair.cost, each.repair.candidate, each.repair.forged))
            for each in expected.messages
        ]
