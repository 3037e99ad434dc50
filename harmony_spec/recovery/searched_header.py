"""The text of a header that is searched: where its words are, and what comes between its special tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from typing import Any

from .header_automaton import without_signs
from .header_names import HeaderNames, Name

MAX_SINGLE_WORDS = 8
"""Each of so many words that belong to nothing is reported by itself."""

NEXT_WORD = re.compile("[^\\s\ud800-\udfff]+")
BEFORE_ARGUMENTS = re.compile("(?:[^\\s\ud800-\udfff{\\[]+|[{\\[][^\\s\ud800-\udfff]*)")
"""A word where the header may hold the content: arguments touch what comes before them, as in `json{"a":1}`."""
SIGNS_OF_JSON = re.compile("[{}\"',]")
"""What is left out of an object of JSON in a header; its names and values stay."""

SPECIAL = re.compile("[\ud800-\udfff]")


class SearchedHeader:
    """One header.

    Args:
        mixed: the header in the mixed alphabet.
        given: the fields of an open header that it continues.
        opened: the token that opens the content follows; otherwise the header may hold the content.
        lacks_start: the token that begins a message is missing.
        described: the grammar describes the header, at least after a token that begins messages, so that only its words
            can be wrong.
        max_cost: the most that its reading may cost; None for the limit of the format.

    Attributes:
        text: `mixed` without free texts, a misspelt token that begins the message, and the signs around the fields of
            an object of JSON.
        begun: it has the token that begins a message, or in its place a role with a channel: `assistantfinal`.
        was_opened: a token that opens contents is in it, and the header went on.
        first: where its first character is that is not white space.
        last_lead: where the last text is that introduces a recipient, or opens the content by a misspelt token; -1 if
            none is.
        undivided: by the end of a word, a place in it after which no misspelt token divides it.
        last_special, last_token: where the last special token is, in the text and in `mixed`; -1 if none is.
    """

    def __init__(
        self,
        names: HeaderNames,
        mixed: str,
        given: dict[str, Any],
        opened: bool,
        lacks_start: bool,
        described: bool,
        max_cost: int | None,
    ) -> None:
        self.names, self.automaton, self.given = names, names.automaton, given
        self.recovery, self.slots, self.costs = names.recovery, names.slots, names.costs
        self.opened, self.lacks_start = opened, lacks_start
        self.most = min(self.costs["most"], self.costs["most"] if max_cost is None else max_cost)
        self.places = {field: index for index, field in enumerate(self.automaton.fields)}
        text = self.automaton.blanked.sub(lambda match: " " * len(match[0]), mixed)
        self.has_opener = opened or self.automaton.misspelt_openers.search(text) is not None
        if self.has_opener:
            text = self.automaton.misspelt_start.sub(lambda match: " " * len(match[0]), text)
        if opened:  # elsewhere, an object may be arguments, and words a text
            text, objects = self.automaton.json_fields.subn(lambda match: SIGNS_OF_JSON.sub(" ", match[0]), text)
            described &= not objects  # the rule of a name reads an object of JSON, too
        self.text, self.described = text, described
        self.end, self.text_end = len(text), len(text.rstrip())
        rest, joined = text.lstrip(), names.authored - names.channels if lacks_start else ()
        ends = [len(name) for name in joined if rest.startswith(name) and not rest[len(name) :][:1].islower()]
        self.begun = text.startswith(self.automaton.begins) or bool(ends)
        self.was_opened = any(mark in text for mark in self.automaton.opens)
        self.first = self.end - len(text.lstrip())
        self.next_word = NEXT_WORD if opened else BEFORE_ARGUMENTS
        self.words: dict[int, str] = {}
        self.undivided: dict[int, int] = {}
        self.runs: dict[int, list[tuple[int, int, str]]] = {}
        self.run_costs: dict[int, int] = {}
        self.listed: dict[int, tuple[Name, ...]] = {}
        leads = (match.start() for match in self.automaton.leads.finditer(text))
        leads = (at for at in leads if not names.is_inside(text, 0, at))
        openers = () if opened else (match.start() for match in self.automaton.misspelt_openers.finditer(text))
        self.last_lead = max(chain(leads, openers), default=-1)
        self.last_special, self.last_token = (
            max((match.start() for match in SPECIAL.finditer(each)), default=-1) for each in (text, mixed)
        )

    def word(self, at: int) -> str:
        if (found := self.words.get(at)) is None:
            match = self.next_word.match(self.text, at)
            found, end = (match[0], match.end()) if match else ("", at)
            if at < self.undivided.get(end, end):
                if token := self.automaton.divides.search(found, 1):
                    found = found[: token.start()]
                else:
                    self.undivided[end] = at
            self.words[at] = found
        return found

    def next_special(self, at: int) -> int:
        """Where the next special token is; the end of the header if none follows."""
        special = SPECIAL.search(self.text, at)
        return special.start() if special else self.end

    def run(self, at: int) -> list[tuple[int, int, str]]:
        """The words up to what introduces something; after `MAX_SINGLE_WORDS`, the others as one."""
        if (found := self.runs.get(at)) is None:
            stop = self.next_special(at)
            leads = (match.start() for match in self.automaton.leads.finditer(self.text, at, stop))
            leads = (start for start in leads if not self.names.is_inside(self.text, at, start))
            described = self.automaton.literal.finditer(self.text, at, stop) if self.described else ()
            others = (match.start() for match in described if self.text[match.start() - 1].isspace())
            stop = min(chain(leads, others, self._near_leads(at + 1, stop)), default=stop)
            words = self.next_word.finditer(self.text, at, stop)
            found = [(m.start(), m.end(), m[0]) for m in islice(words, MAX_SINGLE_WORDS)]
            if found and (rest := self.text[found[-1][1] : stop].rstrip()):
                found.append((found[-1][1], found[-1][1] + len(rest), rest))
            self.runs[at] = found
        return found

    def run_cost(self, at: int) -> int:
        """What the words of the run at a place cost if they belong to nothing."""
        if (found := self.run_costs.get(at)) is None:
            names, costs, run = self.names, self.costs, self.run(at)
            found = min(costs["words"] + costs["more_words"] * (len(run) - 1), costs["most_words"])
            is_named = any(names.is_known(word) or names.is_named(word) for _, _, word in run[:2])
            leads = sum(self.automaton.is_near_lead(word) for _, _, word in run)
            self.run_costs[at] = found = found + costs["name_in_words"] * (is_named + leads)
        return found

    def _near_leads(self, at: int, stop: int) -> Iterator[int]:
        """Where a near miss of what introduces a name comes in a text, as a word of its own."""
        for near in self.automaton.near_leads:
            for match in near.among_words.finditer(self.text, at, stop):
                is_apart, name = self.text[match.start() - 1].isspace(), self.word(match.end())
                if is_apart and self.names.is_introduced(near.field, match[0], name, None):
                    yield match.start()

    def may_be_content(self, at: int) -> bool:
        """Whether a word is the last one of a header whose content no token opens."""
        return not self.opened and at > self.last_special and at + len(self.word(at)) >= self.text_end

    def is_answer(self, at: int, name: Name) -> bool:
        """Whether a role comes as recipient after a name, which is not itself a role with a text that introduces
        something, as in `user:alice`."""
        if at + name.length > self.last_addressed or self._is_transposed(at):
            return False
        roles = (each for each in self.names.readings(self.word(at)) if each.field == self.slots.role)
        return not any(self.automaton.literal.match(self.text, at + each.length) for each in roles)

    def _is_transposed(self, at: int) -> bool:
        """Whether a word has the place of the first of two channels, and the model that of the recipient after them.

        So gpt-oss calls a tool (a case in `spliced_headers.toml`, from llama-server). The author must be known, since a
        result may have lost the token before its tool.
        """
        before, after = self.text[:at].rstrip(), self.next_special(at)
        has_author = not self.lacks_start and (bool(self.given) or re.search(r"\w", before) is not None)
        tokens = {self.automaton.introduces.get(token) for token in (before[-1:], self.text[after : after + 1])}
        model, lead = self.recovery.author[self.slots.role], self.last_addressed
        addresses_model = any(at == lead and self.text.startswith(model, end) for at, end in self._introductions())
        return has_author and tokens == {self.slots.channel} and after < lead and addresses_model

    def _introductions(self) -> Iterator[tuple[int, int]]:
        """Where something introduces a recipient, or nearly: the start and the end of it."""
        for pattern in self.automaton.to_recipient:
            yield from (match.span() for match in pattern.finditer(self.text))

    @cached_property
    def first_lead(self) -> int:
        """Where the first of those begins; the end of the header if there is none."""
        return min((start for start, _ in self._introductions()), default=self.end)

    @cached_property
    def last_addressed(self) -> int:
        """Where the last of those begins that introduces a role; -1 if none does."""
        return max((start for start, end in self._introductions() if self._is_role(end)), default=-1)

    def _is_role(self, at: int) -> bool:
        """Whether a role is at a place, also misspelt, or with signs or another word after it."""
        word = self.word(at)
        if without_signs(word).lower().startswith(self.recovery.roles):
            return True
        return any(each.how == "role" for each in self.names.readings(word) if each.field == self.slots.recipient)

    def goes_on(self, at: int, name: Name) -> bool:
        """Whether a word near to a name has another word in it, as in `analysisWe` and `commentary:please`; one of the
        letters at its ends may come twice."""
        word, value = self.word(at)[: name.length].lower(), name.value.lower()
        if name.how != "near" or value not in word:
            return False
        known = {value[0], value[-1], *self.automaton.near_words, *self.names.all}
        return not known.issuperset(re.findall(r"[^\W_]+", word.replace(value, " ")))
