"""The generated module, from top to bottom."""

from __future__ import annotations

from .emit_contents import emit_contents, emit_tools, tools_name
from .emit_frames import atom_names, emit_atoms, emit_frame, emit_starts
from .emit_patterns import constant, emit_patterns, markers
from .emit_schema import emit_conversation
from .emit_types import class_name, emit_types, user_rules
from .emit_writers import emit_writers
from .format import CONTENT, Call, Choose, Field, Format, Terminal
from .graph import framing, graph
from .pattern import any_of, is_free
from .writer import Block, Writer, call, data, group, literal, mapping, raw

API = (1, 0)
AS_PARSED = "as_parsed"


def emit(format: Format) -> str:
    """The source text of the codec of a format."""
    writer = Writer()
    _head(format, writer)
    _vocabulary(format, writer)
    _message(format, writer)
    writer.line()
    writer.line()
    writer.comment("Patterns. Surrogates stand for special tokens, so text never matches one.")
    writer.line()
    for spelling, marker in markers(format).items():
        writer.comment(f"\\u{ord(marker):04x} {spelling}")
    writer.line()
    emit_patterns(format, writer)
    writer.line()
    writer.comment("Writers: the same rules from the other side.")
    emit_writers(format, writer)
    writer.line()
    writer.line()
    writer.comment("States: what may come next.")
    writer.line()
    names = atom_names(format)
    emit_atoms(format, names, writer)
    for name in format.frames:
        emit_frame(format, name, names, writer)
        writer.line()
    emit_starts(format, writer)
    if format.contents.roles:
        emit_contents(format, writer)
    writer.line()
    _format(format, writer)
    _functions(format, writer)
    emit_tools(format, writer)
    emit_conversation(format, writer)
    return writer.text()


def _head(format: Format, writer: Writer) -> None:
    exported = ["Message", "SPECIAL_TOKENS", "STOP_TOKENS", "parse", "render", "render_text"]
    exported += ["EXAMPLE"] if format.example else []
    exported += [type_name(field) for field in format.fields if field.values]
    exported += [drop.name for drop in format.drops]
    exported += [tools_name(file) for file in format.tools]
    exported += [class_name(format.contents, rule) for rule in user_rules(format.contents)]
    exported += ["CONVERSATION_SCHEMA", "from_json", "to_json"] if format.schema is not None else []
    writer.docstring(
        [
            f"The codec of {format.lark}: message type, strict parser, renderer.",
            "",
            f"Generated from {', '.join(format.files)} by `harmony-spec generate`. Do not edit; edit the grammar.",
        ]
    )
    writer.line()
    writer.line("from __future__ import annotations")
    writer.line()
    if format.contents.roles:
        writer.line("import re")
    writer.line("from collections.abc import Sequence")
    writer.line("from dataclasses import dataclass, field")
    writer.line(f"from typing import {'Any, ' if format.schema is not None or format.contents.roles else ''}Literal")
    writer.line()
    writer.line("from harmony_spec import runtime")
    writer.line()
    writer.line(f"runtime.require_api{API}")
    writer.line()
    writer.block(Block("[", tuple(literal(name) for name in _sorted(exported)), "]"), prefix="__all__ = ")
    writer.line()


def _sorted(names: list[str]) -> list[str]:
    """Constants, then classes, then the rest, as ruff sorts `__all__`."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def _vocabulary(format: Format, writer: Writer) -> None:
    vocabulary = format.vocabulary
    reserved = set()
    if vocabulary.reserved:
        template, first, last = vocabulary.reserved
        reserved = {template.replace("{id}", str(number)) for number in range(first, last + 1)}
    named = {s: n for s, n in vocabulary.special.items() if s not in reserved}
    if vocabulary.reserved:
        writer.line("_NAMED = {")
    else:
        writer.line("SPECIAL_TOKENS: dict[str, int] = {")
    for spelling, number in named.items():
        writer.line(f"    {literal(spelling)}: {number},")
    writer.line("}")
    writer.line()
    if vocabulary.reserved:
        before, after = template.split("{id}", 1)
        writer.line(f"_RESERVED = sorted({{*range({first}, {last + 1})}} - {{*_NAMED.values()}})")
        spelling = f"{literal(before)} + str(number) + {literal(after)}"
        comprehension = Block("{", (f"{spelling}: number for number in _RESERVED",), "}")
        writer.line(f"SPECIAL_TOKENS: dict[str, int] = _NAMED | {comprehension.flat()}")
    writer.line('"""Special tokens and their ids."""')
    writer.line()
    base = vocabulary.base or {"name": None, "size": vocabulary.size, "sha256": None, "split": ()}
    block = call(
        "runtime.Encoding",
        f"name={literal(vocabulary.encoding)}",
        f"size={vocabulary.size}",
        f"base={literal(base['name']) if base['name'] else None}",
        f"base_size={base['size']}",
        f"sha256={literal(base['sha256']) if base['sha256'] else None}",
        group(map(literal, base["split"])).prefixed("split="),
        "special=SPECIAL_TOKENS",
    )
    writer.block(block, prefix="_ENCODING = ")
    writer.line()
    message = framing(graph(format, format.message))
    stops = {"message": message.closes} | {name: stop_spellings(format, names) for name, names in format.stops.items()}
    entries = {
        literal(name): group(str(i) for i in sorted(vocabulary.special[s] for s in spellings))
        for name, spellings in stops.items()
    }
    writer.block(mapping(entries), prefix="STOP_TOKENS: dict[str, tuple[int, ...]] = ")
    writer.line(
        '"""The ids of the special tokens that end a message; under other names, those at which sampling stops."""'
    )
    if format.example:
        writer.line()
        writer.line(f"EXAMPLE = {literal(format.example)}")
        writer.line('"""A transcript to try things on."""')


def stop_spellings(format: Format, names: tuple[str, ...]) -> set[str]:
    """The special tokens that named alternatives consist of."""
    from .format import Choice, Special

    branches = [b for r in format.rules.values() if isinstance(r.node, Choice) for b in r.node.branches]
    nodes = [format.resolve(b.node) for b in branches if b.name in names]
    return {node.spelling for node in nodes if isinstance(node, Special)}


def type_name(field: Field) -> str:
    return "".join(part.title() for part in field.name.split("_"))


def annotation(field: Field) -> str:
    if field.flag:
        return "bool"
    name = type_name(field) if field.values else "str"
    return name if field.required else f"{name} | None"


def _message(format: Format, writer: Writer) -> None:
    for field in format.fields:
        if field.values:
            writer.line()
            listed = Block("Literal[", tuple(map(literal, field.values)), "]")
            writer.block(listed, prefix=f"{type_name(field)} = ")
    emit_types(format.contents, writer)
    writer.line()
    writer.line()
    writer.line("@dataclass(slots=True)")
    writer.line("class Message:")
    writer.depth += 1
    attributes = []
    for field in format.fields:
        text = " ".join(line for line in field.doc if not line.startswith("Source:")) or "See the grammar."
        attributes.append(f"    {field.name}: {text}")
    attributes.append(
        "    variants: The named alternatives of the grammar that the message was read from; not compared."
    )
    rule = format.rules[format.message]
    writer.docstring(
        [
            rule.doc[0] if rule.doc else "One message.",
            "",
            *rule.doc[1:],
            *[""] * (len(rule.doc) > 1),
            "Attributes:",
            *attributes,
        ]
    )
    writer.line()
    contents = [class_name(format.contents, role) for role in format.contents.roles]
    for field in format.fields:
        default = "" if field.required else " = False" if field.flag else " = None"
        kind = " | ".join(["str", *contents]) if field.name == CONTENT else annotation(field)
        writer.line(f"{field.name}: {kind}{default}")
    writer.line("variants: tuple[str, ...] = field(default=(), compare=False, repr=False)")
    if contents:
        writer.line()
        writer.line("@property")
        writer.line("def text(self) -> str:")
        writer.depth += 1
        writer.docstring(["The content as text, without what the rest of a conversation decides about it."])
        writer.line("return self.content if isinstance(self.content, str) else self.content.text()")
        writer.depth -= 1
    writer.depth -= 1


def _choices(choices: tuple[Choose, ...]) -> Block:
    return group(call("runtime.Choose", literal(choose.alternative), data(choose.when.fields)) for choose in choices)


def _format(format: Format, writer: Writer) -> None:
    names = [field.name for field in format.fields]
    defaults = {literal(f.name): "False" if f.flag else "None" for f in format.fields if f.name != CONTENT}
    block = call(
        "runtime.Format",
        "encoding=_ENCODING",
        f"special_text={raw(any_of(sorted(format.vocabulary.special)))}",
        mapping({literal(s): literal(m) for s, m in markers(format).items()}).prefixed("markers="),
        "message=Message",
        group(map(literal, names)).prefixed("fields="),
        f"content_at={names.index(CONTENT)}",
        f"contents={'_CONTENTS' if format.contents.roles else 'runtime.NO_CONTENTS'}",
        mapping(defaults).prefixed("defaults="),
        mapping(dict(_field_patterns(format))).prefixed("patterns="),
        "starts=_STARTS",
        mapping({literal(s.name): _choices(s.choose) for s in format.styles}).prefixed("styles="),
        f"default_style={literal(format.default_style)}",
        f"as_parsed={literal(AS_PARSED)}",
        _choices(format.always).prefixed("always="),
        _choices(format.training).prefixed("training="),
    )
    writer.block(block, prefix="FORMAT = ")
    writer.line('"""The tables of this format."""')


def _field_patterns(format: Format) -> list[tuple[str, Block]]:
    """For each field whose text is free within a pattern: the pattern, and how the grammar writes it."""
    found = []
    for field in format.fields:
        terminals = format.terminals_of(field.name)
        if len(terminals) != 1 or field.values is not None:
            continue
        terminal = format.terminals[terminals[0]]
        if not is_free(terminal.pattern):
            found.append((literal(field.name), group([constant(terminal.name), literal(shown(terminal))])))
    return found


def shown(terminal: Terminal) -> str:
    return " ".join(terminal.source.split())


def _functions(format: Format, writer: Writer) -> None:
    open_fields = format.fields_of(Call(format.open_frame)) if format.open_frame else {}
    given = [field for field in format.fields if field.name in open_fields]
    parameters = []
    for field in given:
        value = format.opening.get(field.name)
        kind = "bool" if field.flag else f"{type_name(field)} | None" if field.values else "str | None"
        default = (
            literal(value)
            if isinstance(value, str)
            else repr(value)
            if value is not None
            else "False"
            if field.flag
            else "None"
        )
        parameters.append(
            f"{field.name}: {kind if value is None or field.flag else kind.removesuffix(' | None')} = {default}"
        )
    passed = mapping({literal(field.name): field.name for field in given})
    starts = ", ".join(literal(start.name) for start in format.starts)
    styles = ", ".join(literal(name) for name in [*(s.name for s in format.styles), AS_PARSED])
    docs = [f"    {f.name}: of the open header that a completion continues and a prompt ends with." for f in given]
    writer.line()
    writer.line(f"Start = Literal[{starts}]")
    writer.line(f"Style = Literal[{styles}]")
    _parse(parameters, passed, docs, writer)
    _render(format, parameters, passed, docs, writer)
    for drop in format.drops:
        _drop(drop.name, data(drop.dropped.fields), data(drop.completes.fields), writer)


def _signature(name: str, parameters: list[str], result: str, writer: Writer) -> None:
    writer.line()
    writer.line()
    writer.block(Block(f"def {name}(", tuple(parameters), ")"), suffix=f" -> {result}:")
    writer.depth += 1


def _parse(parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    signature = ["source: str | Sequence[int]", f"start: Start = {literal('transcript')}", "*", *parameters]
    signature.append("tokenizer: runtime.Tokenizer | None = None")
    _signature("parse", signature, "runtime.Parsed[Message]", writer)
    writer.docstring(
        [
            "Read messages strictly: whatever the grammar does not describe is an error.",
            "",
            "Args:",
            "    source: text with special tokens spelled out, or token ids.",
            "    start: what the source is.",
            *docs,
            "    tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.",
            "",
            "Raises:",
            "    runtime.ParseError: the source is not what the grammar describes.",
        ]
    )
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.parse(FORMAT, source, start, given, tokenizer)")
    writer.depth -= 1


def _render(format: Format, parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    common = ["messages: Sequence[Message]", f"start: Start = {literal('transcript')}", "*", *parameters]
    common.append(f"style: Style = {literal(format.default_style)}")
    common += ["training: bool = False"]
    args = [
        "",
        "Args:",
        "    messages: what to write.",
        "    start: what to write it as.",
        *docs,
        "    style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.",
        "    training: whether the last message is a target for training.",
    ]
    raises = ["", "Raises:", "    runtime.RenderError: the format cannot express a message."]
    _signature("render", [*common, "tokenizer: runtime.Tokenizer | None = None"], "list[int]", writer)
    tokenizer = "    tokenizer: encodes text; by default the vocabulary that comes with the package."
    writer.docstring(["Write messages as token ids.", *args, tokenizer, *raises])
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.render(FORMAT, messages, start, given, style, training, tokenizer)")
    writer.depth -= 1
    _signature("render_text", common, "str", writer)
    also = "    runtime.RenderError: also, a content spells a special token, which as text would become one."
    writer.docstring(["Write messages as text, special tokens spelled out.", *args, *raises[:-1], also])
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.render_text(FORMAT, messages, start, given, style, training)")
    writer.depth -= 1


def _drop(name: str, dropped: str | Block, completes: str | Block, writer: Writer) -> None:
    _signature(name, ["messages: Sequence[Message]"], "list[Message]", writer)
    writer.docstring(
        [
            "The messages without those of completed turns that are not shown again; those of the current turn stay.",
            "",
            "A message that meets `completes` ends a turn; those before the last such one that meet `dropped` go.",
        ]
    )
    assert isinstance(dropped, Block)
    assert isinstance(completes, Block)
    writer.block(dropped, prefix="dropped = ")
    writer.block(completes, prefix="completes = ")
    writer.line("return runtime.drop_completed(messages, dropped, completes)")
    writer.depth -= 1
