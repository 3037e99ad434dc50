"""`constrain`: what a model may write after a prompt, as grammars for engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from ..codec_loading import default_codec
from ..codes import UNSUPPORTED_VALUE
from ..errors import quoted
from ..format.algebra import NOTHING, Node, TokenNode
from ..format.tables import Format
from ..source.token_places import parts_of
from ..tools.requirements import fail
from .completions import PROFILES, Completion, Profile
from .derivatives import JsonBegun, admits, derivative
from .grammar_texts import GbnfText, XgrammarText
from .lark_texts import LarkText
from .offers import Offer, make_offer
from .reports import ConstraintReport, TargetName, left_out_lines, make_report
from .response_templates import response_template
from .structural_tags import StructuralTag

OnUnenforced = Literal["report", "error"]


@dataclass(frozen=True, eq=False)
class Constraint:
    """What a model may write after an open header. Its methods write it as grammars, deterministically.

    Attributes:
        codec: whose format it is in.
        root: the completion as an algebra.
    """

    codec: ModuleType
    offer: Offer
    profile: Profile
    stops: tuple[int, ...]
    after: tuple[str | TokenNode, ...]
    on_unenforced: OnUnenforced

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy with the codec by its name, as formats are: engines build grammars in other processes."""
        return _restore, (self.codec.__name__, self.offer, self.profile, self.stops, self.after, self.on_unenforced)

    @property
    def format(self) -> Format:
        found: Format = self.codec.FORMAT
        return found

    @cached_property
    def root(self) -> Node:
        return self.root_for(self.stops)

    def root_for(self, stops: Iterable[int]) -> Node:
        """The algebra for an engine that stops at these token ids itself."""
        whole = self._completion(stops).build()
        if whole == NOTHING:
            reasons = "".join(f"; {line}" for line in left_out_lines(self.offer))
            fail(("tool_choice",), f"nothing can be written: no call and no answer is allowed{reasons}")
        rest, place = whole, 0
        for unit in self.after:
            spelling = unit if isinstance(unit, str) else unit.spelling
            try:
                rest = derivative(rest, [unit])
            except JsonBegun:
                fail(("after",), "it ends inside of a JSON value; end it before the arguments")
            if rest == NOTHING:
                fail(("after",), f"no completion begins like this: unexpected {quoted(spelling)} at character {place}")
            place += len(spelling)
        return rest

    def admits(self, completion: str | Sequence[int]) -> bool:
        """Whether a whole completion is admitted: text with special tokens spelled out, or token ids.

        Schemas bind as JSON Schema defines them, also where targets cannot enforce them.
        """
        return admits(self.root, units_of(self.codec, completion))

    @cached_property
    def report(self) -> ConstraintReport:
        """What the targets cannot enforce."""
        stops, of_gbnf = (self._completion(stops).inexact_stops() for stops in (self.stops, self._gbnf_stops))
        return make_report(self.offer, stops, of_gbnf)

    @property
    def _gbnf_stops(self) -> set[int]:
        return {*self.stops, *(self.format.recovery.stops if self.format.recovery else ())}

    def _completion(self, stops: Iterable[int]) -> Completion:
        owned = frozenset(self.format.spellings[number] for number in stops if number in self.format.spellings)
        return Completion(self.format, self.offer, self.profile, owned)

    def _require_enforced(self, target: TargetName) -> None:
        if self.on_unenforced == "error" and (lines := self.report.lines(target)):
            argument = "stops" if lines[0] in self.report.stop_lines(target) else "tools"
            fail((argument,), "; ".join(lines), code=UNSUPPORTED_VALUE)

    def lark(self, *, portable: bool = False) -> str:
        """Return a grammar for llguidance; a portable one is also read by xgrammar, and names tokens by id."""
        self._require_enforced("portable-lark" if portable else "lark")
        lead = self.format.special_ends[0] if portable else None
        return LarkText(self.format.encoding.special, lead).print(self.root)

    def xgrammar_ebnf(self) -> str:
        """Return a grammar for xgrammar, with its token nodes."""
        self._require_enforced("xgrammar-ebnf")
        return XgrammarText(self.format.encoding.special, self.format.special_ends[0]).print(self.root)

    def structural_tag(self) -> dict[str, Any]:
        """Return a structural tag for xgrammar and the engines that read its tags, ready for `json.dumps`."""
        self._require_enforced("structural-tag")
        return StructuralTag(self.format.encoding.special, self.format.special_ends[0]).make(self.root)

    def response_template(self) -> dict[str, Any]:
        """Return the `response_template` of `transformers`, which reads completions. It depends on the format only."""
        return response_template(self.format)

    def gbnf(self) -> str:
        """Return a grammar for llama.cpp, which adds the stop tokens itself."""
        self._require_enforced("gbnf")
        root = self.root_for(self._gbnf_stops)
        return GbnfText(self.format.encoding.special, self.format.special_ends[0]).print(root)


def _restore(codec: str, *others: Any) -> Constraint:
    return Constraint(import_module(codec), *others)


def constrain(
    prompt_messages: Sequence[Any] | None = None,
    *,
    tools: Iterable[Any] | None = None,
    builtins: Iterable[Any] = (),
    tool_choice: object = None,
    response_format: Mapping[str, Any] | None = None,
    profile: Profile = "accepting",
    stops: Iterable[int] = (),
    after: str | Sequence[int] = "",
    on_unenforced: OnUnenforced = "report",
    codec: ModuleType | None = None,
) -> Constraint:
    """Describe what a model may write.

    Args:
        prompt_messages: the messages before the completion. The tools, channels and forms of answers that they declare
            need not be passed again.
        tools: function tools of OpenAI, namespaces and full names. Without them and a prompt, tools of any name.
        builtins: namespaces of built-in tools, their names, such as "python", or definitions with full names.
        tool_choice: that of a request of Chat Completions.
        response_format: that of a request of Chat Completions.
        profile: "accepting" for every spelling of the grammar, "canonical" for the one that is rendered.
        stops: the ids of the special tokens that the engine treats as its end of text; the grammar leaves them out.
        after: text already written after the open header, with special tokens spelled out, or token ids.
        on_unenforced: what to do with what a target cannot enforce: list it in `report`, or raise a `ConversionError`
            in the method of the target.
        codec: whose completions these are; by default those of the codec of this package.

    Raises:
        ConversionError: an argument is invalid; the error has its JSON pointer.
        RenderError: an item of `prompt_messages` is not a message of this codec.
    """
    codec = codec or default_codec()
    format: Format = codec.FORMAT
    for name, value, known in (("profile", profile, PROFILES), ("on_unenforced", on_unenforced, ("report", "error"))):
        if value not in known:
            raise ValueError(f"unknown {name} {value!r}; expected {' or '.join(known)}")
    offer = Offer()
    if format.recovery is not None:
        offer = make_offer(codec, prompt_messages, tools, builtins, tool_choice, response_format)
    elif tools or builtins or tool_choice is not None or response_format is not None:
        fail(("tools",), "this format has no tools: its grammar folder lacks recovery.toml")
    stops = tuple(stops)
    for index, stop in enumerate(stops):
        if stop not in format.spellings or isinstance(stop, bool):
            fail(("stops", index), f"{quoted(stop)} is not the id of a special token")
    return Constraint(codec, offer, profile, stops, units_of(codec, after), on_unenforced)


def units_of(codec: ModuleType, after: str | Sequence[int]) -> tuple[str | TokenNode, ...]:
    """Text or token ids as characters and special tokens."""
    format: Format = codec.FORMAT
    parts = parts_of(format, after if isinstance(after, str) else codec.decode(after))
    return tuple(unit for part in parts for unit in ([TokenNode(part)] if part in format.encoding.special else part))
