"""The functions and classes that users call, from one list of arguments and one of functions; the JSON form."""

from __future__ import annotations

from typing import NamedTuple

from ..model.content_grammar import fixed_text
from ..model.format_model import AS_PARSED, CONTENT_FIELD, Field, Format
from ..read.grammar_nodes import RuleCall, Text
from .content_table import name_terminal, terminal_pattern
from .message_types import annotation
from .source_text import Block, PythonCode, Writer, arguments, call, data, literal, mapping

FUNCTION_PARAMETERS = {
    "self": "self",
    "messages": "messages: Sequence[Message]",
    "source": "source: str | Sequence[int]",
    "value": "value: object",
    "start": "start: Start = {start}",
    "style": "style: Style = {style}",
    "train": "train: {train}",
    "tools": "tools: Iterable[{offered}] | None = None",
    "stripped": "stripped: bool = False",
    "strict": "strict: bool = False",
    "tokenization": "tokenization: bool = True",
    "max_repair_cost": "max_repair_cost: int | None = None",
    "tokenizer": "tokenizer: runtime.Tokenizer | None = None",
    "text": "text: str",
    "tokens": "tokens: Sequence[int]",
    "allowed_special": 'allowed_special: Literal["all"] | Iterable[str] = ()',
}

DESCRIPTIONS = {
    "messages": "the messages to write.",
    "source": "text with special tokens spelled out, or token ids.",
    "start": "the type of the input: a start rule of the grammar.",
    "style": "which of the accepted spellings to write; as_parsed keeps those that a message was read with.",
    "train": "what to train on: what the model samples in the last turn, or in all turns (its role), or where a"
    " function of a message and a part returns true.",
    "tools": "offered tools, in addition to those that the messages declare: names or namespaces.",
    "stripped": "the special tokens may have been stripped; where headers were is then a guess.",
    "strict": "raise `runtime.ParseError` where the tokens leave the grammar, instead of repairing them.",
    "tokenization": "whether to compare token ids with the tokenizer's own ids for the same text.",
    "max_repair_cost": "a header whose repair costs more is read as text; in tenths, as `Repair.cost`.",
    "text": "plain text, which may spell special tokens.",
    "tokens": "token ids, ordinary or special.",
    "allowed_special": "spelled special tokens that become special tokens; any other is an error.",
    "tokenizer": "encodes and decodes ordinary tokens; by default the vocabulary that comes with the package.",
}

OF_OPEN_HEADER = "the value in the open header; a completion continues this header, and a prompt ends with it."


class Function(NamedTuple):
    """A function that passes its arguments on to the library: to the one of the same name."""

    name: str
    result: str
    arguments: str
    summary: str
    raises: tuple[str, ...] = ()
    decorator: str = ""


PUBLIC_FUNCTIONS = (
    Function(
        *("parse", "runtime.Parsed[Message]", "source start tokenizer"),
        "Read messages strictly: whatever the grammar does not describe is an error.",
        ("runtime.ParseError: the source is not what the grammar describes.",),
    ),
    Function(
        *("render", "list[int]", "messages start style tokenizer"),
        "Write messages as token ids.",
        ("runtime.RenderError: the format cannot express a message.",),
        "runtime.refuses_training",
    ),
    Function(
        *("render_text", "str", "messages start style"),
        "Write messages as text, special tokens spelled out.",
        ("runtime.RenderError: as for `render`, or a content spells a special token, which as text would become one.",),
        "runtime.refuses_training",
    ),
    Function(
        *("count_tokens", "int", "messages start style tokenizer"),
        "Count the token ids that `render` returns.",
        ("runtime.RenderError: as for `render`.",),
        "runtime.refuses_training",
    ),
    Function(
        *("render_training", "runtime.Training", "messages train style tokenizer"),
        "Write a transcript to train on as token ids, without the analysis of earlier turns, with a mask.",
        ("runtime.RenderError: as for `render`.",),
    ),
    Function(
        *("encode", "list[int]", "text allowed_special tokenizer"),
        "Encode a plain text. Contents of messages are encoded by `render`, whatever they spell.",
        ("VocabularyError: the text spells a special token that is not allowed, or has a lone surrogate.",),
    ),
    Function(
        *("decode", "str", "tokens tokenizer"),
        "Decode token ids, special tokens spelled out; unknown ids become `<id>`, invalid UTF-8 U+FFFD.",
    ),
)

RECOVERING = (
    Function(
        *("recover", "runtime.Recovered[Message]", "source start tools stripped tokenizer max_repair_cost"),
        "Read messages, also malformed ones; never raises for what the source holds.",
    ),
    Function(
        *("validate", "runtime.Report[Message]", "source start tools stripped tokenization tokenizer"),
        "Check a source: report violations of the grammar and mistakes in the conversation; never raises for them.",
    ),
)

STREAM_PARSER_INIT = Function(
    *("StreamParser", "runtime.StreamParser[Message]", "self start tools strict tokenizer max_repair_cost"),
    "Reads token ids as they arrive, one or many at a time.",
)

OF_JSON_FORM = (
    Function(
        *("to_json", "dict[str, Any]", "messages"),
        "Convert messages to their JSON form, ready for `json.dumps`.",
        (
            "runtime.RenderError: an item is not a message of this codec, or has a value of a wrong type.",
            "runtime.ConversationError: a schema is nested too deeply.",
        ),
    ),
    Function(
        *("from_json", "list[Message]", "value"),
        "Read the messages of a conversation in its JSON form.",
        (
            "runtime.ConversationError: the value is not a conversation; the error has its place as a JSON pointer,"
            " what is expected there, and what to write.",
        ),
    ),
)


def emit_functions(format: Format, writer: Writer) -> None:
    starts = ", ".join(literal(start.name) for start in format.starts)
    styles = ", ".join(literal(name) for name in [*format.styles, AS_PARSED])
    writer.space()
    writer.line(f"Start = Literal[{starts}]")
    writer.line(f"Style = Literal[{styles}]")
    for function in (*PUBLIC_FUNCTIONS, *(RECOVERING if format.recovery is not None else ())):
        parameters = _parameters(format, function, "transcript")
        with writer.function(function.name, parameters, function.result, function.decorator):
            writer.docstring(_doc(format, function))
            writer.block(_passed(format, function, f"runtime.{function.name}"), prefix="return ")
    if format.recovery is not None:
        _stream(format, writer)
    for drop in format.drops:
        with writer.function(drop.name, ["messages: Sequence[Message]"], "list[Message]"):
            first = "Drop messages of completed turns that are not shown again; messages of the current turn stay."
            doc = (
                "`FORMAT.drops` has two conditions: which messages complete a turn, and which earlier ones are dropped."
            )
            raised = "    runtime.RenderError: an item is not a message of this codec."
            writer.docstring([first, "", doc, "", "Raises:", raised])
            writer.line(f"return runtime.drop_completed(FORMAT, messages, FORMAT.drops[{literal(drop.name)}])")


def emit_json_functions(format: Format, writer: Writer) -> None:
    for function in OF_JSON_FORM:
        with writer.function(function.name, _parameters(format, function, ""), function.result):
            writer.docstring(_doc(format, function))
            writer.line(f"return _json().{function.name}({function.arguments})")


def _given(format: Format, function: Function) -> list[Field]:
    """The fields of the open header, which are arguments too; keywords, as are the arguments after `start`."""
    if "start" not in function.arguments or not format.open_frame:
        return []
    return [format.fields[name] for name in format.fields if name in format.fields_of(RuleCall(format.open_frame))]


def _parameters(format: Format, function: Function, start: str) -> list[str]:
    namespace = format.definitions.get("namespace")
    offered = f"str | {format.contents.class_name(namespace.rule)}" if namespace else "str"
    values = {"start": literal(start), "style": literal(format.default_style), "offered": offered}
    values["train"] = _train(format)
    found = [FUNCTION_PARAMETERS[name].format(**values) for name in function.arguments.split()]
    fields = []
    for field in _given(format, function):
        default = format.opening.get(field.name, False if field.flag else None)
        fields.append(f"{field.name}: {annotation(field, default is not None)} = {data(default)}")
    positional = 2 if {"start", "train"} & {*function.arguments.split()} or len(found) == 1 else 1
    return [*found[:positional], *["*"] * (len(found) > positional), *fields, *found[positional:]]


def _train(format: Format) -> str:
    """The type of `train`, with its default: without `[opening]`, nothing shows which messages the model writes."""
    function = "Callable[[Message, runtime.TrainingPart], bool]"
    authors = [literal(value) for value in format.opening.values() if isinstance(value, str)]
    names = ", ".join([literal("last_turn"), *authors])
    return f'Literal[{names}] | {function} = "last_turn"' if authors else function


def _doc(format: Format, function: Function) -> list[str]:
    names = function.arguments.split()
    given = [f"    {field.name}: {OF_OPEN_HEADER}" for field in _given(format, function)]
    described = [f"    {name}: {DESCRIPTIONS[name]}" for name in names if name in DESCRIPTIONS]
    at = len([name for name in names[:2] if name in DESCRIPTIONS])
    chosen = " or ".join(f"`{name}`" for name in names if name in ("start", "style", "train"))
    given_fields = " or ".join(f"`{field.name}`" for field in _given(format, function) if "messages" not in names)
    raises = [
        *function.raises,
        *[f"ValueError: {chosen} is unknown."] * bool(chosen),
        *[f"ValueError: no open header has this {given_fields}."] * bool(given_fields),
    ]
    raised = ["", "Raises:", *(f"    {each}" for each in raises)] if raises else []
    arguments = ["", "Args:", *described[:at], *given, *described[at:]] if len(names) > 1 else []
    return [function.summary, *arguments, *raised]


def _passed(format: Format, function: Function, name: str) -> Block:
    found: list[str | Block] = [argument for argument in function.arguments.split() if argument != "self"]
    if "start" in found:
        given = mapping({literal(field.name): field.name for field in _given(format, function)})
        is_checked = "messages" not in found and _given(format, function)  # renderers write it, and so check it
        found.insert(found.index("start") + 1, call("runtime.opened", "FORMAT", given) if is_checked else given)
    if "max_repair_cost" in found:
        found[found.index("max_repair_cost")] = call("runtime.require_cost", "max_repair_cost")
    return call(name, "FORMAT", *found)


def _stream(format: Format, writer: Writer) -> None:
    with writer.definition(f"class {STREAM_PARSER_INIT.name}({STREAM_PARSER_INIT.result})"):
        writer.docstring(_doc(format, STREAM_PARSER_INIT))
        with writer.function("__init__", _parameters(format, STREAM_PARSER_INIT, "completion"), "None"):
            writer.block(_passed(format, STREAM_PARSER_INIT, "super().__init__"))
        for field in format.fields.values():
            if field.name == CONTENT_FIELD:
                continue
            kind, missing = annotation(field, False), "False" if field.flag else "None"
            with writer.function(field.name, ["self"], kind, decorator="property"):
                writer.docstring(
                    [field.doc, "", f"The value in the open message; {missing} if absent or not read yet."]
                )
                writer.line(f"value: {kind} = self.value({literal(field.name)}, {missing})")
                writer.line("return value")


def emit_json(format: Format, writer: Writer) -> None:
    joined = {
        name: {field: fixed_text(format.mark_of(field) or Text("")) or None for field in fields}
        for name, fields in format.json.get("joined", {}).items()
    }
    found = {**format.json, "joined": joined, "patterns": _patterns(format)}
    used = arguments(**{key: value for key, value in found.items() if value})
    with writer.function("_json", [], "runtime.JsonForm", decorator="cache"):
        writer.line('"""Make the JSON form when it is needed: an import takes a tenth longer with it."""')
        writer.block(call("runtime.JsonForm", "FORMAT", *used), prefix="return ")
    writer.line("CONVERSATION_SCHEMA: dict[str, Any]")
    writer.line('"""The JSON Schema of the JSON form of a conversation."""')
    writer.space()
    with writer.body("if not TYPE_CHECKING:"), writer.function("__getattr__", ["name: str"], "Any"):
        writer.line('if name == "CONVERSATION_SCHEMA":')
        writer.line("    return globals().setdefault(name, _json().schema())")
        writer.line('raise AttributeError(f"module {__name__!r} has no attribute {name!r}")')
    if format.namespace is not None:
        writer.space(2)
        doc = "The JSON Schema of a tool namespace."
        writer.assign("NAMESPACE_SCHEMA: dict[str, Any]", data(format.namespace), doc=doc)
    emit_json_functions(format, writer)


def _patterns(format: Format) -> dict[str, PythonCode]:
    """The pattern of the fields of contents that have the terminal for the names of tools."""
    contents, named, found = format.contents, name_terminal(format), dict[str, PythonCode]()
    for rule in contents.user_rules() if named else ():
        for name, (node, *_) in contents.fields(rule).items():
            if named in (terminals := contents.terminals_of(node)):
                patterns = (terminal_pattern(terminal.name) for terminal in terminals)
                found[f"{rule}.{name}"] = PythonCode(f" + {literal('|')} + ".join(patterns))
    return found
