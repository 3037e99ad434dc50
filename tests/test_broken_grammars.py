"""Grammars that are refused, each with file, line, column, reason and remedy."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codegen import GRAMMAR, GrammarError, Place, generate
from codegen.prove import ambiguity, content_delimiters
from codegen.prove.finite_automata import DeterministicAutomaton, samples
from codegen.read.problems import Problem
from codegen.read.value_places import ValuePlaces

from . import dialect

ROOT = Path(__file__).resolve().parents[1]
BROKEN = tomllib.loads((Path(__file__).parent / "data" / "broken.toml").read_text(encoding="utf-8"))


def is_at(folder: Path, place: Place, file: str, text: str = "") -> bool:
    """Whether a place is in a file (with line and column, or not), where a text stands if one is said."""
    if not text:
        return str(place).startswith(file)
    line = (folder / file).read_text(encoding="utf-8").split("\n")[place.line - 1]
    return place.file == file and line[place.column - 1 :].startswith(text)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_grammar_is_refused(name: str, tmp_path: Path) -> None:
    """Exactly the problems of the case, each at its place and with a remedy."""
    folder = dialect.edited(tmp_path / name, BROKEN[name]["edit"])
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    found = caught.value.problems
    expected = BROKEN[name]["problems"]
    assert len(found) == len(expected), found
    for problem, (*place, reason) in zip(found, expected, strict=True):
        assert reason in problem.reason
        assert is_at(folder, problem.place, *place), problem
    assert all(problem.remedy.endswith(".") for problem in caught.value.problems)


LIST = "Write one message for each item, or one terminal for the whole list."
ONE_RULE = (
    "Make `message` and `note` alternatives of the one rule for messages, each with a name, and repeat that rule."
)
ONE_CONTENT = "A message has one `content`: write several messages, or one content and a field for its kind."
SAME_CONTENT = "Use `content` in each kind of message, and a field for the kind; its text may be empty (`TEXT?`)."
HEADER, MESSAGE = "header: recipient? channel? type?\n", "message: opening header MESSAGE content terminator"
NOTE = '\nnote: START ROLE NOTE content END\nNOTE: "<|reserved_200013|>"\n'

AUTHOR = "Add one for the author; if tokens spell it, a rule of named alternatives: `role: MODEL -> model`."

UNDEFINED = "Define it, or correct the spelling."

INSTEAD = {
    "messages without an author": (MESSAGE, "message: START MESSAGE content terminator", "message:", AUTHOR),
    "a list": (HEADER, f"{HEADER[:-1]} part*\npart: CHANNEL WORD\n", "part*", LIST),
    "a list that is not empty": (HEADER, f"{HEADER[:-1]} part+\npart: CHANNEL WORD\n", "part+", LIST),
    "a list with separators": (HEADER, f'{HEADER[:-1]} TYPE ("," TYPE)*\n', '("," TYPE)*', LIST),
    "a list in an alternative": ("channel recipient type?", "channel recipient type*", "type* ->", LIST),
    "a list of alternatives": (HEADER, "header: recipient? (channel | type)*\n", "(channel | type)*", LIST),
    "a list in an optional part": (HEADER, 'header: recipient? (";" type*)?\n', "type*", LIST),
    "a list of tokens": ("constrain: CONSTRAIN", "constrain: CONSTRAIN+", "CONSTRAIN+", LIST),
    "a number of times": (HEADER, "header: recipient? (channel type)~1..2\n", "(channel type)~1..2", LIST),
    "a list of contents": (MESSAGE, "message: opening header (MESSAGE content)* terminator", "(MESSAGE", LIST),
    "two contents": (
        MESSAGE,
        "message: opening header MESSAGE content CALL content terminator",
        "message:",
        ONE_CONTENT,
    ),
    "a message of messages": ("transcript: message*", "transcript: turn*\nturn: message message", "turn:", ONE_CONTENT),
    "an undefined rule": (
        HEADER,
        "header: recipeint? channel? type?\n",
        "recipeint",
        f"Did you mean `recipient`? {UNDEFINED}",
    ),
    "an undefined terminal": ('ROLE: "system"', 'ROLE: WROD | "system"', "WROD", f"Did you mean `WORD`? {UNDEFINED}"),
    "a second rule for contents": (
        MESSAGE,
        f"{MESSAGE}\n       | opening CALL body terminator -> noted\nbody: TEXT?\n",
        "message:",
        SAME_CONTENT,
    ),
    "a second rule for contents, in a frame": (
        "transcript: message*",
        "transcript: message* note?\nnote: START ROLE MESSAGE body END\nbody: TEXT?\n",
        "note:",
        f"Add it to `message`. {SAME_CONTENT}",
    ),
    "a second way to write contents": (
        "content: TEXT?",
        "content: TEXT? | CALL TEXT -> called",
        "content:",
        "Write `content: TEXT?`, its kind as a field, and texts beside it in `message`.",
    ),
    "kinds of messages": ("transcript: message*", f"transcript: (message | note)*{NOTE}", "(message", ONE_RULE),
    "kinds of messages, one or more": (
        "transcript: message*",
        f"transcript: (message | note)+{NOTE}",
        "(message",
        ONE_RULE,
    ),
    "a sequence of kinds": ("transcript: message*", f"transcript: (message note)*{NOTE}", "(message", ONE_RULE),
    "kinds in a prompt": ("prompt: message*", f"prompt: ((message) | note)*{NOTE}rest:", "((message)", ONE_RULE),
    "kinds of transcripts": (
        "transcript: message*",
        f"transcript: message* | note* -> notes{NOTE}",
        "transcript:",
        "Let one path only be empty; kinds of messages are named alternatives of the one rule for messages.",
    ),
    "one or more messages": ("transcript: message*", "transcript: message+", "message+", "Write `message message*`."),
}


def test_the_page_about_the_grammar_shows_what_is_refused(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "grammar.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^harmony\.lark:.*$", page, re.MULTILINE)
    folder = dialect.edited(tmp_path / "folder", BROKEN["field_that_cannot_be_parsed_back"]["edit"])
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    assert shown in str(caught.value).splitlines()


@pytest.mark.parametrize("name", INSTEAD)
def test_a_refusal_shows_what_to_write_instead(name: str, tmp_path: Path) -> None:
    """If the language cannot say something, but can say it in another way."""
    old, new, text, remedy = INSTEAD[name]
    folder = dialect.edited(tmp_path / "grammar", [{"file": "harmony.lark", "old": old, "new": new}])
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,) = caught.value.problems
    assert is_at(folder, problem.place, "harmony.lark", text), problem
    assert problem.remedy == remedy


def test_what_refusals_suggest_is_accepted(tmp_path: Path) -> None:
    """Brackets around one part mean nothing, and kinds of messages may begin and end alike."""
    edits = [("transcript: message*", "transcript: (((turn)*))"), ("prompt: message*", "prompt: turn*")]
    kinds = f"\nturn: message | note -> noted{NOTE.replace('END', 'terminator')}\n"
    edits += [("\nmessage: ", f"{kinds}\nmessage: "), ("continuation message*", "continuation turn*")]
    folder = dialect.edited(tmp_path / "grammar", [{"file": "harmony.lark", "old": o, "new": n} for o, n in edits])
    module = dialect.module_of("kinds", generate(folder), tmp_path)
    text = "<|start|>user<|message|>Hi.<|end|><|start|>user<|reserved_200013|>Later.<|end|>"
    messages = module.parse(text).messages
    assert module.recover(text).messages == messages
    assert [(message.content, message.variants) for message in messages] == [("Hi.", ()), ("Later.", ("noted",))]
    assert module.render_text(messages, style="as_parsed") == text


def test_a_wrong_path_shows_the_paths_there_are(tmp_path: Path) -> None:
    edit = {"file": "conversation.toml", "old": '"message.recipient" =', "new": '"message.receiver" ='}
    with pytest.raises(GrammarError) as caught:
        generate(dialect.edited(tmp_path / "grammar", [edit]))
    (problem,) = caught.value.problems
    assert problem.remedy.startswith("Did you mean `message.recipient`? Paths: message.role, message.content,")


def test_a_path_to_another_kind_of_part_is_not_suggested_again(tmp_path: Path) -> None:
    edit = {"file": "contents.lark", "old": 'EFFORT: "low" | "medium" | "high"', "new": "EFFORT: /[a-z]+/"}
    with pytest.raises(GrammarError) as caught:
        generate(dialect.edited(tmp_path / "grammar", [edit]))
    (problem,) = caught.value.problems
    assert problem.remedy == "Remove it, or correct the rule."
    folder = dialect.edited(tmp_path / "other", [{"file": "conversation.toml"}])
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    remedies = [problem.remedy for problem in caught.value.problems if problem.place.file == "recovery.toml"]
    assert remedies == [
        f"Describe its items in [{name}] of conversation.toml." for name in ("namespace",) * 2 + ("answer",)
    ]


@pytest.mark.parametrize("written", ["system.channel_config", "system.valid_channels"])
def test_a_path_that_ends_too_early_gets_the_whole_one(written: str, tmp_path: Path) -> None:
    whole = "system.channel_config.valid_channels"
    edits = [{"file": "recovery.toml", "old": f'"{whole}"', "new": f'"{written}"'}]
    with pytest.raises(GrammarError) as caught:
        generate(dialect.edited(tmp_path / "grammar", edits))
    (problem,) = caught.value.problems
    assert problem.reason.startswith(f"`{written}` leads to no such part: ")
    assert problem.remedy.endswith(f" Paths: {whole}.")


def test_texts_that_meet_are_one_problem(tmp_path: Path) -> None:
    """If a message may begin with text, each token and text that may come next would be ambiguous, too."""
    shutil.copytree(dialect.HERE / "deepseek_v31", tmp_path / "grammar")
    path = tmp_path / "grammar" / "deepseek_v31.lark"
    path.write_text(path.read_text(encoding="utf-8").replace("role: USER ->", "role: USER? ->"), encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        generate(tmp_path / "grammar")
    (problem,) = caught.value.problems
    assert problem.reason == "text at the end of `message` meets text at the beginning of `message`"


@pytest.mark.parametrize(
    ("dialect_name", "old", "new"),
    [
        ("qwen3", "answer: thought? content END", 'answer: thought? "~" content END'),
        ("llama3", "message: opening content", 'message: opening "~" content'),
        ("kimi_k2", "answer: content END", "answer: content CALL_END"),
        ("chatml", "answer: content END", "answer: END content"),
        ("muse_glimmer", "unfinished: opening", 'unfinished: opening "~"'),
        ("muse_glimmer", "unfinished: opening", "unfinished:"),
    ],
)
def test_what_continues_an_open_header_is_a_message(dialect_name: str, old: str, new: str, tmp_path: Path) -> None:
    """Otherwise the next prompt does not begin with what was sampled, and strict parsing refuses the two together."""
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / dialect_name, folder)
    path = folder / f"{dialect_name}.lark"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,), name = caught.value.problems, "unfinished" if "unfinished" in old else "answer"
    assert is_at(folder, problem.place, path.name, f"{name}:")
    shown = "`opening` and `answer` together are" if name == "answer" else "`unfinished` is"
    assert problem.reason == f"{shown} not always a `message`"
    assert problem.remedy == f"Write in `message` what `{name}` has: the next prompt repeats what was sampled."


def test_a_completion_continues_the_open_header(tmp_path: Path) -> None:
    """Otherwise the next prompt has the header twice."""
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / "deepseek_v31", folder)
    path = folder / "deepseek_v31.lark"
    text = path.read_text(encoding="utf-8").replace("completion: answer message*", "completion: message*")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,) = caught.value.problems
    assert problem.reason == "`opening` and `message` together are not always a `message`"
    assert problem.remedy == "Begin completions with a rule for what comes after `opening`."


def test_only_the_last_message_lacks_its_stop_token(tmp_path: Path) -> None:
    """Otherwise the next prompt has a token that was not sampled."""
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / "llama3", folder)
    path = folder / "llama3.lark"
    path.write_text(path.read_text(encoding="utf-8").replace("answer: content terminator", "answer: content"))
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,) = caught.value.problems
    assert is_at(folder, problem.place, path.name, "answer:")
    assert problem.reason == "`answer` lacks the end of a `message`, and other messages may follow it"


def test_what_was_sampled_is_written_again_as_the_same_alternative(tmp_path: Path) -> None:
    """Otherwise an answer of the model would be written as a message of the system."""
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / "apertus", folder)
    path = folder / "apertus.lark"
    model = "opening thought? content calls? ASSISTANT_END"
    text = path.read_text(encoding="utf-8").replace("SYSTEM content SYSTEM_END -> system", f"{model} -> assistant")
    path.write_text(text.replace(f"message: {model}", "message: SYSTEM content SYSTEM_END -> system"), encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,) = caught.value.problems
    assert is_at(folder, problem.place, path.name, "answer:")
    together = "`opening` and `answer` together are the alternative `assistant` of a `message`"
    assert problem.reason == f"{together}, and no field shows which"
    assert problem.remedy == "Write that alternative first: the first one is written again."


@pytest.mark.parametrize(("pattern", "problems"), [(r"[^\s<]+", 0), ("[a-z.]+", 0), (r"[^\s]+", 1)])
def test_a_completion_is_compared_by_what_it_reads(pattern: str, problems: int, tmp_path: Path) -> None:
    """A terminal of another name may read the same or less than that of messages."""
    edits = [
        ("continuation: header MESSAGE", 'continuation: (" to=" RECIPIENT)? channel? type? MESSAGE'),
        ('START: "<|start|>"', f'RECIPIENT: /{pattern}/\nSTART: "<|start|>"'),
    ]
    folder = dialect.edited(tmp_path / "grammar", [{"file": "harmony.lark", "old": o, "new": n} for o, n in edits])
    found: tuple[object, ...] = ()
    try:
        generate(folder)
    except GrammarError as error:
        found = error.problems
    assert len(found) == problems


def problem_of_contents(text: str, tmp_path: Path) -> Problem:
    """The one problem of a format with these contents."""
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / "chatml", folder)
    (folder / "contents.lark").write_text(text, encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(("repetitions", "is_sampled"), [(300, True), (400, False)])
def test_only_small_patterns_are_sampled(
    repetitions: int, is_sampled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The samples of a pattern have as many characters in all as it has states, squared."""
    sampled: list[DeterministicAutomaton] = []

    def sample(made: DeterministicAutomaton, *letter_of: Any) -> Iterator[str]:
        sampled.append(made)
        return samples(made, *letter_of)

    for module in (ambiguity, content_delimiters):
        monkeypatch.setattr(module, "samples", sample)
    content_delimiters._sample_values.cache_clear()
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / "chatml", folder)
    text = f'system: one? two? "."\none: "x" LONG ";"\ntwo: "y" LONG ";"\nLONG: /k(?:abc){{{repetitions}}}/\n'
    (folder / "contents.lark").write_text(text, encoding="utf-8")
    generate(folder)
    assert (max(len(made.steps) for made in sampled) > 3 * repetitions) == is_sampled
    assert max(len(made.steps) for made in sampled) <= ambiguity.MAX_SAMPLED_STATES


WORDS = "WORD: /[a-z]+/\n"
OVERTAKING = {
    "optional": 'system: one? two? "."\none: "x" WORD ";"\ntwo: "xy" WORD ";"\n',
    "list": 'system: one* two? "."\none: "x" WORD ";"\ntwo: "xy" WORD ";"\n',
    "list of texts": 'system: (WORD ",")* two? "."\ntwo: "xy" WORD ","\n',
    "list with separators": 'system: "a" WORD (", " WORD)* (", x" NUMBER)? "."\nNUMBER: /[a-z]/\n',
    "after another optional part": 'system: one? ("=" LEVEL)? two? "."\none: "x" WORD ";"\ntwo: "xy" WORD ";"\n'
    'LEVEL: "1" | "2"\n',
    "text": 'system: (LINE "\\n")? ("# " WORD "\\n")? "."\nLINE: /[^\\n]+/\n',
    "alternative": 'system: one | two\none: "x" WORD ";"\ntwo: "xy" WORD ";"\n',
    "one of listed texts": 'system: "<" part ">"\npart: WORD | kind\nkind: KIND\nKIND: "1" | "two"\n',
    "listed text": 'system: kind ("eger" WORD)?\nkind: "int" -> int | "integer" -> integer\n',
    "alternative inside": 'system: "<" part ">"\npart: one | two\none: "x" WORD\ntwo: "xy" WORD ";"\n',
    "upper case": 'system: (WORD "-")? TO ("-" VIA)?\nWORD: /[A-Z]{3}/\nTO: /[A-Z]{3}/\nVIA: /[A-Z]{3}/\n',
    "dates": 'system: (SINCE ", ")? UNTIL ", " WORD\nSINCE: /\\d{4}-\\d\\d/\nUNTIL: /\\d{4}-\\d\\d/\n',
    "prices in a list": 'system: (PRICE ";")* LAST ";" WORD\nPRICE: /\\$[0-9]+/\nLAST: /\\$[0-9]+/\n',
    "without the first letters": 'system: (CODE ";")? LAST ";" WORD\nCODE: /(?!A)[A-Z]+/\nLAST: /(?!A)[A-Z]+/\n',
    "after a text with a lookahead": r'system: TITLE "\n" BODY'
    "\n"
    r"TITLE: /#(?:(?!\n\n)(?s:.))*/"
    "\nBODY: /(?s:.)+/\n",
    "second alternative after it": 'system: flag? kind\nflag: "- "\nkind: one | two\none: "x" WORD\ntwo: "- " WORD\n',
    "second alternative in the next item": 'system: part+\npart: one | two\none: "p" WORD "."\n'
    'two: "<" (CODE ";")? ">"\nCODE: /[^;]+/\n',
    "second alternative of a class": 'system: "<" part ">"\npart: one | two\none: "k" left\ntwo: "k" right\n'
    'left: "1" NUMBER | "2" WORD -> left_word\nright: "3" NUMBER | "2" WORD -> right_word\nNUMBER: /[0-9]/\n',
    "second alternative of a class of a class": 'system: "<" part ">"\npart: one | two\none: "k" left\ntwo: "k" outer\n'
    'left: "1" NUMBER | "2" WORD -> left_word\nouter: "(" right ")" | right "!" -> outer_loud\n'
    'right: "3" NUMBER | "2" WORD -> right_word\nNUMBER: /[0-9]/\n',
    "empty alternative": 'system: "x" kind "!"\nkind: one | two\none: flag?\nflag: "1"\ntwo: ";" WORD\n',
    "alternative with an empty list": 'system: "x" kind "!"\n'
    'kind: one | two\none: item*\nitem: "1" WORD\ntwo: ";" WORD\n',
}


@pytest.mark.parametrize("name", OVERTAKING)
def test_a_part_that_reads_what_may_come_in_its_place_is_refused(name: str, tmp_path: Path) -> None:
    """Otherwise the values of one field are read back as those of another one."""
    source = OVERTAKING[name]
    words = WORDS * ("WORD" in source and "WORD:" not in source)
    problem = problem_of_contents(source + words, tmp_path)
    assert "which may come in its place" in problem.reason or "which also comes after it" in problem.reason


UNSHOWN = {
    'system: "a: " WORD ("; b: " WORD)?\n': "no field shows whether an optional part of `system` is present",
    'system: WORD (" " flag)?\nflag: "!"\n': "no field records whether this part is present",
    'system: "<" level WORD\nlevel: LEVEL?\nLEVEL: "1" | "2"\n': "`level` may be empty, and `LEVEL` is not any text",
    'system: "<" level ">" WORD\nlevel: JSON?\nJSON: /[{}]+/\n': "`level` may be empty, and `JSON` is not any text",
}


@pytest.mark.parametrize("source", UNSHOWN)
def test_an_optional_part_of_contents_must_be_known_by_its_field(source: str, tmp_path: Path) -> None:
    problem = problem_of_contents(source + WORDS, tmp_path)
    assert problem.reason.startswith(UNSHOWN[source])


TAKEN = {
    "a parameter of functions": ["tools", "style", "train", "stripped", "tokenization", "source", "messages"],
    "a parameter of the streaming parser": ["strict", "self"],
    "a name in the body of a function": ["runtime"],
    "a function": ["parse", "render_text", "from_json"],
    "a method of the streaming parser": ["reset", "feed", "close", "message_begins", "value"],
    "a property of the streaming parser": ["state", "last_delta", "recovered"],
    "an attribute of messages": ["repair", "text"],
    "a name in the body of a class": ["field", "property"],
    "a type": ["str", "list"],
}


def renamed(name: str) -> list[dict[str, str]]:
    """Edits that give another name to the field `name` of a message."""
    rules = [("\nname: WORD", "\n{}: WORD"), ('(":" name)?', '(":" {})?'), ("| name -> tool", "| {} -> tool")]
    edits = [{"file": "harmony.lark", "old": old, "new": new.format(name)} for old, new in rules]
    edits.append({"file": "recovery.toml", "old": 'name = "name"', "new": f'name = "{name}"'})
    return [*edits, {"file": "conversation.toml", "old": "message.name", "new": f"message.{name}"}]


@pytest.mark.parametrize("name", [name for names in TAKEN.values() for name in names])
def test_a_field_has_no_name_of_something_else(name: str, tmp_path: Path) -> None:
    """What generated code gives to something else, or the streaming parser has: one problem, at the rule."""
    folder = dialect.edited(tmp_path / "grammar", renamed(name))
    with pytest.raises(GrammarError) as caught:
        generate(folder)
    (problem,) = caught.value.problems
    assert is_at(folder, problem.place, "harmony.lark", f"{name}: WORD")
    assert problem.reason.startswith(f"`{name}` cannot be the name of a field")


@pytest.mark.parametrize("name", ["chosen", "m", "branch", "given"])
def test_a_field_may_have_a_name_that_nothing_else_has(name: str, tmp_path: Path) -> None:
    """Also one that generated code uses where no field is in reach."""
    module = dialect.module_of(f"field_{name}", generate(dialect.edited(tmp_path / "grammar", renamed(name))), tmp_path)
    message = module.Message("user", "Hi.", **{name: "Ada"})
    tokens = module.render([message])
    assert module.parse(tokens).messages == [message]
    assert module.parse(module.render_text([message])).messages == [message]
    stream = module.StreamParser("transcript")
    stream.feed(tokens[:-2])
    assert getattr(stream, name) == "Ada"
    stream.feed(tokens[-2:])
    stream.close()
    assert stream.messages == [message]


def test_places_of_values_are_looked_for_only_to_report_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find them takes a fifth of the time of `generate`."""
    monkeypatch.setattr(ValuePlaces, "of", None)
    assert generate(GRAMMAR)


def test_a_folder_without_grammar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GrammarError) as caught:
        generate(tmp_path)
    assert [p.reason for p in caught.value.problems] == [
        "a grammar folder holds one .lark file beside contents.lark; found none",
        "the file is missing",
    ]


def test_the_docs_quote_what_the_generator_says() -> None:
    """The refusals in the section on what recovery assumes are those of the checks, in their words."""
    text = (ROOT / "docs" / "grammar.md").read_text(encoding="utf-8")
    section = text.split("### What recovery and validation assume")[1].split("The following is not checked")[0]
    quoted = [cell for row in section.splitlines()[5:] if "|" in row for cell in re.findall("``(.+?)``", row)]
    said = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "codegen" / "prove").glob("*.py"))
    schema = (ROOT / "codegen" / "read" / "grammar_folder.schema.json").read_text(encoding="utf-8")
    said += "".join(f"`{{value}}` is not {kind}\n" for kind in re.findall('"x-names": "(.*?)"', schema))
    said = re.sub(r"(\{[^{}]*\})+", "X", said)
    assert len(quoted) > 15
    for cell in quoted:
        assert re.sub("[A-Z]{3,}", "X", cell).strip() in said, cell


@pytest.mark.parametrize("levels", [60, 100, 150])
def test_terminals_that_are_nested_too_deeply_are_refused(levels: int, tmp_path: Path) -> None:
    """Their code has more brackets in each other than Python allows."""
    terminals = [f'D{level}: "a" (D{level + 1} "b")?\n' for level in range(levels)]
    edits = [
        {"file": "harmony.lark", "old": "header: recipient?", "new": 'header: (" p=" D0)? recipient?'},
        {"file": "harmony.lark", "old": "START:", "new": f"{''.join(terminals)}D{levels}: /x/\nSTART:"},
    ]
    with pytest.raises(GrammarError, match="nested too deeply"):
        generate(dialect.edited(tmp_path / "grammar", edits))


@pytest.mark.parametrize("levels", [40, 80, 250])
def test_schemas_of_namespaces_are_nested_as_deeply_as_python_allows(levels: int, tmp_path: Path) -> None:
    folder = dialect.edited(tmp_path / "grammar", [])
    path = folder / "namespace.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    inner = "{}"
    for _ in range(levels):
        inner = f'{{"not": {inner}}}'
    schema["$defs"]["nested"] = json.loads(inner)
    path.write_text(json.dumps(schema), encoding="utf-8")
    if levels < 200:
        assert schema == dialect.module_of(f"nested_{levels}", generate(folder), tmp_path).NAMESPACE_SCHEMA
        return
    with pytest.raises(GrammarError, match="nested too deeply"):
        generate(folder)
