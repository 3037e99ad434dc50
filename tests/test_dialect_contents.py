"""Contents of other formats: their classes, names and alternatives follow the grammar."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given

from codegen import GrammarError, generate

from . import dialect
from .conftest import examples
from .schema_strategies import hostile
from .test_dialects import TOOL, codec_of


@pytest.mark.parametrize("name", ["system_line", "hash_comments", "renamed_token", "role_tokens"])
def test_a_dialect_keeps_contents(name: str) -> None:
    """Contents with all that they can hold are written, read back part by part, and stay what they were as JSON."""
    module = codec_of(name)
    tool = module.Tool("f", "What it does,\nand why.", TOOL)
    tools = [module.Namespace("functions", "All of them.", [tool]), module.Namespace("python", "Runs.\n\nCode.")]
    system = module.SystemContent(conversation_start_date="2026-01-01", tools=tools)
    developer = module.DeveloperContent("Be brief.", tools, [module.ResponseFormat("r", {"type": "object"}, "R.")])
    conversation = [module.Message("system", system), module.Message("developer", developer)]
    for parsed in (module.parse(module.render(conversation)), module.parse(module.render_text(conversation))):
        read = parsed.messages[1].content
        assert (read.instructions, len(read.tools), read.response_formats) == (
            "Be brief.",
            2,
            developer.response_formats,
        )
        assert (read.tools[0].tools[0].description, read.tools[0].tools[0].parameters) == (tool.description, TOOL)
        assert parsed.messages[0].content.channel_config.function_calls is True
        assert parsed.messages == conversation
        assert module.from_json(module.to_json(parsed.messages)) == conversation


@pytest.mark.parametrize("name", ["system_line", "hash_comments", "renamed_token", "role_tokens"])
@examples(60)
@example("\\x")
@example("\t")
@given(hostile)
def test_a_dialect_reads_any_text_in_the_quotes_of_a_name(name: str, text: str) -> None:
    """Whether JSON reads it or not."""
    module = codec_of(name)
    tool = module.Tool("f", None, {"type": "object", "properties": {"a b": {}}})
    content = module.DeveloperContent(tools=[module.Namespace("functions", tools=[tool])]).text()
    changed = content.replace('"a b"', f'"{text}"')
    assume(changed != content)
    tokens = module.render([module.Message("developer", changed)])
    [found] = module.parse(tokens).messages
    assert module.render([found], style="as_parsed") == tokens
    assert module.recover(tokens).messages == module.validate(tokens).messages == [found]


def test_the_full_names_of_tools_follow_the_grammar() -> None:
    """What stands between a namespace and a tool is written once, in recovery.toml."""
    module = codec_of("slashed_tools")
    tools = [module.Namespace("functions", tools=[module.Tool("f")]), module.Namespace("web", tools=[module.Tool("g")])]
    for word, meant in {"f": "functions/f", "g": "web/g", "functions/f": "functions/f"}.items():
        text = f"<|start|>assistant<|channel|>commentary to={word}<|message|>{{}}<|call|>"
        (message,) = module.recover(text, tools=tools).messages
        assert message.recipient == meant
    report = module.validate("<|start|>assistant<|channel|>commentary to=web/h<|message|>{}<|call|>", tools=tools)
    assert "undeclared-tool" in [found.code.name for found in report.diagnostics]


def test_a_system_line_becomes_a_field() -> None:
    module = codec_of("system_line")
    system = module.SystemContent(location="Oslo")
    assert "\nKnowledge cutoff: 2024-06\nLocation: Oslo\n\nReasoning: medium\n" in system.text()
    (message,) = module.parse(module.render([module.Message("system", system)])).messages
    assert message.content.location == "Oslo"
    assert module.to_json([message])["messages"][0]["content"][0]["location"] == "Oslo"


def test_the_comment_style_follows_the_grammar() -> None:
    module = codec_of("hash_comments")
    nested = {"type": "object", "properties": {"x": {"type": "object", "properties": {"y": {"type": "number"}}}}}
    text = module.Namespace(
        "n", "A.", [module.Tool("f", "B.", {**TOOL, "minProperties": 1}), module.Tool("g", None, nested)]
    )
    assert text.text() == (
        "## n\n\n# A.\nnamespace n {\n\n# B.\ntype f = (_: # @minProperties 1\n{\n# A city.\n"
        'city?: string, # default: "Oslo"\n}) => any;\n\n'
        "type g = (_: {\nx?: {\n  y?: number,\n  },\n}) => any;\n\n} # namespace n"
    )


def test_the_parts_that_define_tools_and_answers_have_any_name() -> None:
    """Data files name them: recovery, validation, the JSON form and the tools of requests follow."""
    module = codec_of("renamed_contents")
    tool = module.Function("get_weather", "Tells it.", TOOL)
    tools = [module.Toolbox("functions", functions=[tool])]
    answer = module.ResponseFormat("city", {"type": "object", "required": ["city"]})
    developer = module.Message("developer", module.DeveloperContent("Be brief.", tools, [answer]))

    def found(header: str, content: str, **given: Any) -> list[str]:
        text = f"<|start|>assistant<|channel|>{header}<|body|>{content}"
        return [d.code.name for d in module.validate(module.render_text([developer]) + text, **given).diagnostics]

    assert found("commentary to=functions.get_weather <|constrain|>json", '{"city": "Oslo"}<|call|>') == []
    assert found("commentary to=functions.get_weather <|constrain|>json", '{"city": 7}<|call|>') == [
        "invalid-arguments"
    ]
    assert found("commentary to=functions.get_tide <|constrain|>json", "{}<|call|>") == ["undeclared-tool"]
    assert found("final <|constrain|>json", "{}<|end|>") == ["invalid-answer"]
    (message,) = module.recover("<|start|>assistant to=get_weather<|body|>{}<|call|>", tools=tools).messages
    assert message.recipient == "functions.get_weather"
    assert module.from_json(module.to_json([developer])) == [developer]
    assert [namespace.label for namespace in module.DeveloperContent("", [module.python_tools()]).toolkit] == ["python"]


@pytest.mark.parametrize("spelling", ["SCORER -> critic", '"judge/" -> critic', "SCORER name -> critic"])
def test_a_role_that_is_the_name_of_an_alternative_has_contents(spelling: str, tmp_path: Path) -> None:
    """However the alternative spells it. `tool` has none, because its rule is that of a tool in a list."""
    scorer = 'SCORER: "<|reserved_200004|>"\n' * ("SCORER" in spelling)
    edits = [
        ("harmony.lark", "      | name -> tool", f"      | {spelling}\n      | name -> tool"),
        ("harmony.lark", 'START: "<|start|>"', f'{scorer}START: "<|start|>"'),
        (
            "contents.lark",
            "\ndeveloper: ",
            '\ncritic: "Score: " SCORE "\\nReason: " LINE\nSCORE: /[0-9]+/\ndeveloper: ',
        ),
    ]
    folder = dialect.edited(tmp_path / "g", [{"file": file, "old": old, "new": new} for file, old, new in edits])
    module = dialect.module_of("critic", generate(folder), tmp_path)
    name = "a" if "name" in spelling else None
    message = module.Message("critic", module.CriticContent(score="7", line="It is short."), name=name)
    for source in (module.render([message]), text := module.render_text([message])):
        (found,) = module.parse(source).messages
        assert (found, found.content.score) == (message, "7")
    assert "Score: 7\nReason: It is short." in text
    assert module.from_json(module.to_json([message])) == [message]
    assert not hasattr(module, "ToolContent")


def test_contents_without_grammar_stay_text() -> None:
    module = codec_of("plain_contents")
    assert not hasattr(module, "SystemContent")
    assert module.parse("<|start|>system<|message|>Reasoning: low<|end|>").messages[0].content == "Reasoning: low"


CHANNELS = 'channel_config: "# Valid channels: " valid_channels "." channel_required? function_calls?\n'
SPACED = {
    "file": "contents.lark",
    "old": CHANNELS,
    "new": f'{CHANNELS}  | "# Valid channels: " valid_channels " ." channel_required? function_calls? -> spaced\n',
}


def test_contents_remember_the_alternative_that_was_read(tmp_path: Path) -> None:
    """As headers do: `as_parsed` writes it back, the other styles write the first one, and comparison ignores it."""
    module = dialect.module_of("spaced", generate(dialect.edited(tmp_path / "grammar", [SPACED])), tmp_path)
    first = "<|start|>system<|message|>Reasoning: low\n\n# Valid channels: final.<|end|>"
    text = first.replace("final.", "final .")
    found, canonical = module.parse(text).messages, module.parse(first).messages
    assert found == canonical
    assert found[0].content.channel_config.variants == ("spaced",)
    assert module.render_text(found, style="as_parsed") == text
    assert module.render_text(found) == first
    tokens = module.render(found, style="as_parsed")
    assert module.render(module.parse(tokens).messages, style="as_parsed") == tokens
    assert module.recover(text).messages == found


def test_a_style_chooses_an_alternative_of_contents(tmp_path: Path) -> None:
    """In messages that meet its condition, also in records that were read from another alternative."""
    old = 'choose = [{ choose = "recipient_last", when = { role = "assistant" } }]'
    new = '[[style.model.choose]]\nchoose = "spaced"\nwhen = { role = "system", name = false }'
    edits = [SPACED, {"file": "styles.toml", "old": old, "new": new}]
    module = dialect.module_of("styled", generate(dialect.edited(tmp_path / "grammar", edits)), tmp_path)
    first = "<|start|>system<|message|>Reasoning: low\n\n# Valid channels: final.<|end|>"
    spaced = first.replace("final.", "final .")
    for text in (first, spaced):
        found = module.parse(text).messages
        assert module.render_text(found) == first
        assert module.render_text(found, style="model") == spaced
        assert module.render(found, style="model") == module.render(module.parse(spaced).messages, style="as_parsed")
        found[0].name = "other"
        assert "final." in module.render_text(found, style="model")


def test_a_name_chooses_in_headers_or_in_contents(tmp_path: Path) -> None:
    spaced = SPACED | {"new": SPACED["new"].replace("-> spaced", "-> call")}
    with pytest.raises(GrammarError, match="the alternative name `call` is already used in `terminator`"):
        generate(dialect.edited(tmp_path / "grammar", [spaced]))


def test_a_string_may_spell_the_name_of_a_terminal(tmp_path: Path) -> None:
    """A name is a terminal, and a string is a text, whatever each spells."""
    edit = {"file": "harmony.lark", "old": 'recipient: " to=" WORD', "new": 'recipient: " to=" "WORD" WORD'}
    module = dialect.module_of("spelled_name", generate(dialect.edited(tmp_path / "grammar", [edit])), tmp_path)
    message = module.Message("assistant", "x", recipient="f")
    text = module.render_text([message])
    assert text == "<|start|>assistant to=WORDf<|message|>x<|call|>"
    assert module.parse(text).messages == [message]


LINE_TERMINALS = "NAME: /[a-z]+/\nLINE: /[^\\n]+/\nJSON: /\\{[^\\n]*\\}/\n"
CONTENTS = {
    "one rule": ('system: names\nnames: NAME ("," NAME)*\n', "a,b,c"),
    "one rule with a text": (
        'system: "<tools>\\n" tools "</tools>"\ntools: ("- " NAME "\\n")+\n',
        "<tools>\n- a\n</tools>",
    ),
    "alternatives": ('system: names | call\nnames: NAME ("," NAME)*\ncall: "call " NAME ": " LINE\n', "call f: x"),
    "one of several classes": (
        'system: "H " val ("\\n" val)*\nval: one | two\none: "1 " NAME\ntwo: "2 " NAME ": " LINE\n',
        "H 1 x\n2 y: z",
    ),
    "a class or the value of its part": (
        'system: "H " thing\n?thing: base note?\nbase: NAME\nnote: " // " NAME\n',
        "H x // y",
    ),
    "a tree": (
        'system: "T" node\nnode: leaf | branch\nleaf: " " NAME\nbranch: "(" node ("," node)* ")"\n',
        "T(( a, b), c)",
    ),
    "the value of one part": ('?system: name note?\nname: NAME\nnote: ": " LINE\n', "a: b"),
    "the value of a list": ('?system: "Tools:\\n" item+\nitem: "- " LINE "\\n"\n', "Tools:\n- a\n- b\n"),
    "json in lines": (
        'system: note "\\n<tools>\\n" tools "</tools>"\nnote: LINE\ntools: (JSON "\\n")+\n',
        'Hi\n<tools>\n{"a":1}\n{}\n</tools>',
    ),
    "a value after a list": ('system: "Tools: " names "\\n" JSON\nnames: NAME ("," NAME)*\n', 'Tools: a,b\n{"a":1}'),
    "a value after an empty list": ('system: names "Head " LINE\nnames: (NAME "\\n")*\n', "Head x"),
}


def with_contents(rules: str, folder: Path) -> Path:
    """The dialect `chatml` with contents of these rules, and of the terminals that they name."""
    used = "".join(f"{line}\n" for line in LINE_TERMINALS.splitlines() if line.split(":")[0] in rules)
    shutil.copytree(dialect.HERE / "chatml", folder)
    (folder / "contents.lark").write_text(rules + used, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "plural"),
    [("note", "notes"), ("property", "properties"), ("key", "keys"), ("fly_by", "fly_bies"), ("x_y", "x_ys")]
    + [(name, f"{name}es") for name in ("match", "box", "class_status", "dish", "quartz")],
)
def test_the_field_of_a_list_is_the_plural(name: str, plural: str, tmp_path: Path) -> None:
    """Of English, for a rule as for a terminal."""
    for rules, item in ((f"{name}: NAME\n", name), (f"{name.upper()}: /[a-z]+/\n", name.upper())):
        folder = with_contents(f'system: "Has: " {item} (", " {item})* "."\n{rules}', tmp_path / item)
        module = dialect.module_of(f"plural_{item}", generate(folder), tmp_path)
        assert module.parse("<|im_start|>system\nHas: a, b.<|im_end|>\n").messages == [
            module.Message("system", module.SystemContent(**{plural: ["a", "b"]}))
        ]


def test_the_role_is_the_field_whose_values_have_contents(tmp_path: Path) -> None:
    """Without recovery.toml. The values of another field are not roles, even of one before it."""
    folder = with_contents('system: "Be " name\nname: NAME\n', tmp_path / "grammar")
    lark = folder / "chatml.lark"
    text = lark.read_text(encoding="utf-8").replace("START role", 'START (LANG ":")? role')
    lark.write_text(f'{text}\nLANG: "en" | "name"\n', encoding="utf-8")
    module = dialect.module_of("role_after_list", generate(folder), tmp_path)
    source = "<|im_start|>name:system\nBe x<|im_end|>\n"
    (message,) = module.parse(source).messages
    assert (message.lang, message.content) == ("name", module.SystemContent(name="x"))
    assert module.render_text([message]) == source


def test_a_required_field_may_have_a_default_and_the_next_none(tmp_path: Path) -> None:
    """As the dates of Llama 3."""
    rules = 'system: "Cutoff: " cutoff "\\nToday: " name\ncutoff: LINE\nname: NAME\n'
    folder = with_contents(rules, tmp_path / "grammar")
    with (folder / "conversation.toml").open("a", encoding="utf-8") as file:
        file.write('\n[defaults.system]\ncutoff = "2023"\n')
    module = dialect.module_of("default_first", generate(folder), tmp_path)
    text = "<|im_start|>system\nCutoff: 2023\nToday: x<|im_end|>\n"
    assert module.render_text([module.Message("system", module.SystemContent(name="x"))]) == text


COLLAPSED = {
    "a text": ("core", "NAME"),
    "a listed text": ("core", 'LEVEL\nLEVEL: "low" | "high"'),
    "a named text": ("core", '"low" -> low | "high" -> high'),
    "a rule of the same kind": ("core", 'deep\n?deep: base ("/" other)?\nbase: NAME\nother: NAME'),
    "a list": ('core ("+" core)*', '"low" -> low | "high" -> high'),
}


@pytest.mark.parametrize("kind", COLLAPSED)
def test_a_rule_that_may_be_the_value_of_one_part_is_read_and_written(kind: str, tmp_path: Path) -> None:
    """Also a value without a class, and as a default."""
    core, rule = COLLAPSED[kind]
    rules = f"""system: "Effort: " effort (" for " whom)?
?effort: {core} (" (" number ")")?
core: {rule}
whom: NAME
number: NUMBER
NUMBER: /[0-9]+/
"""
    folder = with_contents(rules, tmp_path / "grammar")
    with (folder / "conversation.toml").open("a", encoding="utf-8") as file:
        file.write('\n[defaults.system]\neffort = "low"\n')
    module = dialect.module_of("collapsed", generate(folder), tmp_path)
    for content in (
        module.SystemContent(),
        module.SystemContent(whom="x"),
        module.SystemContent(module.Effort(["low"] if kind == "a list" else "low", "3"), "x"),
    ):
        message = module.Message("system", content)
        (found,) = module.parse(module.render_text([message])).messages
        (stored,) = module.from_json(module.to_json([message]))
        assert found.content.effort == stored.content.effort == content.effort
        assert (found, stored) == (message, message)
    assert module.SystemContent().effort == "low"


@pytest.mark.parametrize("part", ['"Tools:\\n" item+', 'item? ":"', "item+", 'word ("," word)*\nword: LINE'])
def test_a_rule_is_the_value_of_a_part_that_is_always_there(part: str, tmp_path: Path) -> None:
    rules = f'system: "A " x\n?x: {part}\nitem: "- " LINE "\\n"\n'
    with pytest.raises(GrammarError, match=r"`\?x` has no rule or list with separators in it that is always there"):
        generate(with_contents(rules, tmp_path / "grammar"))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ('system: "H " kind\nkind: LEVEL | NAME -> other\nLEVEL: "low" | "high"\n', "`LEVEL` is another value"),
        ('system: "H " kind\nkind: NAME | JSON -> other\n', "`JSON` is another value"),
        (
            'system: "H " kind\nkind: one | two\none: NAME | LINE -> other\ntwo: "2" NAME\n',
            "`one` has several spellings, and is one of several rules to choose from",
        ),
        ('system: "H" (NAME? "\\n")*\n', "`system` repeats what may have no value"),
        ('system: "H" (mark "\\n")*\nmark: "!"\n', "what is repeated holds more or less than one value"),
    ],
)
def test_contents_that_cannot_be_written_back_are_refused(rules: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match=reason):
        generate(with_contents(rules, tmp_path / "grammar"))


@pytest.mark.parametrize("name", CONTENTS)
def test_contents_of_few_parts_have_a_class(name: str, tmp_path: Path) -> None:
    """Whatever the rule of a role is made of, its contents are read by parts, written back, and have a JSON form."""
    rules, text = CONTENTS[name]
    text_of_module = generate(with_contents(rules, tmp_path / "grammar"))
    module = dialect.module_of(f"few_parts_{name.replace(' ', '_')}", text_of_module, tmp_path)
    source = f"<|im_start|>system\n{text}<|im_end|>\n"
    (message,) = module.parse(source).messages
    assert isinstance(message.content, module.SystemContent)
    assert message.content.text() == text
    assert module.render_text([message]) == source
    assert module.from_json(module.to_json([message])) == [message]


SPELLED = 'lead: "type " | "fn " -> of_function\nname: NAME\n'
SPELLED_TEXTS = {
    'system: lead name "!" | "z" name "!" -> zed': ["type a!", "fn a!", "za!"],
    'system: outer name\nouter: lead | "y" -> why': ["type a", "fn a", "ya"],
    'system: lead name | "z" other -> zed\nother: NAME': ["type a", "fn a", "za"],
    'system: "(" name ")" lead ("+" other)? | "(" name ")!" -> ex\nother: NAME': ["(a)fn ", "(a)type +b", "(a)!"],
    "system: outer name\nouter: lead | num\nnum: NUM\nNUM: /[0-9]/": ["type a", "fn a", "1a"],
    'system: _part name\n_part: lead other "." | "!"\nother: NAME': ["type b.a", "fn b.a", "!a"],
    'system: outer name\nouter: "x" lead | "y" lead -> why': ["xtype a", "xfn a", "ytype a", "yfn a"],
    'system: item+\nitem: lead name ";"': ["type a;", "fn a;", "type a;fn b;"],
}


@pytest.mark.parametrize("rules", SPELLED_TEXTS)
def test_a_text_has_several_spellings(rules: str, tmp_path: Path) -> None:
    """In any rule: each is read as parts, kept, and written as the first one that has the same parts."""
    module_text = generate(with_contents(f"{rules}\n{SPELLED}", tmp_path / "grammar"))
    module = dialect.module_of(f"spelled_{[*SPELLED_TEXTS].index(rules)}", module_text, tmp_path)
    for text in SPELLED_TEXTS[rules]:
        source = f"<|im_start|>system\n{text}<|im_end|>\n"
        (message,) = module.parse(source).messages
        assert isinstance(message.content, module.SystemContent)
        assert module.render_text([message], style="as_parsed") == source
        assert module.parse(module.render_text([message])).messages == [message]
        (again,) = module.from_json(module.to_json([message]))
        assert (again, module.render_text([again], style="as_parsed")) == (message, source)


def test_the_json_form_has_what_the_grammar_allows_for_a_schema(tmp_path: Path) -> None:
    edit = {"file": "contents.lark", "old": r"JSON_SCHEMA: /\{[^\n]*\}|true|false/", "new": r"JSON_SCHEMA: /[^\n]+/"}
    module = dialect.module_of("json_schema", generate(dialect.edited(tmp_path / "grammar", [edit])), tmp_path)
    content = module.DeveloperContent(response_formats=[module.ResponseFormat("n", 5)])
    messages = module.parse(module.render([module.Message("developer", content)])).messages
    assert messages[0].content.response_formats[0].schema == 5
    assert module.from_json(module.to_json(messages)) == messages


LONGER = {
    "listed": 'KIND\nKIND: "int" | "integer"',
    "named": '"int" -> int | "integer" -> integer',
    "a pattern": 'KIND\nKIND: "int" | /int[a-z]+/',
    "in brackets": 'KIND\nKIND: "i" ("nt" | /nt[a-z]+/)',
}


@pytest.mark.parametrize("kind", LONGER)
def test_a_text_may_begin_like_a_longer_one(kind: str, tmp_path: Path) -> None:
    """As in Lark, the longer one is read."""
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / "chatml", folder)
    (folder / "contents.lark").write_text(
        f'system: "Kind: " kind " (" WORD ")"\nkind: {LONGER[kind]}\nWORD: /[a-z]+/\n', encoding="utf-8"
    )
    module = dialect.module_of("prefixes", generate(folder), tmp_path)
    for value in ("int", "integer"):
        message = module.Message("system", module.SystemContent(value, "a"))
        (found,) = module.parse(module.render_text([message])).messages
        assert (found.content.kind, found.content.word) == (value, "a")


OPTIONAL = {
    "listed": ('LEVEL?\nLEVEL: "low" | "high"', ["low", None]),
    "JSON": ("JSON?\nJSON: /[^\\n]+/", [{"a": 1}, [2], None]),
    "date": ("DATE?\nDATE: /[0-9-]+/", [date(2026, 1, 2), "1-1", None]),
    "listed rule": ('level?\nlevel: "1" -> low | "2" -> high', ["low", None]),
    "dates": ('(DATE ",")*\nDATE: /[0-9-]+/', [[], [date(2026, 1, 2), "1-1"]]),
    "listed texts": ('(LEVEL ",")*\nLEVEL: "low" | "high"', [[], ["low", "high"]]),
}


@pytest.mark.parametrize("kind", OPTIONAL)
def test_a_terminal_of_any_kind_may_be_absent_or_repeated(kind: str, tmp_path: Path) -> None:
    """It is read as what was written, in text and in JSON."""
    folder, (source, values) = tmp_path / "grammar", OPTIONAL[kind]
    shutil.copytree(dialect.HERE / "chatml", folder)
    parts, *rules = source.split("\n")
    lines = [f'system: "Word: " WORD "\\n" {parts}', *rules, "WORD: /[a-z]+/", ""]
    (folder / "contents.lark").write_text("\n".join(lines), encoding="utf-8")
    module = dialect.module_of("optional", generate(folder), tmp_path)
    (field,) = set(module.SystemContent.__dataclass_fields__) - {"word", "variants"}
    for value in values:
        message = module.Message("system", module.SystemContent("a", **{field: value}))
        (found,) = module.parse(module.render_text([message])).messages
        (stored,) = module.from_json(module.to_json([message]))
        assert (found.content.word, getattr(found.content, field)) == ("a", value)
        assert getattr(stored.content, field) == value
