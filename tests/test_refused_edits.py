"""Edits of grammars that are refused: what the refusal says of their cause."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from codegen import GrammarError, generate

from . import dialect
from .test_broken_grammars import MESSAGE, WORDS, problem_of_contents

SAID: dict[str, tuple[Any, ...]] = {
    "a text in a header that may be empty": (
        "chatml",
        ("NAME: /[a-z_]{1,64}/", "NAME: /[a-z_]*/"),
        "If the text may be empty (`NAME?`), require the part around it in an alternative with a name",
    ),
    "a field in the alternative of a role": (
        "glm45",
        ("USER -> user", 'USER (":" name)? -> user'),
        "`opening` has the named alternatives of `role`, which nothing remembers of an open header",
    ),
    "spellings in an open header": (
        "qwen3",
        ('role "\\n"', 'role ending\nending: "\\n" | " \\n" -> spaced'),
        "`opening` has the named alternatives of `ending`, which nothing remembers of an open header",
    ),
    "a token after the end that may begin an empty message": (
        "mistral",
        ("thought? content (CALL name ARGUMENTS arguments)? END -> assistant", "content END last? -> assistant"),
        ("NAME: ", "last: CALL END\nNAME: "),
        "ambiguous delimiter: `</s>` ends `message` and also begins a message",
    ),
    "an open header that a message may lack": (
        "apertus",
        ("opening thought?", "opening? thought?"),
        "`opening` and `answer` together are a `message` with the field `opening`, which they do not set",
    ),
    "an open header in brackets": (
        "apertus",
        ("opening thought?", "[opening] thought?"),
        "Require that part in `message`, without `?` or other alternatives.",
    ),
    "a rule around an open header that a message may lack": (
        "apertus",
        ("message: opening", "begin: opening?\nmessage: begin"),
        "`opening` and `answer` together are a `message` with the field `opening`, which they do not set",
    ),
    "the beginning of a message as a field": (
        "apertus",
        ("message: opening", "begin: ASSISTANT -> marked | -> bare\nmessage: begin"),
        "`opening` and `answer` together are a `message` with the field `begin`, which they do not set",
    ),
    "another start rule": (
        "chatml",
        ("transcript: message*", "transcript: message*\nfragment: message*"),
        "`fragment` is not a start rule, and nothing uses it",
    ),
    "another start rule of one message": (
        "chatml",
        ("transcript: message*", "transcript: message*\nfragment: message"),
        "`fragment` is not a start rule, and nothing uses it",
    ),
    "a rule that contains another one": (
        "muse_glimmer",
        ("WORD\n\ncontent", 'WORD (";" thread)?\nthread: NUM\nNUM: /[0-9]+/\n\ncontent'),
        "The rule `recipient` contains another rule, so its terminals are fields of their own: `word`.",
    ),
    "optional parts that are equal": (
        "chatml",
        ("transcript: message*", "transcript: message message? message?"),
        "Write only one of the equal parts with `?`, or repeat it with `*`.",
    ),
    "several messages after any number of them": (
        "chatml",
        ("transcript: message*", "transcript: message* message message"),
        "`transcript` needs `message` and `message` after a part that may be absent",
    ),
    "alternatives of a terminal, which Lark orders": (
        "chatml",
        ("NAME: /[a-z_]{1,64}/", "NAME: /[a-z]{1,5}/ | /x{2,10}/"),
        "Write the alternative first that reads more, all of them in one pattern.",
    ),
    "an alternative without two listed values": (
        "glm45",
        ("opening thought? content", "opening mood thought? content"),
        ("answer: ", "answer: mood "),
        ("NAME: ", 'mood: MOOD\nMOOD: "glad" | "sad"\nNAME: '),
        "Mention all of them but one, or write an alternative first that has only one of them.",
    ),
    "no colon": ("chatml", ("role: ROLE", "role ROLE"), "Write `name: parts`: rules in lower case"),
    "a template": ("chatml", ("role: ROLE", "role: one{ROLE}"), "a template (`name{…}`) is not supported"),
    "a range": ("chatml", ("role: ROLE", 'role: "a".."z"'), 'a range of strings (`"a".."z"`) is not supported'),
    "a keyword": (
        "chatml",
        ("name)?", "CLASS)?"),
        ("name: NAME\n", ""),
        ("NAME: ", "CLASS: "),
        "`class` cannot be the name of a field: it is a Python keyword",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_a_refusal_names_the_cause(name: str, tmp_path: Path) -> None:
    base, *edits, said = SAID[name]
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / base, folder)
    path = folder / f"{base}.lark"
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    assert said in str(caught.value)


def test_recovery_needs_one_token_after_the_content(tmp_path: Path) -> None:
    edits = [(MESSAGE, MESSAGE.replace("terminator", "foot? terminator"))]
    edits.append(("content: TEXT?", "content: TEXT?\nfoot: FOOT WORD"))
    edits.append(("START: ", 'FOOT: "<|reserved_200013|>"\nSTART: '))
    folder = dialect.edited(tmp_path / "g", [{"file": "harmony.lark", "old": old, "new": new} for old, new in edits])
    with pytest.raises(GrammarError, match=r"in `message`, another token may follow the one after the content"):
        generate(folder)


def test_a_refusal_names_what_a_plural_comes_from(tmp_path: Path) -> None:
    problem = problem_of_contents('system: a* ";" WORD\na: "x" WORD "."\n' + WORDS, tmp_path)
    assert problem.reason == "`as` cannot be the name of a field: it is a Python keyword"
    assert problem.remedy == "Choose another name for the rule or terminal, whose plural it is."


def test_a_style_chooses_no_alternative_that_a_field_shows(tmp_path: Path) -> None:
    edit = {"file": "styles.toml", "old": 'choose = "call"', "new": 'choose = "tool"'}
    with pytest.raises(GrammarError) as caught:
        generate(dialect.edited(tmp_path / "grammar", [edit]))
    (problem,) = caught.value.problems
    assert problem.remedy.startswith("A field shows the alternative `tool` of `author`, so no style chooses it. There")
