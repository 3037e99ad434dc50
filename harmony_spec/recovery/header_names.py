"""The names that a word of a header may stand for, and what each costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import NamedTuple
from unicodedata import category, normalize

from ..format.meaning import FieldCosts
from ..format.tables import Format
from .header_automaton import MIN_REPLACED_CHARS, SIGN, SIGN_AT_END, automaton_of, without_signs
from .header_text import ARGUMENTS
from .known_names import KnownNames
from .named_tools import MIN_TYPO_CHARS, PUNCTUATION, NamedTools, is_alike, is_typo

MAX_CACHED_CHARS, EXTRA_CHARS = 256_000, 128
"""The readings of words of a conversation with so many characters are kept, and so many more are counted for each word:
about 2 MB. The words that begin at each `to=` inside of one of 1,000 characters need that."""

NO_COSTS = FieldCosts({}, {})

LETTER = re.compile(r"[^\W\d_]")

SINGLE_WORD = re.compile(r"[^\W\d](?:[\w.-]*\w)?")

TOUCHED_NAME = re.compile(r"\W*\w+")
"""A name at the beginning of a word: `final(42)`."""

MARKS = ":,;"
"""What a name may have after it, before the content: `final:Hello`. A full stop may belong to the text:
`analysis...Thinking`."""

JOINING = re.compile(r"[^\w\"'`(\[{]*")
"""Signs between a name and a tool in one word, as in `commentary->functions.f`; prose has the others around names."""

MARKED_NAME = re.compile(rf"(?:{SIGN}|[(\[<])([\w.-]*\w)[)\]>]?")
"""The name of an author after another sign than that of the grammar, as in `user(alice)`."""

TOOL_APART = re.compile("(?<=\\s)[^\\s\ud800-\udfff]+")
"""A word after white space, which may be the tool after the role of tools: `tool functions.f`."""

LIST_PARTS = re.compile(r"\w+(?:[.-]\w+)*")
"""The parts of a list in one word. A full stop or a hyphen is inside of another word: `semi-final`."""

APART = re.compile(r"\W*[^\w.:$@+-]\W*$")
"""Signs after a name, one of which the names of tools do not have: `functions.f;`."""

UP_TO_LETTER, BETWEEN_SIGNS = (re.compile(pattern, re.DOTALL) for pattern in (r".*\w", r"\w(?:.*\w)?"))
"""A word without the signs after it, and without those on both sides."""

OPENING = re.compile("[(\\[{\"'`]")
"""What has another end after it, so that it is a part of the content."""

BRACKETS = ("(", "[", "{")
"""What begins the arguments of a call in the name of its tool: `functions.f(x=1)`."""

JOINTS_OF_NAMES = "_-"
JOINTS = f"{JOINTS_OF_NAMES}?&/"
"""What names of settings, and addresses, have inside."""

INNER_SIGN = re.compile(r"[^\W_][.(]")
"""The end of a word before a part of it: `f(to=1)`. Between two words, the signs may be around a name."""

OF_SIGNS = frozenset(("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Sk", "Sm", "Cf"))
"""The categories of Unicode whose characters may stand around a name by mistake. Pictures are not among them."""


class Name(NamedTuple):
    """What a word, or its beginning, may be for a field.

    Attributes:
        how: "" (as it is written), "glued" (the word goes on), "near", "unknown", "role" (in place of a tool), "led"
            (the name of an author after another sign), "known" (the name of an author that is also another name).
    """

    field: str
    value: str
    length: int
    cost: int
    how: str = ""

    @property
    def kind(self) -> str:
        """The edit for it in its place."""
        return self.how if self.how in ("near", "glued") else ""


class HeaderNames:
    """The names of one conversation, by field, and the readings of words by them."""

    def __init__(self, format: Format, known: KnownNames) -> None:
        self.format, self.automaton = format, automaton_of(format)
        self.recovery = recovery = known.recovery
        self.tools, self.channels = NamedTools(recovery, known.tools), frozenset(known.channels)
        self.slots, self.costs, self.lead = recovery.slots, recovery.costs, self.automaton.lead
        slots = self.slots
        leads = (lead for lead, field in self.automaton.introduces.items() if field == slots.name)
        self.lead_of_name = next(leads, "") if slots.name else ""
        lists = {slots.role: recovery.roles, slots.channel: known.channels, slots.content_type: recovery.content_types}
        lists |= {
            field: tuple(str(value) for value in values if value)
            for field, values in format.listed_values.items()
            if field not in lists
        }
        self.lists = {
            field: tuple(name for name in names if pattern.fullmatch(name))
            for field, names in lists.items()
            if (names or field == slots.channel) and (pattern := self.automaton.patterns.get(field))
        }
        purposes = (slots.role, slots.channel, slots.content_type)
        self.all = frozenset(name for field in purposes for name in self.lists.get(field, ()))
        self.authored = frozenset(role + name for role in ("", *recovery.roles) for name in self.channels - {""})
        spelled = recovery.tool in recovery.roles or not recovery.tool
        self._role_of_tools = re.compile("(?!)" if spelled else rf"{re.escape(recovery.tool)}[^\w\ud800-\udfff]+")
        self._several = {field: _several(names) for field, names in self.lists.items() if names}
        self._readings: dict[str, tuple[Name, ...]] = {}
        self._cached_chars = 0

    def row(self, field: str) -> FieldCosts:
        """The costs and diagnostics of a field."""
        return self.recovery.fields.get(field, NO_COSTS)

    def cost(self, field: str, edit: str) -> int:
        """What an edit of a field costs, or that of its order if it has no such row."""
        return self.row(field).costs.get(edit, self.costs["order"])

    def is_known(self, word: str) -> bool:
        return word in self.all or self.tools.is_tool(word)

    def is_prose(self, text: str) -> bool:
        """Whether a text has two words that are not names of the format, or one in a script without capitals.

        A single word may be the remainder of a damaged name. Scripts without capitals, such as Chinese, are often
        written without spaces, and no format has names in them.
        """
        automaton, named = self.automaton, self.is_named
        text = automaton.misspelt_tokens.sub(" ", automaton.misspelt_start.sub("", text))
        pairs = ((before, word) for before, word in pairwise(("", *text.split())) if LETTER.search(word))
        plain = (word for before, word in pairs if not automaton.introduces_next(before))
        plain = (word for word in plain if not (automaton.at_lead(word, 0) or automaton.is_near_lead(word)))
        words = [word for word in plain if not named(word.rstrip(MARKS))]
        return len(words) > 1 or any(char.isalpha() and char.lower() == char.upper() for word in words for char in word)

    def is_named(self, word: str) -> bool:
        """Whether a word is a role, a channel, both in one, or a content type, in any case: `JSON` is seen."""
        parts = (word.removeprefix(role) for role in self.recovery.roles if word.startswith(role))
        joined = any(without_signs(part) in self.channels for part in parts)
        names = word in self.channels or word in self.recovery.roles
        return joined or names or word.lower() in self.recovery.content_types

    def is_nearly_named(self, word: str) -> bool:
        """Whether a word is such a name, or differs from one in a letter or two.

        "finally" is not near "final" here, although it is read as that channel in the channel's place.
        """
        ratio = self.row(self.slots.role).costs.get("ratio", self.costs["ratio"])
        names = (*self.channels, *self.recovery.roles) if ratio else ()
        return self.is_named(word) or any(is_alike(name, word, ratio) for name in names)

    def readings(self, word: str) -> tuple[Name, ...]:
        """What a word, or its beginning, may be, for all fields."""
        if (found := self._readings.get(word)) is None:
            patterns = self.automaton.patterns
            names = (name for field in patterns for name in self._read(field, word))
            found = tuple(n for n in names if patterns[n.field].fullmatch(n.value) or self._is_offered(n))
            if self._cached_chars > MAX_CACHED_CHARS:
                self._readings.clear()
                self._cached_chars = 0
            self._cached_chars += len(word) + EXTRA_CHARS
            self._readings[word] = found
        return found

    def _is_offered(self, name: Name) -> bool:
        """Whether a recipient is an offered tool, perhaps one that no header can hold: `functions.Web Search`."""
        return name.field == self.slots.recipient and name.value in (self.tools.offered or ())

    def apart(self, text: str, at: int) -> Iterator[Name]:
        """Names with white space inside, read as without it: a list of known ones, as in `analysis, commentary`, and a
        tool after the role of tools."""
        role = self._role_of_tools.match(text, at)
        word = TOOL_APART.match(text, role.end()) if role else None
        if word and (tool := self._answering(text[at : word.end()])):
            yield Name(self.slots.name, tool, word.end() - at, self.costs["decorated"], "near")
        for field, pattern in self._several.items():
            if (match := pattern.match(text, at)) and len(match[0].split()) > 1:
                yield from self._listed(field, match[0])

    def last_readings(self, word: str, has_arguments: bool) -> Iterator[Name]:
        """The same for the last word of a header without the token after it: if it goes on after a name, that is the
        content.

        Args:
            has_arguments: arguments come after the word, as in `json;{"a":1}`.
        """
        tool, touched = self.tools.word.match(word), TOUCHED_NAME.match(word)
        called, ends = tool[0].rstrip(MARKS) if tool else "", {}
        name = touched[0] if touched else ""
        if name not in self.all and called.startswith(f"{name}{self.recovery.separator}"):
            name = ""  # the namespace of a tool
        for head in filter(None, (called, name)):
            end = len(head) + word.startswith((*MARKS,), len(head))
            is_opened = has_arguments and OPENING.search(word, end) is not None  # `json"{"a": 1}"`
            if has_arguments and not (is_opened or without_signs(word[end:])):
                end = len(word)  # no other sign begins arguments
            if is_opened or self._is_content(word[end:]) or (has_arguments and len(head) < end == len(word)):
                ends[head] = end
        yield from (name for name in self.readings(word) if not (ends and name.how == "near"))
        for head, end in ends.items():
            # Nothing shows where a misspelt name ends: `finalgoto=10`.
            apart = end > len(head)
            whole = (n for n in self.readings(head) if n.length == len(head) and (apart or n.how != "near"))
            yield from (name._replace(length=end, how=name.how or "glued") for name in whole)

    def _is_content(self, rest: str) -> bool:
        """Whether the rest of a word is more than signs around its name, and not another name."""
        return without_signs(rest) not in self.all and any(category(char) not in OF_SIGNS for char in rest)

    def _read(self, field: str, word: str) -> Iterator[Name]:
        if field in self.lists:
            yield from self._listed(field, word)
        elif field == self.slots.recipient:
            yield from self._tool(word)
        elif field == self.slots.name:
            yield from self._author(word)
        elif match := self.automaton.patterns[field].match(word):
            cost = self.costs["glued"] * (match.end() < len(word))
            yield Name(field, match[0], match.end(), cost)

    def is_inside(self, word: str, start: int, at: int) -> bool:
        """Whether `to=` at a place is a part of a word or an address, as in `auto=1` and `?to=you`.

        In `commentaryto=functions.f` and `commentary_to=functions.f`, it follows a known name.
        """
        follows_word = at - 2 >= start and INNER_SIGN.match(word, at - 2, at) is not None  # `x.to=1`
        if at == start or not (word[at - 1].isalnum() or word[at - 1] in JOINTS or follows_word):
            return False
        end = at - (word[at - 1] in JOINTS_OF_NAMES or follows_word)
        names = (end - len(name) for name in self.all if word.endswith(name, start, end))
        return all(begin > start and word[begin - 1].isalnum() for begin in names)

    def is_introduced(self, field: str, lead: str, name: str, answers: bool | None) -> bool:
        """Whether a name of a field follows a near miss of what introduces it; a sign alone introduces a tool only.

        Args:
            answers: whether a tool is the author; None among words that belong to nothing.
        """
        tools, is_word = self.tools, any(map(str.isalpha, lead))
        if field != self.slots.recipient:
            names = (each for each in self.readings(name) if each.field == field and each.how in ("", "near"))
            return is_word and any(names)
        if answers:
            return without_signs(name).lower() in self.recovery.roles
        if not is_word:
            return bool(tools.bare(name))
        known = tools.is_function(name) or tools.any_full(name) or (tools.offered and tools.spelled_apart(name))
        known = known or (name if name in self.recovery.recipients else None)
        signed = tools.offered is None and SIGN_AT_END.search(lead) is not None and answers is not None
        if known or (signed and self.is_plain(name)):
            return SIGN_AT_END.search(lead) is not None or self.recovery.separator in name
        return bool(tools.bare(name))

    def is_plain(self, name: str) -> bool:
        """Whether a word may be the name of a tool, and is not a role, a channel or a content type."""
        return name not in self.all and self.tools.word.fullmatch(name) is not None

    def _lead_in(self, word: str) -> tuple[int, bool]:
        """Where a text that introduces a recipient is inside a word, or a near miss after a sign or a known name, and
        whether it is a part of another word; -1 if there is none."""
        if self.lead and (at := word.find(self.lead)) >= 0:
            return at, at > 0 and self.is_inside(word, 0, at)
        for match in chain.from_iterable(near.finditer(word, 1) for near in self.automaton.near_recipient):
            at = match.start()
            if not (word[at - 1].isalnum() or word[at - 1] in JOINTS) or word[:at] in self.all:
                return at, False
        return -1, False

    # Fields whose names are known.

    def _listed(self, field: str, word: str) -> Iterator[Name]:
        known, row = self.lists[field], self.row(field).costs
        if word in known:
            yield Name(field, word, len(word), 0)
            return
        lead, inside = self._lead_in(word)
        if lead > 0:  # `commentary:to=functions.f`; `finalgoto=10` and `auto=1` are other words
            for name in self._listed(field, word[:lead]):
                is_other = name.how == "unknown" or (name.how == "near" and word[lead - 1] != name.value[-1])
                if not (inside and is_other):
                    yield name._replace(cost=name.cost + self.costs["glued"], how=name.how or "glued")
            return
        begun = [name for name in known if word.startswith(name)]
        if field == self.slots.role and not begun:  # `Assistantfinal`
            low = word.lower()
            cost = self.costs["glued"] + self.costs["decorated"]
            roles = (name for name in known if low.startswith(name) and low[len(name) :] in self.channels)
            yield from (Name(field, name, len(name), cost, "glued") for name in roles)
            role, lead_of_name, _ = word.partition(self.lead_of_name or "\0")
            if lead_of_name:  # `User:alice`
                yield from (name for name in self._listed(field, role) if name.how == "near")
        yield from (Name(field, name, len(name), self.costs["glued"], "glued") for name in begun)
        ends = ((name, match.end()) for name in begun if (match := JOINING.match(word, len(name))))
        if joined := [(name, end) for name, end in ends if self._is_joined(word[end - 1], word[end:])]:
            yield from (Name(field, name, end, self.costs["glued"], "glued") for name, end in joined)
            return
        near, cost = self._near(field, word) if lead else ([], 0)
        if near:
            costs = (cost + self.costs["margin"] * (name != near[-1]) for name in near)
            yield from (Name(field, name, len(word), each, "near") for name, each in zip(near, costs, strict=True))
        elif "unknown" in row and not self.is_known(word.rstrip(PUNCTUATION)):
            pattern = self.automaton.patterns[field]
            match = self.tools.word.match(word) if self.recovery.definitions.functions else None
            match = match if match and pattern.fullmatch(match[0]) else pattern.match(word)
            if match:
                cost = row["unknown"] + self.costs["glued"] * (match.end() < len(word))
                yield Name(field, match[0], match.end(), cost, "unknown")

    def _is_joined(self, before: str, word: str) -> bool:
        """Whether the rest of a word is a tool; one without its namespace may be another word or the end of one."""
        is_apart = not before.isalnum() and before not in JOINTS
        return bool(self.tools.bare(word)) and (is_apart or self.recovery.separator in word)

    def _near(self, field: str, word: str) -> tuple[list[str], int]:
        """The only known name that a word is near to, and the cost.

        Of a list of known names, as in `analysis,commentary`, all; as of names after tokens, the last one is read.
        """
        known, row = self.lists[field], self.row(field).costs
        bare = normalize("NFKC", without_signs(word)).lower()
        if not bare or ARGUMENTS.search(bare):  # `json{"a":1}` has arguments
            return [], 0
        found, cost = [n for n in known if bare == n * (len(bare) // len(n))], self.costs["decorated"]
        if not found and (listed := self._listed_in(field, bare)):
            return list(dict.fromkeys(reversed(listed)))[::-1], cost
        if not found:
            cost = self.costs["joined"]
            before = {*known, *self.recovery.roles}
            found = [n for n in known if bare.endswith(n) and bare[: -len(n)] in before]
        if not found and row.get("beginning") and (self.recovery.of_functions or "\0") not in bare:
            cost = self.costs["near"]
            found = [n for n in known if bare.startswith(n) or (len(bare) >= MIN_TYPO_CHARS and n.startswith(bare))]
            if found and any(bare.endswith(n) for n in known if n not in found):
                return [], 0  # `analysis_final`
        if not found and (ratio := row.get("ratio", self.costs["ratio"])):
            cost = self.costs["near"]
            least = MIN_REPLACED_CHARS if field == self.slots.role else MIN_TYPO_CHARS
            found = [n for n in known if is_alike(n, bare, ratio) or (len(n) >= least and is_typo(n, bare))]
        return (found, cost) if len(found) == 1 else ([], 0)

    def _listed_in(self, field: str, bare: str) -> list[str]:
        """The known names of a field among the parts of a word, if all others are names, too: `final|channel`.

        A content type may also have its class or its parameters with it: `application/json`.
        """
        known, ends = self.lists[field], self.format.special_ends[1]
        words = (word.rpartition(ends)[2] if ends else word for word in bare.split())  # after a damaged token
        parts = [part for word in words for part in LIST_PARTS.findall(word)]
        if not (found := [part for part in parts if part in known]) or field == self.slots.role:
            return []
        others = {*parts} - {*known, *self.all, *self.automaton.near_words}
        is_type = field == self.slots.content_type and not any(map(self.tools.is_tool, others))
        return found if is_type or not others else []

    # Tools.

    def _tool(self, word: str) -> Iterator[Name]:
        """A recipient: any name, and of the offered tools also what is near."""
        field, row = self.slots.recipient, self.row(self.slots.recipient).costs
        yield from (cut := [*self._cut(field, word)])
        if word in self.recovery.recipients:
            yield Name(field, word, len(word), 0)
            return
        if word in self.recovery.roles:
            yield Name(field, word, len(word), 0, "role")
            return
        if tool := self.tools.full(word):
            differs = tool != word or not self.automaton.patterns[field].fullmatch(word)
            yield Name(field, tool, len(word), self.costs["partial"] * differs, "near" * differs)
            return
        if word in self.all:
            return
        if self.tools.is_list(word):  # none of them is meant more than the others
            if self.automaton.patterns[field].fullmatch(word):
                yield Name(field, word, len(word), row["unknown"])
            else:
                yield from self.several_tools(word)
            return
        if (plain := normalize("NFKC", word)) != word and (tool := self.tools.bare(plain)):
            yield Name(field, self.tools.full(tool) or tool, len(word), self.costs["decorated"], "near")
            return
        if (role := without_signs(word).lower()) in self.recovery.roles:
            yield Name(field, role, len(word), self.costs["decorated"], "role")
            return
        head = re.match(r"\w+", word)
        if head and head[0] in self.recovery.roles and word[head.end()] not in f"{self.recovery.separator}-":
            yield Name(field, head[0], head.end(), self.costs["glued"], "role")
        if is_typo(self.recovery.author[self.slots.role], word):
            yield Name(field, self.recovery.author[self.slots.role], len(word), self.costs["near"], "role")
        unknown = row["unknown"] * (self.tools.offered is not None)
        unknown += self.costs["drop_name"] * any(word[name.length :] in self.channels for name in cut)
        for known in (each for each in self.recovery.recipients if word.startswith(each)):
            if not (word[len(known)].islower() or word[len(known)] in f"{self.recovery.separator}_-"):
                yield Name(field, known, len(known), self.costs["glued"], "glued")  # `to=userHello`
                unknown += self.costs["joined"]
        match = self.tools.word.search(word)
        named = UP_TO_LETTER.match(match[0]) if match else None
        bare = word if match is None else named[0] if named else ""
        if bare in self.all and not self.tools.full(bare):
            return
        around = word.replace(bare, "", 1)
        tool = self.tools.nearest(word, row["ratio"]) or self.tools.respelled(bare)
        ends = self.tools.offered is None and self.tools.word.fullmatch(bare) and word.rstrip(PUNCTUATION) == bare
        if not (tool or cut) and around and not re.search(r"\w", around) and (ends or self.tools.is_tool(bare)):
            tool = self.tools.full(bare) or bare
        if tool:
            is_other = bool(self.tools.offered) and not self.tools.is_sure(tool, bare)
            cost = self.costs["near" if is_other or not around else "decorated"]
            yield Name(field, tool, len(word), cost, "near")
            if is_other:  # `unlock` may be a different tool from `lock`
                yield Name(field, bare, len(word), cost + self.costs["margin"], "near" * bool(around))
        elif self.automaton.patterns[field].fullmatch(word) and not self._is_called(word):
            bare_namespace = word in (self.recovery.definitions.functions, self.recovery.of_functions)
            odd = row["odd"] * (match is None or match[0] != word or bare_namespace)
            yield Name(field, word, len(word), unknown + odd)
        if match and match.start() == 0 and match[0] != word:
            tool = self.tools.full(match[0])
            yield Name(field, tool or match[0], match.end(), self.costs["glued"] + (0 if tool else unknown), "glued")

    def _is_called(self, word: str) -> bool:
        """Whether a word is a tool with brackets after it, as in `functions.f(x=1)`."""
        match = self.tools.word.match(word)
        return match is not None and word[match.end() :][:1] in BRACKETS and self.tools.is_tool(match[0])

    def several_tools(self, text: str) -> Iterator[Name]:
        """A list of tools with white space in it: any of them may be meant."""
        for number, tool in enumerate(self.tools.listed(text)):
            cost = self.costs["decorated"] + self.costs["margin"] * (number > 0)
            yield Name(self.slots.recipient, tool, len(text), cost, "near")

    def _author(self, word: str) -> Iterator[Name]:
        """A tool that answers."""
        field, row = self.slots.name, self.row(self.slots.name).costs
        matches = self.tools.word.match(word), self.automaton.patterns[field].match(word)
        match = next((each for each in matches if each and self.automaton.patterns[field].fullmatch(each[0])), None)
        if word in self.all:
            yield Name(field, word, len(word), row["unknown"], "known")
            return
        if not match:
            return
        marked = MARKED_NAME.fullmatch(word)
        if marked and not self.is_known(marked[1]):
            yield Name(field, marked[1], len(word), self.costs["decorated"], "led")
        if tool := self._answering(word):
            yield Name(field, tool, len(word), self.costs["decorated"], "near")
            return
        yield from self._cut(field, word)
        tool = self.tools.full(match[0])
        kind = "partial" if tool else "namespaced" if self.tools.is_function(match[0]) else "unknown"
        cost = 0 if tool == match[0] else row[kind]
        glued = match.end() < len(word)
        if glued and self.automaton.patterns[field].fullmatch(word) and not self._is_called(word):
            yield Name(field, word, len(word), cost + row["odd"] * (SINGLE_WORD.fullmatch(word) is None))
        if match[0] not in self.lists.get(self.slots.role, ()):  # which could not be written as a name
            yield Name(field, match[0], match.end(), cost + self.costs["glued"] * glued, "glued" * glued)

    def _answering(self, word: str) -> str | None:
        """The tool in a word that has the role of tools before it, or signs around it: `tool:functions.f`."""
        role = self._role_of_tools.match(word)
        bare = BETWEEN_SIGNS.search(word, role.end() if role else 0)
        return bare[0] if bare and bare[0] != word and self.tools.is_tool(bare[0]) else None

    def _cut(self, field: str, word: str) -> Iterator[Name]:
        """A tool that touches another name, or what introduces one."""
        ends = {len(bare) - len(name) for name in self.all if (bare := word.rstrip(MARKS)).endswith(name)}
        ends |= {word.find(self.lead) if self.lead else 0}
        for at in sorted(end for end in ends if end > 0):
            part, rest = word[:at], word[at:]
            tool, introduced = self.tools.full(part), self.lead != "" and rest.startswith(self.lead)
            if field == self.slots.recipient:
                joined, part = part, APART.sub("", part)
                is_apart = rest in self.channels and (self.tools.offered or part != joined)
                bare = self.tools.bare(part) if is_apart else part
                tool = self.tools.full(bare) or (bare if is_apart else None)
            tool = tool or (self._answering(part) if field == self.slots.name else None)
            answers = introduced and field == self.slots.name and rest[len(self.lead) :] in self.recovery.roles
            if tool or (introduced and self.tools.is_tool(part)) or (answers and part not in self.all):
                yield Name(field, tool or part, at, self.costs["glued"], "glued")
                if tool and rest in self.channels:  # ... which may have its place already
                    yield Name(field, tool, len(word), self.costs["drop_name"], "near")
                elif tool and rest in self.recovery.content_types:  # the name may be that of another tool
                    yield Name(field, tool, len(word), self.costs["joined"], "near")
            elif field == self.slots.recipient and part in self.recovery.roles and rest in self.all:
                yield Name(field, part, at, self.costs["glued"], "role")


def _several(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern of several names, with signs and perhaps white space between them."""
    name = "|".join(map(re.escape, names))
    return re.compile(rf"(?:{name})(?:\s*[^\w\s\ud800-\udfff]{{1,2}}\s*(?:{name}))+(?![^\s\ud800-\udfff])")
