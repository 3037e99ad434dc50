"""Chat Completions to messages of a format."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from json import JSONDecoder
from operator import attrgetter
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codes import INVALID_JSON, UNREQUESTED_TOOL_RESULT
from ..diagnostics import Diagnostic, abridge
from ..errors import quoted
from ..tools.chat_requests import CUSTOM, INPUT, ChatTools, answer_forms, is_called, require_expressible, with_effort
from ..tools.openai_tools import FUNCTION
from ..tools.purposes import Purpose, Purposes
from ..tools.requirements import Policy, Reporter, fail, readable, require_list, require_object, require_text
from .chat_types import ChatMessage, Side, SideText
from .identifiers import digest_of
from .sides import Steps, reading_side, restored_messages, to_text, value_at, without

if TYPE_CHECKING:
    from ..codec import Message, Namespace, SystemContent

REASONING_KEYS = ("reasoning", "reasoning_content", "thinking")
"""The keys for thoughts. Chat Completions have none; servers and data sets write these."""

ROLES = ("system", "developer", "user", "assistant", "tool", FUNCTION)
"""The roles of Chat Completions. `function` is the old name of `tool`."""

INSTRUCTS, ASSISTANT, RESULTS = ROLES[:2], ROLES[3], ROLES[4:]

KEYS = ("role", "content", "name")
KEYS_BY_ROLE: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(ROLES, frozenset(KEYS)),
    ASSISTANT: frozenset((*KEYS, "tool_calls", "function_call", "refusal", "phase", *REASONING_KEYS)),
    **dict.fromkeys(RESULTS, frozenset((*KEYS, "tool_call_id", "tool_name"))),
}
"""The keys of messages that are read. Other values are reported, unless they are empty."""

KEYS_OF_CALL = frozenset(("id", "type", "index", FUNCTION, CUSTOM))
KEYS_OF_FLAT_CALL = frozenset(("id", "type", "index", "name", "arguments", INPUT))
"""The keys of calls that are read; `index` numbers calls in chunks of streams."""

KEYS_OF_TEXT_PART = frozenset(("type", "text", "refusal"))

UNREPORTED_VALUES: tuple[Any, ...] = (None, "", [], {})
"""Empty values, which are not reported."""

OF_FORMAT = "If these are messages of the format, read them with from_json."
"""The hint for a field of the format, which would be lost: with a channel, thoughts would become an answer."""

PHASES: Mapping[str, Purpose] = {"commentary": "preamble", "final_answer": "answer"}
"""The purposes of texts by `phase`, which Responses have for what Chat Completions leave open."""


@dataclass(frozen=True)
class Adapted:
    """Messages of a format that were made of a request.

    Attributes:
        messages: the messages; those of completed turns still have their analysis.
        side: what they cannot hold; `to_chat` restores the messages of the request with it.
        origins: for each message the index of the chat message that it was made of; None if it was made of settings.
        findings: what was left out or replaced, each with its JSON pointer.
        tools: the offered tools, for `recover` and `StreamParser`.
    """

    messages: list[Message]
    side: Side
    origins: list[int | None] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    tools: list[Namespace] = field(default_factory=list)


class Piece(NamedTuple):
    """A text of a message, and its places in the chat message; none for a text that stands for something else."""

    paths: tuple[Steps, ...]
    text: str
    form: str = "text"


@dataclass(slots=True)
class Call:
    """A call, and whether a result answers it."""

    number: int
    batch: int
    recipient: str
    channel: str | None
    is_answered: bool = False


@dataclass(slots=True)
class Made:
    """A message, where it goes, and the texts that it consists of: for each the index of its chat message."""

    place: tuple[int, int]
    message: Any
    texts: list[tuple[int, Piece]]


def from_chat(
    messages: Sequence[ChatMessage] | Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    tool_choice: object = None,
    response_format: Mapping[str, Any] | None = None,
    reasoning_effort: str | None = None,
    settings: SystemContent | None = None,
    side: Side | None = None,
    constrain: bool = True,
    interleave: bool = False,
    unsupported: Policy = "refuse",
    codec: ModuleType | None = None,
) -> Adapted:
    """Convert the messages and settings of a Chat Completions request.

    Args:
        messages: the messages of the request.
        tools: function tools, custom tools and namespaces.
        tool_choice: if it is "none", the tools are left out.
        response_format: declared in the developer message.
        reasoning_effort: of the system message.
        settings: the content of the system message; by default that of the format, without a date.
        side: from `chat_side`; the messages that it was made of are restored, then the others are converted.
        constrain: whether calls have the constrain token, which models write.
        interleave: whether each of several calls is followed by its result, as models produce them.
        unsupported: what to do with values that the format cannot hold, such as images.
        codec: whose messages are returned; by default the one of this package.

    Raises:
        ConversionError: the request is invalid, or the format cannot hold a value; the error has its JSON pointer.
    """
    purposes, reporter = Purposes.of(codec), Reporter(unsupported)
    with readable(messages=messages, tools=tools, tool_choice=tool_choice, response_format=response_format):
        chat = _require_messages(messages)
        if settings is None and purposes.settings is not None:
            settings = purposes.settings()
        settings = with_effort(purposes, settings, reasoning_effort, reporter)
        builtin = getattr(settings, dict(purposes.definitions.holders).get(purposes.first, ""), [])
        declared = ChatTools(purposes, tools, builtin)
        offered = declared.namespaces if is_called(tool_choice, declared) else []
        forms = answer_forms(purposes, response_format, reporter)
        for index in declared.limited:
            reporter.report(("tools", index), "the grammar of a custom tool is not written to the prompt", CUSTOM)
        reader = _Reader(purposes, reporter, declared, constrain, interleave)
        if side is None:
            first = reader.read_first(chat, settings, offered, forms)
        else:
            with reading_side():
                first = reader.restore(chat, side)
        reader.read_messages(chat, first)
        return Adapted(*reader.result(chat), reporter.findings, [*offered, *builtin])


def _require_messages(messages: object) -> list[dict[str, Any]]:
    chat = list(messages) if isinstance(messages, tuple) else require_list(messages, ("messages",))
    for index, message in enumerate(chat):
        role = require_object(message, ("messages", index)).get("role")
        if role not in ROLES:
            fail(("messages", index, "role"), f"unknown role {quoted(role)}", expected=ROLES)
    return chat


class _Reader:
    """Reads chat messages one after the other.

    Args:
        tools: the declared tools; other names are functions.
        constrain, interleave: see `from_chat`.
    """

    def __init__(
        self, purposes: Purposes, reporter: Reporter, tools: ChatTools, constrain: bool, interleave: bool
    ) -> None:
        self.purposes, self.reporter, self.tools = purposes, reporter, tools
        self.constrain, self.interleave = constrain, interleave
        self.made: list[Made] = []
        self.waiting: dict[tuple[bool, Any], list[deque[Call]]] = {}
        self.batch = 0
        self.numbers = count()

    def result(self, chat: list[Any]) -> tuple[list[Any], Side, list[int | None]]:
        """The messages in their order, the chat messages without their texts, and the index of each message's own."""
        made = sorted(self.made, key=attrgetter("place"))
        messages = [each.message for each in made]
        sources: list[dict[Steps, SideText]] = [{} for _ in chat]
        for number, each in enumerate(made):
            at, is_whole = 0, len(each.texts) == 1
            for index, (paths, text, form) in each.texts:
                end = at + len(text)
                part = (number, None, None) if is_whole else (number, at, end)
                found = sources[index]
                for path in paths:
                    if path in found:  # the messages of a side record may share a text
                        found[path]["parts"].append(part)
                    else:
                        found[path] = {"path": [*path], "form": form, "parts": [part]}
                at = end
        kept = [without(message, [*found.values()]) for message, found in zip(chat, sources, strict=True)]
        digest = digest_of(self.purposes.headers(messages))
        origins = [each.texts[0][0] if each.texts else None for each in made]
        return messages, {"digest": digest, "chat": kept, "messages": len(messages)}, origins

    def restore(self, chat: list[Any], side: Side) -> int:
        """Restore the messages of a side record; return how many chat messages they are."""
        size, restored = restored_messages(self.purposes, chat, side)
        for message, source in restored:
            pieces = [(source[0], Piece((tuple(source[1:]),), self.purposes.content(message)))] if source else []
            made = Made((next(self.numbers), 0), message, pieces)
            self.made.append(made)
            if source and source[1] == "tool_calls":
                self.batch = source[0]
                self.add_call(value_at(chat, source[:3])["id"], made)
        for index in range(size):
            identifier = chat[index].get("tool_call_id")
            if chat[index]["role"] in RESULTS and (call := self.open_call(True, identifier)):
                call.is_answered = True
        return size

    # Messages.

    def add(self, purpose: Purpose, index: int, pieces: Sequence[Piece], content: Any = None, **fields: Any) -> Made:
        """Add a message with some texts of a chat message, or with a content that has them; see `Purposes.make`."""
        if content is None:
            content = pieces[0].text if len(pieces) == 1 else "".join(piece.text for piece in pieces)
        message = self.purposes.make(purpose, content, **fields)
        made = Made((next(self.numbers), 0), message, [(index, piece) for piece in pieces])
        self.made.append(made)
        return made

    def read_first(self, chat: list[Any], settings: Any, tools: list[Any], forms: list[Any]) -> int:
        """Read the settings, and the first instructions, which declare tools; return how many messages these are."""
        purposes = self.purposes
        if settings is not None:
            self.made.append(Made((next(self.numbers), 0), purposes.make_settings(settings), []))
        instructs = bool(chat) and chat[0]["role"] in INSTRUCTS
        declared = {purposes.tools: tools} | ({purposes.forms: forms} if purposes.forms else {})
        self.read_instructions(chat[0] if instructs else {"role": INSTRUCTS[0]}, 0, declared)
        return int(instructs)

    def read_instructions(self, message: dict[str, Any], index: int, declared: Mapping[str, Any]) -> None:
        """Read instructions; without a text or anything declared, they become nothing."""
        pieces, name = self.texts(message, index), self.author(message, index)
        text = "".join(piece.text for piece in pieces) or None
        if text is not None or any(declared.values()):
            content = self.purposes.instructions(**{self.purposes.text: text}, **declared)
            require_expressible(content, ("messages", index, "content") if pieces else ("tools",))
            self.add("instructions", index, pieces, content, name=name)

    def read_messages(self, chat: list[Any], first: int) -> None:
        calls_follow = _calls_follow(chat)
        index = first
        while index < len(chat):
            message = chat[index]
            role = message["role"]
            if role in RESULTS:
                index = self.read_results(chat, index)
                continue
            self.batch += 1
            if role == ASSISTANT:
                self.read_answer(message, index, calls_follow[index])
            elif role in INSTRUCTS:
                self.read_instructions(message, index, {})
            else:
                pieces, name = self.texts(message, index), self.author(message, index)
                if message.get("content") is None:
                    fail(("messages", index, "content"), "the content is missing")
                self.add("question", index, pieces, name=name)
            index += 1

    def read_answer(self, message: dict[str, Any], index: int, calls_follow: bool) -> None:
        """Read a message of the model: thoughts, then text, then calls."""
        at, name = ("messages", index), self.author(message, index)
        thoughts: dict[str, tuple[Steps, ...]] = {}
        for key in REASONING_KEYS:
            if message.get(key) is not None:
                text = require_text(message[key], (*at, key))
                thoughts[text] = (*thoughts.get(text, ()), (key,))
        for text, paths in thoughts.items():
            self.add("thoughts", index, [Piece(paths, text)], name=name)
        pieces, calls = self.texts(message, index), self.read_calls(message, index)
        phase = message.get("phase")
        if phase is not None and (not isinstance(phase, str) or phase not in PHASES):
            fail((*at, "phase"), f"unknown phase {quoted(phase)}", expected=PHASES)
        purpose = PHASES[phase] if phase else "preamble" if calls or calls_follow else "answer"
        if pieces and (any(piece.text for piece in pieces) or not (calls or message.get("refusal"))):
            self.add(purpose, index, pieces, name=name)
        if message.get("refusal"):
            refusal = require_text(message["refusal"], (*at, "refusal"))
            self.add("answer", index, [Piece((("refusal",),), refusal)], name=name)
        for identifier, called, piece in calls:
            recipient = called if called in self.tools.recipients else f"{self.purposes.prefix}{called}"
            made = self.add("call", index, [piece], name=name, recipient=recipient)
            self.purposes.set(made.message, "constrain", self.constrain)
            if recipient in self.tools.builtin:
                self.purposes.set(made.message, "channel", self.purposes.recovery.thoughts)
            self.add_call(identifier, made)

    def add_call(self, identifier: Any, made: Made) -> None:
        recipient, channel = (self.purposes.get(made.message, slot) for slot in ("recipient", "channel"))
        call = Call(made.place[0], self.batch, str(recipient), channel)
        keys = [(False, ""), (False, self.purposes.tool_name(recipient))]  # a result without an id may have the name
        for is_id, key in [*keys, *[(True, identifier)] * (identifier is not None)]:
            batches = self.waiting.setdefault((is_id, key), [])
            if not batches or (is_id and batches[-1][-1].batch != self.batch):
                batches.append(deque())
            batches[-1].append(call)

    def open_call(self, is_id: bool, key: Any) -> Call | None:
        """The call that waits for a result, by its id, or by its name, or any with the name "".

        By an id, it is the first of the last message with one, while others stay open; by a name, it is the oldest.
        """
        batches = self.waiting.get((is_id, key), [])
        while batches:
            while batches[-1] and batches[-1][0].is_answered:
                batches[-1].popleft()
            if batches[-1]:
                return batches[-1][0]
            batches.pop()
        return None

    def read_calls(self, message: dict[str, Any], index: int) -> list[tuple[str | None, str, Piece]]:
        """The id, name and arguments of each call."""
        found = []
        listed = message.get("tool_calls")
        calls = [] if listed is None else require_list(listed, ("messages", index, "tool_calls"))
        entries: list[tuple[Steps, Any]] = [(("tool_calls", number), call) for number, call in enumerate(calls)]
        if message.get("function_call") is not None:
            entries.append((("function_call",), message["function_call"]))
        for path, entry in entries:
            at = ("messages", index, *path)
            call = require_object(entry, at)
            identifier = call.get("id")
            if identifier is not None:
                require_text(identifier, (*at, "id"))
            kind = call.get("type") or FUNCTION
            if kind not in (FUNCTION, CUSTOM):
                fail((*at, "type"), f"unknown type of call {quoted(kind)}", expected=(FUNCTION, CUSTOM))
            inner, inside = (
                (call, path) if kind not in call else (require_object(call[kind], (*at, kind)), (*path, kind))
            )
            name = require_text(inner.get("name"), ("messages", index, *inside, "name"))
            if not name or not self.purposes.word.fullmatch(name):
                fail(("messages", index, *inside, "name"), f"the name {quoted(name)} cannot be written in a header")
            key = INPUT if kind == CUSTOM else "arguments"
            self.report_unknown({} if inner is call else call, KEYS_OF_CALL, at)
            self.report_unknown(inner, KEYS_OF_FLAT_CALL, ("messages", index, *inside))
            found.append((identifier, name, self.arguments(inner.get(key), index, (*inside, key), kind, name)))
        return found

    def arguments(self, value: Any, index: int, path: Steps, kind: str, name: str) -> Piece:
        """The arguments of a call as text; JSON text is kept as it is."""
        at = ("messages", index, *path)
        form = INPUT if kind == CUSTOM else "value" if isinstance(value, dict) else "text"
        if form != "value":
            require_text(value, at)
        try:
            text = to_text(form, value)
        except (ValueError, TypeError) as error:
            fail(at, f"the value is not JSON: {error}")
        require_text(text, at)
        may_be_empty = name in self.tools.without_parameters and not text.strip()
        if form == "text" and not may_be_empty and (problem := problem_of_arguments(text)):
            self.reporter.report(at, problem, abridge(text), code=INVALID_JSON)
        return Piece((path,), text, form)

    def read_results(self, chat: list[Any], first: int) -> int:
        """Read the results that follow each other, in the order of their calls; return the index after them."""
        end = first
        results = []
        while end < len(chat) and chat[end]["role"] in RESULTS:
            call = self.call_of(chat[end], end)
            results.append((call, end, self.texts(chat[end], end)))
            end += 1
        for call, index, pieces in sorted(results, key=lambda each: each[0].number):
            made = self.add("result", index, pieces, name=call.recipient)
            made.place = (call.number, 1) if self.interleave and call.batch == self.batch else made.place
            channel = self.purposes.format.kinds["result"].value(self.purposes.slots.channel, call.channel)
            self.purposes.set(made.message, "channel", channel)
        return end

    def call_of(self, message: dict[str, Any], index: int) -> Call:
        """The call that a result answers: by its id, else the oldest one that waits, by its name if there is one."""
        self.unknown_keys(message, index)
        identifier, key = message.get("tool_call_id"), "tool_call_id"
        if identifier is not None:
            call = self.open_call(True, require_text(identifier, ("messages", index, key)))
        else:
            named = next((each for each in ("name", "tool_name") if isinstance(message.get(each), str)), None)
            key = named or key
            call = self.open_call(False, message[named] if named else "")
        if call is None:
            problem = "answered twice" if (True, identifier) in self.waiting else "not the id of an earlier call"
            problem = "no call waits for this result" if identifier is None else f"{quoted(identifier)} is {problem}"
            hint = "A result follows its call, and has its id."
            fail(("messages", index, key), problem, code=UNREQUESTED_TOOL_RESULT, hint=hint)
        called = self.purposes.tool_name(call.recipient)
        for each in ("name", "tool_name"):
            if message.get(each) not in (*UNREPORTED_VALUES, called, call.recipient):
                evidence = f"the call with this id calls {quoted(called)}; the name is left out"
                self.reporter.report(("messages", index, each), evidence, quoted(message[each]))
        call.is_answered = True
        return call

    # Parts of messages.

    def author(self, message: dict[str, Any], index: int) -> str | None:
        """The name of the author of a message."""
        self.unknown_keys(message, index)
        name, at = message.get("name"), ("messages", index, "name")
        if name is None or require_text(name, at) == "":
            return None
        if not self.purposes.word.fullmatch(name):
            self.reporter.replace(at, "the name cannot be written in a header", name, "")
            return None
        return str(name)

    def unknown_keys(self, message: dict[str, Any], index: int) -> None:
        """Report the values that have no place in the format. Refuse fields of the format."""
        known, fields = KEYS_BY_ROLE[message["role"]], self.purposes.format.fields
        if known.issuperset(message):
            return
        for key in (key for key in message if key in fields and key not in known):
            if message[key] not in UNREPORTED_VALUES and message[key] is not False:
                fail(("messages", index, key), f"messages of Chat Completions have no {key}", hint=OF_FORMAT)
        self.report_unknown(message, known, ("messages", index))

    def report_unknown(self, value: dict[str, Any], known: frozenset[str], at: Steps) -> None:
        """Report the values in an object that have no place in the format."""
        if known.issuperset(value):
            return
        for key, item in value.items():
            if key not in known and item not in UNREPORTED_VALUES:
                evidence = "the format has no place for this key; it is left out of the messages"
                self.reporter.report((*at, key), evidence, quoted(item))

    def texts(self, message: dict[str, Any], index: int) -> list[Piece]:
        """The texts of a content, which together are one text."""
        content, at = message.get("content"), ("messages", index, "content")
        if content is None:
            return [] if message["role"] not in RESULTS else [Piece((), "")]
        if isinstance(content, str):
            return [Piece((("content",),), require_text(content, at))]
        if isinstance(content, dict) and message["role"] in RESULTS:
            self.reporter.replace(at, "the content of a result is not a text", quoted(content), "its JSON")
            return [self.arguments(content, index, ("content",), FUNCTION, "")]
        if not isinstance(content, list):
            fail(at, f"expected a string or a list of parts, got {quoted(content)}")
        found = []
        for number, part in enumerate(content):
            kind = require_object(part, (*at, number)).get("type")
            if kind == "text" or (kind == "refusal" and message["role"] == ASSISTANT):
                found.append(Piece((("content", number, kind),), require_text(part.get(kind), (*at, number, kind))))
                self.report_unknown(part, KEYS_OF_TEXT_PART, (*at, number))
                continue
            name = require_text(kind, (*at, number, "type"))
            self.reporter.replace(
                (*at, number), f"the format cannot hold a part of the type {quoted(name)}", name, f"[{name}]"
            )
            found.append(Piece((), f"[{name}]"))
        return found or [Piece((), "")]


def problem_of_arguments(text: str) -> str:
    """Why a text is not the arguments of a function; "" if it is. Models write such texts: they are kept."""
    try:
        value = decode_json(text)
    except (ValueError, RecursionError) as error:
        return f"the arguments are not JSON: {error}"
    return "" if isinstance(value, dict) else "the arguments are not an object"


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is not a value of JSON")


decode_json = JSONDecoder(parse_constant=_no_json).decode


def _calls_follow(chat: list[Any]) -> list[bool]:
    """For each chat message whether a call follows before the next message of a user or tool."""
    found, follows = [False] * len(chat), False
    for index in range(len(chat) - 1, -1, -1):
        found[index] = follows
        message = chat[index]
        if message["role"] not in (*INSTRUCTS, ASSISTANT):
            follows = False
        elif message["role"] == ASSISTANT and (message.get("tool_calls") or message.get("function_call")):
            follows = True
    return found
