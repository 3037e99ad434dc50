"""Inputs that keep a careless reader busy, each at three sizes: the time for a character or token must not grow.

`python -m benchmarks.hostile [WORDS]` measures those whose names hold all the words. `HOSTILE` is the table, and a line
of what it is made of is an input. Each is a function of a size that gives what is read, and how.
"""

from __future__ import annotations

import io
import json
import random
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import click

from benchmarks.targets import BenchmarkRow, Target
from harmony_spec import DeveloperContent, Message, Namespace, StreamParser, Tool, codec, recover, render_text, validate
from harmony_spec.source.token_places import tokens_of
from harmony_spec.vocabulary import load

SIZES = (1, 3, 9)
"""Each size is so many times the first one."""

SHORTEST = 0.04
"""Seconds that reading the first size takes at least, so that what any input takes does not count."""

LARGEST = 4_000
"""Units of the first size at most."""

GROWTH = 1.5
"""How much more a unit may take from one size to the next."""

HOSTILE_RUNS = 3
"""Runs of each size; the fastest counts, since a machine that does other work only adds to it."""

TextOrTokens = str | list[int]
ReadInput = Callable[[Any], object]
HostileInput = tuple[TextOrTokens, list[Namespace] | None]


# What is read.

CALL = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>"
PRIME = 2**61 - 1
"""Multiples of it have one hash."""

MARKERS = list(codec.FORMAT.markers)
ODD = [160, 999_999, -1, 200_018]

HOSTILE_PIECES = {
    **{piece: piece for piece in MARKERS},
    "loose answers": "<|channel|>final<|message|>x",
    "loose answers that end": "<|channel|>final<|message|>x<|end|>",
    "answers": "<|start|>assistant<|channel|>final<|message|>x<|end|>",
    "returned answers": "<|start|>assistant<|channel|>final<|message|>x<|return|>",
    "thoughts": "<|start|>assistant<|channel|>analysis<|message|>x<|end|>",
    "turns": "<|start|>user<|message|>x<|end|><|start|>assistant<|channel|>analysis<|message|>x<|end|>"
    "<|start|>assistant<|channel|>final<|message|>x<|end|>",
    "instructions": "<|start|>system<|message|>x<|end|><|start|>developer<|message|># Instructions\n\nx<|end|>",
    "calls": f"{CALL}{{}}<|call|>",
    "loose calls": "<|channel|>commentary to=functions.f json<|message|>{}<|call|>",
    "calls of nobody": "<|channel|>commentary json<|message|>{}<|call|>",
    "broken calls": f"{CALL}{{<|end|>",
    "names twice": f'{CALL}{{"a":1,"a":2}}<|call|>',
    "results": "<|start|>functions.f to=assistant<|channel|>commentary<|message|>x<|end|>",
    "words in headers": "<|start|>a b c<|message|>x<|end|>",
    "odd roles": "<|start|>assistnt<|channel|>finl<|message|>x<|end|>",
    "text between": "hello <|end|>",
    "text before": "hello<|start|>",
    "spelled tokens": "<\u200b|start|>",
    "half characters": "<|start|>user<|message|>\ud800<|end|>",
    "reserved tokens": "<|reserved_200017|>x",
    "words": "word ",
}
"""What is repeated."""

STRIPPED_PIECES = {
    **{
        piece: piece
        for piece in ("\n", "\t", "user", "user ", "to=", " to=", " to=assistant", "functions.f to=assistant")
    },
    "stripped answers": "assistantfinalx",
    "stripped calls": 'assistantcommentary to=functions.f json{"a":1}',
    "white space after a call": 'assistantcommentary to=functions.f json{"a":' + " " * 500,
}
"""What is repeated in texts that are read as if their tokens were stripped."""

PAIRS = list(product(MARKERS, MARKERS))
"""The same, of special tokens only."""


def repeated(piece: str) -> Callable[[int], HostileInput]:
    return lambda size: (piece * -(-size // len(piece)), None)


def in_tokens(make: Callable[[int], HostileInput]) -> Callable[[int], HostileInput]:
    """The same as token ids."""

    def made(size: int) -> HostileInput:
        source, tools = make(size)
        assert isinstance(source, str)
        encode = load(codec.FORMAT.encoding).encode
        return tokens_of(codec.FORMAT, source.replace("\ud800", "\ufffd"), encode), tools

    return made


def tokens(make: Callable[[random.Random], int]) -> Callable[[int], HostileInput]:
    """Token ids that are drawn."""

    def made(size: int) -> HostileInput:
        rng = random.Random(5)
        return [make(rng) for _ in range(size)], None

    return made


def called(
    schema: Callable[[int], Any], arguments: Callable[[int], Any], each: int, calls: int = 1
) -> Callable[[int], HostileInput]:
    """Calls of a tool. Both functions get how many parts they should have, if a part has so many characters."""

    def made(size: int) -> HostileInput:
        count = max(size // each // calls, 1)
        text = f"{CALL}{json.dumps(arguments(count))}<|call|>" * calls
        return text, [Namespace("functions", tools=[Tool("f", None, schema(count))])]

    return made


def many_calls(schema: Any, arguments: Any) -> Callable[[int], HostileInput]:
    """One small call many times."""
    text = f"{CALL}{json.dumps(arguments)}<|call|>"
    return lambda size: (text * -(-size // len(text)), [Namespace("functions", tools=[Tool("f", None, schema)])])


def declared(schema: Callable[[int], Any], each: int) -> Callable[[int], HostileInput]:
    """A developer message that declares a form of the answer."""

    def made(size: int) -> HostileInput:
        text = json.dumps(schema(max(size // each, 1)), separators=(",", ":"))
        return (
            f"<|start|>developer<|message|># Instructions\n\nx\n\n# Response Formats\n\n## form\n\n{text}<|end|>",
            None,
        )

    return made


def offered(
    piece: str, begin: str = "// d\ntype f = (_: {\n", end: str = "}) => any;\n\n"
) -> Callable[[int], HostileInput]:
    """A developer message with a piece of the text of its functions repeated."""
    head, tail = "<|start|>developer<|message|># Tools\n\n## n\n\nnamespace n {\n\n", "} // namespace n<|end|>"
    return lambda size: (f"{head}{begin}{piece * -(-size // len(piece))}{end}{tail}", None)


def declarations(size: int) -> HostileInput:
    """Developer messages that offer one more tool each, and calls of another one."""
    parts = []
    for number in range(size // 200):
        content = DeveloperContent("", [Namespace("functions", tools=[Tool(f"f{number}")])])
        parts.append(render_text([Message("developer", content)]) + f"{CALL}{{}}<|call|>")
    return "".join(parts), None


def answers(size: int) -> HostileInput:
    """Forms of the answer, and answers that have none of them."""
    count = size // 200
    forms = "".join(f'\n\n## form{number}\n\n{{"type":"integer"}}' for number in range(count))
    answer = '<|start|>assistant<|channel|>final<|message|>"x"<|end|>'
    return (
        f"<|start|>developer<|message|># Instructions\n\nx\n\n# Response Formats{forms}<|end|>" + answer * count,
        None,
    )


def nested(keyword: str, deep: int = 40) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(deep):
        schema = {keyword: [schema, {"type": "null"}]}
    return schema


def doubled(keyword: str, deep: int = 40) -> Any:
    parts: dict[str, Any] = {"a0": {"type": "object"}}
    for number in range(deep):
        other = {"$ref": f"#/$defs/a{number}"}
        parts[f"a{number + 1}"] = {keyword: [other, other]} if keyword.endswith("Of") else {"if": other, keyword: other}
    return {"$ref": f"#/$defs/a{deep}", "$defs": parts}


def numbers(count: int) -> list[int]:
    return list(range(count))


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


def members(count: int) -> dict[str, int]:
    return dict.fromkeys(names(count), 1)


SCHEMAS: dict[str, Callable[[int], HostileInput]] = {
    **{f"nested {word}": many_calls({"items": nested(word)}, [{}]) for word in ("oneOf", "anyOf", "allOf")},
    **{f"doubled {word}": many_calls(doubled(word), {}) for word in ("oneOf", "anyOf", "allOf", "then", "else")},
    "schemas of items": called(lambda n: {"items": {"allOf": [{"minimum": 0}] * n}}, numbers, 6),
    "schemas of items, true": called(lambda n: {"items": {"allOf": [True] * n}}, numbers, 6),
    "alternatives of items": called(lambda n: {"anyOf": [{"type": "null"}] * n}, numbers, 6),
    "enum of items": called(lambda n: {"items": {"enum": names(n)}}, names, 9),
    "enum of arrays": called(lambda n: {"items": {"enum": [[name] for name in names(n)]}}, lambda n: [["x"]] * n, 7),
    "const of items": called(lambda n: {"items": {"const": numbers(n)}}, lambda n: [numbers(n)] * 20, 120),
    "required of items": called(lambda n: {"items": {"required": names(n)}}, lambda n: [{}] * n, 4),
    "dependentRequired": called(
        lambda n: {"items": {"dependentRequired": {"a": names(n)}}}, lambda n: [{"a": 1}] * n, 9
    ),
    "propertyNames": called(lambda n: {"propertyNames": {"enum": names(n)}}, members, 12),
    "contains": called(lambda n: {"allOf": [{"contains": {"const": -1}}] * n}, numbers, 6),
    "additionalProperties": called(lambda n: {"anyOf": [{"additionalProperties": False}] * n}, members, 12),
    "unevaluatedProperties": called(
        lambda n: {"patternProperties": dict.fromkeys(names(n), True), "unevaluatedProperties": False}, members, 12
    ),
    "unevaluatedProperties of alternatives": called(
        lambda n: {"anyOf": [{"unevaluatedProperties": False}] * n}, members, 12
    ),
    "unevaluatedItems": called(lambda n: {"allOf": [{"unevaluatedItems": True}] * n}, numbers, 6),
    "equal hashes": called(lambda n: {"uniqueItems": True}, lambda n: [PRIME * number for number in range(n)], 24),
    "equal hashes in arrays": called(lambda n: {"uniqueItems": True}, lambda n: [[PRIME * i] for i in range(n)], 26),
    "unique objects": called(lambda n: {"uniqueItems": True}, lambda n: [{"i": i} for i in range(n)], 12),
    "anchors": called(
        lambda n: {"$defs": {name: {"$anchor": name} for name in names(n)}, "items": {"$ref": "#n0"}}, numbers, 6
    ),
    "dynamic references": many_calls(
        {"$dynamicAnchor": "a", "items": {"anyOf": [{"$dynamicRef": "#a"}] * 2}}, [[[[1]]]] * 9
    ),
    "one long text": called(lambda n: {"anyOf": [{"maxLength": 1}] * 500}, lambda n: "x" * n, 1),
    "slow patterns": called(lambda n: {"items": {"pattern": "^(a|aa)+$|b$"}}, lambda n: ["a" * 26 + "c"] * n, 31),
    "slow patterns in calls": many_calls({"pattern": "^(a|aa)+$|b$"}, "a" * 26 + "c"),
    "pattern of one text": called(lambda n: {"pattern": "^(a|aa)+b"}, lambda n: "a" * n, 1),
    "patterns of names": called(lambda n: {"patternProperties": dict.fromkeys(names(n), True)}, members, 12),
    "declared required": declared(lambda n: {"required": [{"a": number} for number in range(n)]}, 12),
    "declared properties": declared(lambda n: {"properties": {name: {"type": "text"} for name in names(n)}}, 25),
    "declared enum": declared(lambda n: {"enum": [[PRIME * number] for number in range(n)]}, 24),
    "declared references": declared(
        lambda n: {"$defs": {name: {"$anchor": name, "not": {"$ref": f"#{name}"}} for name in names(n)}}, 50
    ),
    "declared patterns": declared(lambda n: {"patternProperties": {f"{name}(a|b)*": True for name in names(n)}}, 25),
    "declared alternatives": declared(lambda n: {"oneOf": [{"oneOf": [{"type": "null"}] * 3}] * n}, 75),
    "declarations": declarations,
    "types of functions that are unread": offered('// d\ntype f = (_: {\na: "x"y",\n}) => any;\n\n', "", ""),
    "types that are never closed": offered("// d\ntype f = (x\n\n", "", ""),
    "references without targets": offered("// d\ntype f = (_: a) => any;\n\n", "", ""),
    "unmarked comments": offered("x\n", "// d\ntype f = (_: {\n// d\n"),
    "unmarked comments of properties": offered("// d\nx\n\na: string,\n"),
    "unmarked comments, one line": offered("x: ", "// d\ntype f = (_: {\n// d\n"),
    "unmarked comments, spaces": offered(" ", "// d\ntype f = (_: {\n// d\n", "x\na: string,\n}) => any;\n\n"),
    "unmarked comments of functions": offered("// d\nx: y\n\ntype f = () => any;\n\n", "", ""),
    "unmarked comments of no function": offered("x: y\n", "// d\n", ""),
    "namespaces with comments": offered("\n\n## n\n\n// d\n\nx", "type f = () => any;\n\n} // namespace n", ""),
    "objects on one line": offered("{\nk: \n ", "// d\ntype f = (_: {\na: "),
    "objects on one line, nested": offered("a: " + "{\nk: \n                " * 20 + "string" + "}" * 19 + ",\n"),
    "brackets after a default": offered("[]", "// d\ntype f = (_: {\na: string, // default: "),
    "alternatives on one line": offered("string | \n", "// d\ntype f = (_: {\na: "),
    "properties on one line": offered("k: \n string, ", "// d\ntype f = (_: {\na: {\n"),
    "names of properties": offered("a b", "// d\ntype f = (_: {\n"),
    "brackets of a function": offered(")", "// d\ntype f = (_: {\na: ("),
    "answers of no form": answers,
    "brackets": lambda size: (f"{CALL}{'[' * size}<|call|>", []),
    "invisible": called(lambda n: {}, lambda n: ("<|" + "\u200b" * 98) * n, 100),
    "names twice in one object": lambda size: (CALL + "{" + '"a":1,' * (size // 6) + '"a":1}<|call|>', []),
    "one long word": lambda size: (f"<|start|>user<|message|>{'x' * size}<|end|>", []),
    "tools that are like each other": lambda size: (
        "".join(
            f"<|start|>assistant<|channel|>commentary to=functions.look_{i}<|message|>{{}}<|call|>"
            for i in range(size // 80)
        ),
        [Namespace("functions", tools=[Tool(f"lookup_{number}") for number in range(200)])],
    ),
}
"""Calls, declarations and answers."""


def always(token: int) -> Callable[[random.Random], int]:
    return lambda rng: token


RANDOM: dict[str, Callable[[int], HostileInput]] = {
    "drawn special tokens": tokens(lambda rng: codec.SPECIAL_TOKENS[rng.choice(MARKERS)]),
    "drawn words and special tokens": tokens(
        lambda rng: rng.choice((codec.SPECIAL_TOKENS[rng.choice(MARKERS)], rng.randrange(1000, 100_000)))
    ),
    "drawn bytes": tokens(lambda rng: rng.choice((160, 200, *(codec.SPECIAL_TOKENS[each] for each in MARKERS)))),
    "drawn unknown tokens": tokens(lambda rng: rng.choice((*ODD, *(codec.SPECIAL_TOKENS[each] for each in MARKERS)))),
    **{f"one token {token}": tokens(always(token)) for token in (*ODD, 316)},
}
"""Token ids."""


# How it is read.


def stream(made: HostileInput, chunk: int) -> None:
    source, tools = made
    parser = StreamParser("transcript", tools=tools)
    for at in range(0, len(source), chunk):
        parser.feed(cast(Any, source[at] if chunk == 1 else source[at : at + chunk]))
        len(parser.content)
    parser.close()


def command(*arguments: str) -> ReadInput:
    """The command line, with one row of JSON Lines."""

    def read(made: HostileInput) -> None:
        from harmony_spec.cli import main

        out = io.TextIOWrapper(io.BytesIO())
        with TemporaryDirectory() as folder, redirect_stdout(out), redirect_stderr(out):
            path = Path(folder, "row.jsonl")
            path.write_text(json.dumps(made[0]) + "\n")
            main(["validate", "--isolated", *arguments, str(path)], standalone_mode=False)

    def ended(made: HostileInput) -> None:
        try:
            read(made)
        except SystemExit as error:
            assert error.code in (0, 1), error.code

    return ended


CHECK = partial(lambda start, made: validate(made[0], start, tools=made[1]), "transcript")
COMPLETION_CHECK = partial(lambda start, made: validate(made[0], start, tools=made[1]), "completion")
STRIPPED_CHECK = partial(lambda start, made: recover(made[0], start, stripped=True), "completion")

READS: dict[str, ReadInput] = {
    "validate": CHECK,
    "validate completion": COMPLETION_CHECK,
    "recover": lambda made: recover(made[0], "transcript", tools=made[1]),
    "human": command(),
    "json": command("--output-format", "json"),
    "sarif": command("--output-format", "sarif"),
    "fixes": command("--diff"),
}
STREAMS: dict[str, ReadInput] = {"stream": partial(stream, chunk=1), "stream chunks": partial(stream, chunk=64)}

HOSTILE: dict[str, tuple[Callable[[int], HostileInput], ReadInput]] = {
    **{f"{how} {name!r}": (repeated(piece), READS[how]) for name, piece in HOSTILE_PIECES.items() for how in READS},
    **{
        f"{how} {a + b!r}": (repeated(a + b), READS[how])
        for a, b in PAIRS
        for how in ("validate", "validate completion")
    },
    **{f"{how} ids {a + b!r}": (in_tokens(repeated(a + b)), STREAMS[how]) for a, b in PAIRS for how in STREAMS},
    **{
        f"{how} ids {name!r}": (in_tokens(repeated(piece)), read)
        for name, piece in HOSTILE_PIECES.items()
        for how, read in (("validate", CHECK), ("validate completion", COMPLETION_CHECK), *STREAMS.items())
    },
    **{f"stripped {name!r}": (repeated(piece), STRIPPED_CHECK) for name, piece in STRIPPED_PIECES.items()},
    **{f"validate {name}": (make, CHECK) for name, make in SCHEMAS.items()},
    **{
        f"{how} {name}": (make, read)
        for name, make in RANDOM.items()
        for how, read in (("validate", CHECK), ("recover", READS["recover"]), *STREAMS.items())
    },
}
"""What is measured, by name."""


def forget() -> None:
    """Empty the caches of headers and contents, which would hold all of the first size when it is read again."""
    for caches in (codec.FORMAT.caches, *codec.FORMAT.owned.values()):
        for cache in caches.values():
            if isinstance(cache, dict):
                cache.clear()


def seconds(read: ReadInput, made: HostileInput) -> float:
    found = []
    for _ in range(HOSTILE_RUNS):
        forget()
        start = time.process_time()
        read(made)
        found.append(time.process_time() - start)
    return min(found)


def grown(name: str) -> BenchmarkRow:
    """How much more a unit takes from one size to the next, at worst. What seems too much is measured again."""
    make, read = HOSTILE[name]
    size = 500
    read(make(size))
    while size < LARGEST and seconds(read, make(size)) < SHORTEST:
        size *= 2
    worst: BenchmarkRow | None = None
    for few, many in pairwise(SIZES):
        short, long = make(few * size), make(many * size)
        for _ in range(3):
            per_unit = [seconds(read, made) / len(made[0]) * 1e9 for made in (short, long)]
            if per_unit[1] <= GROWTH * per_unit[0]:
                break
        at = f"itself at {len(short[0]):,}"
        row = BenchmarkRow(f"{name}, {len(long[0]):,}", at, "ns/unit", per_unit[1], per_unit[0], Target(GROWTH))
        worst = row if worst is None or (row.ratio or 0) > (worst.ratio or 0) else worst
    assert worst is not None
    return worst


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("words", nargs=-1, metavar="[WORD]...")
def main(words: tuple[str, ...]) -> None:
    """Measure the hostile inputs whose names contain all WORDs; the exit status is 1 if a target is missed."""
    names = [name for name in HOSTILE if all(word in name for word in words)]
    if not names:
        raise click.UsageError(
            f"no name contains {' and '.join(map(repr, words))}; HOSTILE in {__file__} has the names"
        )
    missed = 0
    for name in names:
        row = grown(name)
        missed += not row.reached
        print(
            f"{'' if row.reached else 'MISSED '}{row.ratio:.2f} {row.theirs:8.0f} {row.ours:8.0f} {row.measured}",
            flush=True,
        )
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
