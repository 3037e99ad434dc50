"""Tokens of a model to responses of Chat Completions: chunks as they arrive, and their fold, the whole response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..codes import (
    ABANDONED_HEADER,
    CALL_OUTSIDE_CHANNEL,
    INVALID_JSON,
    REPEATED_TERMINATOR,
    UNDECLARED_TOOL,
    UNFINISHED_HEADER,
)
from ..diagnostics import Diagnostic, abridge
from ..errors import Code
from ..format.tables import continues, ends_open
from ..format.token_encoding import Tokenizer
from ..recovery.recovered import ContentDelta, Event, MessageEnded, MessageStarted, Recovered
from ..tools.chat_requests import CUSTOM, INPUT, SEPARATOR, ChatTools, named_tool
from ..tools.purposes import Purposes
from ..tools.requirements import readable
from .chat_types import ChatChunk, ChatCompletion, ChatMessage, Usage
from .identifiers import digest_of, make_id
from .reading_chat import ASSISTANT
from .sides import from_text

if TYPE_CHECKING:
    from ..codec import Message, StreamParser

HELD = "held"
"""The state of a message whose channel only the next message shows."""

TEXTS = frozenset(("content", "reasoning"))
"""The states of messages whose texts are sent as they come."""

MAX_READY_CHUNKS = 4096
"""How many tokens are remembered, for each answer and kind of text. The chunk of one that comes again has a kilobyte.

Chunks of tokens that come once would only be work for the garbage collector: a third of the time of random tokens.
"""

NOTHING_READY: tuple[dict[Any, Any], Any, Any, Any] = {}, None, None, None
"""The chunks of repeated tokens (False for one that came once), what reads these, the parser, the key of its text."""

STOP, LENGTH, TOOL_CALLS = "stop", "length", "tool_calls"


class Reply:
    """One answer of a response: turns the events of its messages into deltas.

    Attributes:
        calls: how many calls it has.
        findings: what was left out or changed.
        is_complete: whether the last message has its stop token.
        is_cut: whether the output ends in a header.
        is_stopped: whether a stop token ended the output.
    """

    def __init__(self, purposes: Purposes, tools: ChatTools | None, seed: str) -> None:
        self.purposes, self.tools, self.seed = purposes, tools, seed
        self.calls, self.unit = 0, "token"
        self.findings: list[Diagnostic] = []
        self.is_complete = self.is_cut = self.is_stopped = self.is_after_stop = False
        self.state: str | None = None
        self.opened: set[str] = set()
        self.parts: list[str] = []

    def read(self, events: Iterable[Event]) -> Iterator[ChatMessage]:
        """The deltas for some events, in order."""
        for event in events:
            if isinstance(event, ContentDelta):
                if (delta := self.add(event.text)) is not None:
                    yield delta
            elif isinstance(event, MessageStarted):
                yield from self.begin(event)
            elif isinstance(event, MessageEnded):
                yield from self.end(event)
            elif event.code == UNFINISHED_HEADER:
                self.is_cut = True
            elif event.code in (ABANDONED_HEADER, REPEATED_TERMINATOR):
                self.is_stopped |= self.stops(event.raw)

    def stops(self, spelling: str) -> bool:
        """Whether a text spells a token at which sampling ends."""
        return self.purposes.format.encoding.special.get(spelling) in self.purposes.recovery.stops

    def begin(self, event: MessageStarted) -> Iterator[ChatMessage]:
        purposes, message = self.purposes, event.message
        self.state, self.is_after_stop = None, event.after_stop
        self.parts = []
        if self.is_after_stop or purposes.get(message, "role") != purposes.model:
            return
        is_complete = not purposes.slots.channel or purposes.get(message, "channel") is not None
        if not is_complete and purposes.purpose(message) != "call":
            self.state = HELD
            return
        yield from self.open(event.number, message)

    def open(self, number: int, message: Any) -> Iterator[ChatMessage]:
        """Begin a text, or a call if its tool is offered."""
        purpose = self.purposes.purpose(message)
        if purpose != "call":
            self.state = "reasoning" if purpose == "thoughts" else "content"
            first: Any = {self.state: SEPARATOR if self.state in self.opened else ""}
            self.opened.add(self.state)
            yield first
            return
        recipient = self.purposes.get(message, "recipient")
        if self.tools is not None and recipient not in self.tools.recipients:
            return
        name = self.purposes.tool_name(recipient)
        is_custom = self.tools is not None and name in self.tools.custom
        self.state = INPUT if is_custom else "arguments"
        call: Any = {"index": self.calls, "id": make_id("call_", self.seed, number, recipient)}
        kind = CUSTOM if is_custom else "function"
        self.calls += 1
        yield {"tool_calls": [call | {"type": kind, kind: {"name": name, self.state: ""}}]}

    def add(self, text: str) -> ChatMessage | None:
        """Add to the content of the open message."""
        state = self.state
        if state in TEXTS:
            return {"content": text} if state == "content" else {"reasoning": text}
        if state == "arguments":
            return {"tool_calls": [{"index": self.calls - 1, "function": {"arguments": text}}]}
        if state is not None:
            self.parts.append(text)
        return None

    def end(self, event: MessageEnded) -> Iterator[ChatMessage]:
        purposes, message = self.purposes, event.message
        if self.state == HELD:
            yield from self.open(event.number, message)
            if (text := purposes.content(message)) and (delta := self.add(text)):
                yield delta
        if self.state == INPUT:
            text = "".join(self.parts)
            value = from_text(INPUT, text)
            if not isinstance(value, str) or value is text:
                self.report(INVALID_JSON, event, f"the arguments of a custom tool have no text {INPUT!r}")
                value = text
            yield {"tool_calls": [{"index": self.calls - 1, "custom": {"input": value}}]}
        if self.is_after_stop:
            return
        self.is_complete = event.terminator is not None
        if event.terminator is not None:
            self.is_stopped |= self.stops(event.terminator)
        if purposes.get(message, "role") == purposes.model and purposes.purpose(message) == "call":
            self.check_call(event)

    def check_call(self, event: MessageEnded) -> None:
        slots = "recipient", "channel", "content_type"
        recipient, channel, content_type = (self.purposes.get(event.message, slot) for slot in slots)
        if self.state is None:
            self.report(UNDECLARED_TOOL, event, f"the request offers no tool {recipient!r}; the call is left out")
            return
        if self.state == "arguments" and content_type not in (None, self.purposes.recovery.json):
            self.report(INVALID_JSON, event, f"functions are called with JSON; this content has type {content_type!r}")
        is_elsewhere = self.purposes.slots.channel and channel != self.purposes.recovery.calls
        if recipient.startswith(self.purposes.prefix) and is_elsewhere:
            self.report(CALL_OUTSIDE_CHANNEL, event, f"functions are called on {self.purposes.recovery.calls}")

    def report(self, code: Code, event: MessageEnded, evidence: str) -> None:
        raw = abridge(self.purposes.content(event.message))
        self.findings.append(Diagnostic(code, event.span, self.unit, event.number, raw, "", evidence))

    def finish_reason(self, reason: str | None, is_named: bool) -> str:
        """Why the answer ends; `reason` is that of the engine, if it has one."""
        if reason not in (None, STOP):
            return str(reason)
        if reason is None and not self.is_stopped and (self.is_cut or not self.is_complete):
            return LENGTH
        return TOOL_CALLS if self.calls and not is_named else STOP


class ChatStream:
    """Reads the tokens of one or more answers, and returns the chunks of their response.

    The fold of the chunks is what `to_chat_completion` returns, however the tokens are cut. Nothing is held but the
    parsers, so a stream may be dropped at any time; `recovered` has what was read.

    Args:
        prompt: the token ids of the prompt, or its messages, or any text: the seed of ids. Messages are counted as
            `render` writes them; a text is not counted.
        tools: the tools of the request. Other calls are left out and reported. If it is None, every call is kept.
        tool_choice: that of the request. A call that it names ends with "stop".
        model: the name of the model in the response.
        created: the time of the response, in seconds since 1970.
        salt: makes the ids of repeated prompts different.
        choices: how many answers there are.
        include_usage: whether the last chunk has the usage, without choices.
        tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.
        codec: whose tokens these are; by default the one of this package.

    Raises:
        ConversionError: a definition of a tool is invalid.
        RenderError: an item of the prompt is not a message of this codec.
        ValueError: `choices` is less than 1.
    """

    def __init__(
        self,
        *,
        prompt: Sequence[int] | Sequence[Message] | str = "",
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: object = None,
        model: str = "",
        created: int = 0,
        salt: str = "",
        choices: int = 1,
        include_usage: bool = False,
        tokenizer: Tokenizer | None = None,
        codec: ModuleType | None = None,
    ) -> None:
        if not isinstance(choices, int):
            raise TypeError(f"choices: expected an int, got {type(choices).__name__}")
        if choices < 1:
            raise ValueError(f"choices: {choices}; a response has at least one answer")
        purposes = self._purposes = Purposes.of(codec)
        with readable(tools=tools):
            self._tools = None if tools is None else ChatTools(purposes, tools)
        self._is_named, self._include_usage = named_tool(tool_choice) is not None, include_usage
        self._tokenizer = tokenizer
        self._prompt, seed = prompt, _seed(purposes, prompt, salt)
        self._base: Any = {"id": make_id("chatcmpl-", seed), "object": "chat.completion.chunk"}
        self._base |= {"created": created, "model": model, "choices": []}
        self._replies = [Reply(purposes, self._tools, digest_of(seed, index)) for index in range(choices)]
        self._parsers: dict[int, StreamParser] = {}
        self._recovered: dict[int, Recovered[Message]] = {}
        self._started: set[int] = set()
        self._repeated: dict[tuple[int, str | int | None], dict[Any, Any]] = {}
        self._ready = dict.fromkeys(range(choices), NOTHING_READY)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle and copy without the chunks that are ready: those belong to the parsers of this stream."""
        return vars(self) | {"_ready": dict.fromkeys(self._ready, NOTHING_READY), "_repeated": {}}

    def __copy__(self) -> ChatStream:
        return deepcopy(self)

    def feed(self, tokens: int | Sequence[int], index: int = 0) -> list[ChatChunk]:
        """Read tokens of an answer; return their chunks. A token that comes again has the same chunk: change copies.

        Raises `IndexError` for an unknown answer, and `ValueError` for one that has ended.
        """
        chunks, repeat, parser, key = self._ready.get(index, NOTHING_READY)
        if tokens.__class__ is list and len(tokens) == 1 and tokens[0].__class__ is int:
            tokens = tokens[0]  # as engines return each step: three times as fast
        if tokens.__class__ is int:
            if ready := chunks.get(tokens):
                repeat(tokens)
                return [ready]
            if parser is not None and (known := parser.repeatable.get(tokens)):
                repeat(tokens)
                text = known[0].text
                if (delta := {key: text} if key else self._replies[index].add(text)) is None:
                    return []
                chunk = self._chunk(index, delta)
                if ready is False:
                    chunks[tokens] = chunk
                elif len(chunks) < MAX_READY_CHUNKS:
                    chunks[tokens] = False
                return [chunk]
        if parser is None:
            return self._read_events(index, self._parser(index).feed(tokens))
        events = parser.feed(tokens)
        if len(events) != 1 or events[0].__class__ is not ContentDelta or not parser.is_plain:
            return self._read_events(index, events)
        delta = self._replies[index].add(events[0].text)
        return [] if delta is None else [self._chunk(index, delta)]

    def _read_events(self, index: int, events: Sequence[Event]) -> list[ChatChunk]:
        """The chunks of events; prepare those of the tokens that come next, if they are the text of a message."""
        chunks, parser, reply = self._chunks(index, events), self._parsers[index], self._replies[index]
        self._ready[index] = NOTHING_READY
        if parser.is_plain:
            key = index, reply.calls if reply.state == "arguments" else reply.state
            text = reply.state if reply.state in TEXTS else None
            self._ready[index] = self._repeated.setdefault(key, {}), parser.repeat, parser, text
        return chunks

    def close(self, finish_reason: str | None = None, index: int = 0) -> list[ChatChunk]:
        """End an answer. The chunk with the usage follows that of the last one.

        Args:
            finish_reason: that of the engine: "stop" if it took away the stop token; any other one is kept. By default,
                an answer without its stop token ends with "length".
            index: the number of the answer.

        Raises:
            IndexError: the answer is unknown.
            ValueError: the answer has ended.
        """
        parser = self._parser(index)
        self._ready[index] = NOTHING_READY
        chunks = self._chunks(index, parser.close())
        return chunks + self._close(parser.recovered, finish_reason, index)

    def recovered(self, index: int = 0) -> Recovered[Message]:
        """The messages and diagnostics of an answer so far."""
        return self._recovered[index] if index in self._recovered else self._parser(index).recovered

    @property
    def findings(self) -> list[Diagnostic]:
        """What was repaired, left out or changed so far, in the order of the answers."""
        replies = enumerate(self._replies)
        return [found for n, reply in replies for found in (*self.recovered(n).diagnostics, *reply.findings)]

    def _parser(self, index: int) -> StreamParser:
        if index not in self._ready:
            raise IndexError(f"no answer {index}; this response has {len(self._replies)}, from 0 on")
        if index in self._recovered:
            raise ValueError(f"answer {index} has ended")
        if index not in self._parsers:
            codec, format = self._purposes.codec, self._purposes.format
            start = next(start for start in format.starts if continues(format, start))
            tools = None if self._tools is None else self._tools.namespaces
            self._parsers[index] = codec.StreamParser(start, tools=tools, tokenizer=self._tokenizer)
        return self._parsers[index]

    def _read(self, recovered: Recovered[Message], finish_reason: str | None, index: int) -> list[ChatChunk]:
        """The chunks of a whole answer."""
        self._replies[index].unit = recovered.unit
        return self._chunks(index, _events(self._purposes, recovered)) + self._close(recovered, finish_reason, index)

    def _close(self, recovered: Recovered[Message], reason: str | None, index: int) -> list[ChatChunk]:
        self._recovered[index] = recovered
        chunks = [self._chunk(index, {}, self._replies[index].finish_reason(reason, self._is_named))]
        if self._include_usage and len(self._recovered) == len(self._replies) and recovered.unit == "token":
            prompt_tokens = _count(self._purposes, self._prompt, self._tokenizer)
            usage = _usage(self._purposes, self._recovered.values(), prompt_tokens)
            last: Any = {**self._base, "choices": [], "usage": usage}
            chunks.append(last)
        return chunks

    def _chunks(self, index: int, events: Iterable[Event]) -> list[ChatChunk]:
        chunks = []
        if index not in self._started:
            self._started.add(index)
            chunks.append(self._chunk(index, {"role": ASSISTANT}))
        chunks += [self._chunk(index, delta) for delta in self._replies[index].read(events)]
        return chunks

    def _chunk(self, index: int, delta: ChatMessage | dict[str, str], finish_reason: str | None = None) -> ChatChunk:
        choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
        values: Any = {**self._base, "choices": [choice]}
        chunk: ChatChunk = values
        return chunk


def _count(purposes: Purposes, prompt: Sequence[Any] | str, tokenizer: Tokenizer | None) -> int:
    """The number of tokens of a prompt: token ids, or messages; 0 for a text, which is only a seed."""
    if isinstance(prompt, str) or all(isinstance(token, int) for token in prompt):
        return 0 if isinstance(prompt, str) else len(prompt)
    opens = next(name for name in purposes.format.starts if ends_open(purposes.format, name))
    return int(purposes.codec.count_tokens(prompt, opens, tokenizer=tokenizer))


def _seed(purposes: Purposes, prompt: Sequence[Any] | str, salt: str) -> str:
    """The seed of ids: the tokens of a prompt, or its messages without thoughts."""
    if isinstance(prompt, str):
        return digest_of(prompt, salt)
    if isinstance(prompt, Iterable) and all(isinstance(token, int) for token in prompt):
        return digest_of([*prompt], salt)
    purposes.format.require_messages(prompt)
    shown = [message for message in prompt if purposes.purpose(message) != "thoughts"]
    return digest_of(purposes.headers(shown), [purposes.content(message) for message in shown], salt)


def _events(purposes: Purposes, recovered: Recovered[Any]) -> Iterator[Event]:
    """The events of a stream with this result, as far as they make a difference."""
    spellings = {kind: spelling for spelling, kind in purposes.recovery.closes.items()}
    for number, (message, span) in enumerate(zip(recovered.messages, recovered.spans, strict=False)):
        if message.repair and message.repair.after_stop:
            break
        yield MessageStarted(number, message)
        yield ContentDelta(purposes.content(message))
        kind = next((kind for kind in spellings if kind in message.variants), None)
        _, _, stop, end = recovered.bounds[number]
        yield MessageEnded(number, message, span, spellings[kind] if end > stop else None)
    yield from recovered.diagnostics


def _usage(purposes: Purposes, answers: Iterable[Recovered[Any]], prompt_tokens: int) -> Usage:
    """The usage of a response. Thoughts are counted without their headers."""
    total = thought = content = 0
    for answer in answers:
        total += max([span.end for span in (*answer.spans, *answer.gaps)], default=0)
        for message, span in zip(answer.messages, answer.content_spans, strict=True):
            content += span.end - span.start
            thought += (span.end - span.start) * (purposes.purpose(message) == "thoughts")
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": total,
        "total_tokens": prompt_tokens + total,
        "completion_tokens_details": {"reasoning_tokens": thought, "header_tokens": total - content},
    }


@dataclass(frozen=True)
class ChatResponse:
    """A whole response.

    Attributes:
        body: the response as JSON.
        findings: what was repaired, left out or changed, in the order of the answers.
    """

    body: ChatCompletion
    findings: list[Diagnostic]

    @property
    def message(self) -> ChatMessage:
        """The message of the first answer."""
        return self.body["choices"][0]["message"]

    @property
    def finish_reason(self) -> str:
        """Why the first answer ended."""
        return self.body["choices"][0]["finish_reason"]

    @property
    def usage(self) -> Usage | None:
        """The counts of tokens; None if the output was text."""
        return self.body.get("usage")


def to_chat_completion(
    recovered: Recovered[Message] | Sequence[Recovered[Message]],
    *,
    finish_reason: str | None = None,
    **settings: Any,
) -> ChatResponse:
    """Convert the output of a model to a response.

    Args:
        recovered: what `recover` returned for the completion, with the tools of the request; a list for several.
        finish_reason: that of the engine; see `ChatStream.close`.
        settings: those of `ChatStream`, such as `prompt`, `tools` and `model`.

    Raises:
        ConversionError: a definition of a tool is invalid.
        RenderError: an item of the prompt is not a message of this codec.
        ValueError: `choices` is less than 1.
    """
    answers = [recovered] if isinstance(recovered, Recovered) else recovered
    if not isinstance(answers, Sequence) or not all(isinstance(each, Recovered) for each in answers):
        raise TypeError(f"expected what `recover` returns, or a list of it, got {type(recovered).__name__}")
    stream = ChatStream(**settings, choices=len(answers), include_usage=True)
    chunks = [chunk for index, answer in enumerate(answers) for chunk in stream._read(answer, finish_reason, index)]
    return ChatResponse(fold_chunks(chunks), stream.findings)


def fold_chunks(chunks: Iterable[ChatChunk]) -> ChatCompletion:
    """The whole response of a stream of chunks; there must be one."""
    found: dict[int, Any] = {}
    reasons: dict[int, str | None] = {}
    body: Any = {}
    for chunk in chunks:
        body = {**chunk, **body, **({"usage": chunk["usage"]} if "usage" in chunk else {})}
        for choice in chunk["choices"]:
            _fold(found.setdefault(choice["index"], {}), choice["delta"])
            reasons[choice["index"]] = choice["finish_reason"]
    messages = {index: {"content": None} | _folded(parts) for index, parts in sorted(found.items())}
    choices = [{"index": n, "message": message, "finish_reason": reasons[n]} for n, message in messages.items()]
    body = {**body, "object": "chat.completion", "choices": choices}
    whole: ChatCompletion = body
    return whole


def _fold(into: dict[Any, Any], delta: Mapping[str, Any]) -> None:
    """Add a delta: texts are collected in lists, the items of lists by their number."""
    for key, value in delta.items():
        if isinstance(value, str):
            into.setdefault(key, []).append(value)
        elif isinstance(value, dict):
            _fold(into.setdefault(key, {}), value)
        elif isinstance(value, list):
            for item in value:
                _fold(into.setdefault(key, {}).setdefault(item["index"], {}), item)


def _folded(value: Any) -> Any:
    if isinstance(value, list):
        return "".join(value)
    if 0 in value:
        return [_folded(item) for _, item in sorted(value.items())]
    return {key: _folded(item) for key, item in value.items()}
