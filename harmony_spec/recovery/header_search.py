"""A header as the cheapest reading of the grammar: the shortest path over places in the header and states of its
automaton. What the grammar allows costs nothing, each edit what `recovery.toml` sets; the edits are the findings.

Hard rules come before costs. Between two special tokens, a name that nothing introduces is read only as far as the
words there allow, see `CLEAN` and the other modes: two plain words are text; a tool must be the whole of its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import chain, islice
from typing import Any, NamedTuple

from ..diagnostics import Alternative
from .header_automaton import FIELD, Sets, State, without_signs
from .header_names import LETTER, MARKS, HeaderNames, Name
from .header_reading import Edit, Edits, HeaderReading, reading_of
from .header_text import ARGUMENTS, is_arguments
from .named_tools import PUNCTUATION

CLEAN, NAMED, TYPED, WORD, WORDS, BARE, PLAIN = range(7)
"""What has come between the last special token and a place, apart from what is introduced: nothing; a channel; a
content type; a plain word; several; a tool with a namespace, or after a near miss of ` to=`; one without."""

MAX_NAME_WORDS = 4
"""White space divides the name of a tool into so many words, as in `functions Web Search`."""

MAX_SINGLE_WORDS = 8
"""Each of so many words that belong to nothing is reported by itself."""

NEXT_WORD = re.compile("[^\\s\ud800-\udfff]+")
BEFORE_ARGUMENTS = re.compile("(?:[^\\s\ud800-\udfff{\\[]+|[{\\[][^\\s\ud800-\udfff]*)")
"""A word where the header may hold the content: arguments touch what comes before them, as in `json{"a":1}`."""
SIGNS_OF_JSON = re.compile("[{}\"',]")
SPECIAL = re.compile("[\ud800-\udfff]")

SPACED_ARGUMENTS = re.compile(rf"\s*(?:{ARGUMENTS.pattern})")

MARK_OF_NAME = re.compile(rf"[{MARKS}](?=[\s\w{{\[\"'])\s*")
"""What a name may have after it before a content, as in `final: Hello`; in `final:)` it begins the content."""

Values = tuple[str | bool | None, ...]
Ranks = tuple[int, ...]
"""The places of the edits of a path in the table."""


class SearchNode(NamedTuple):
    """A place in the header, the state of the automaton there, and what is known of the path.

    Attributes:
        mode: what has come in the segment, see `CLEAN`.
        marks: what the token before it sets with the next name.
        values: the fields that were read; "" for one that was introduced without a name.
    """

    at: int
    state: State
    mode: int
    marks: Sets
    values: Values


Edge = tuple[int, SearchNode, Edits]
Taken = tuple[int, str, int | None, Sets]


class HeaderSearch:
    """Reads one header.

    Args:
        mixed: the header in the mixed alphabet.
        given: the fields of an open header that it continues.
        opened: the token that opens the content follows; otherwise the header may hold the content.
        lacks_start: the token that begins a message is missing.
        described: the grammar describes the header, so that only its words can be wrong.
    """

    def __init__(
        self,
        names: HeaderNames,
        mixed: str,
        given: dict[str, Any],
        opened: bool,
        lacks_start: bool,
        described: bool,
    ) -> None:
        self.names, self.automaton, self.given = names, names.automaton, given
        self.recovery, self.slots, self.costs = names.recovery, names.slots, names.costs
        self.opened, self.lacks_start, self.described = opened, lacks_start, described
        text = self.automaton.blanked.sub(lambda match: " " * len(match[0]), mixed)
        if opened:  # elsewhere, an object may be arguments
            text = self.automaton.json_fields.sub(lambda match: SIGNS_OF_JSON.sub(" ", match[0]), text)
        self.text = text
        self.end, self.text_end = len(text), len(text.rstrip())
        self.begun = self.text.startswith(self.automaton.begins)
        self.was_opened = any(mark in text for mark in self.automaton.opens)  # a token went on with the header
        self.first = self.end - len(self.text.lstrip())
        self.places = {field: index for index, field in enumerate(self.automaton.fields)}
        self.next_word = NEXT_WORD if opened else BEFORE_ARGUMENTS
        self.ranks = {kind: rank for rank, kind in enumerate(self.recovery.edits)}
        self.words: dict[int, str] = {}
        self.runs: dict[int, list[tuple[int, int, str]]] = {}
        self.is_cut = False
        leads = (match.start() for match in self.automaton.leads.finditer(text))
        self.last_lead = max((at for at in leads if not names.is_inside(text, 0, at)), default=-1)
        self.last_special, self.last_token = (
            max((match.start() for match in SPECIAL.finditer(each)), default=-1) for each in (text, mixed)
        )

    def read(self, max_cost: int | None) -> HeaderReading | None:
        """The cheapest reading; if it costs more than `max_cost`, nothing is read. Call it once.

        None if that would be nothing of a header that the grammar describes.
        """
        most = self.costs["most"] if max_cost is None else min(max_cost, self.costs["most"])
        found = self._search(most)
        if self.described and not found:
            return None
        reading = self._reading(found[0][2] if found else self._unread())
        if found:
            reading.cost = found[0][0]
        for cost, _, other in found[1:]:
            reading.alternative = Alternative(self._reading(other).values, cost)
        reading.why = self._compare(reading, most) if found else f"no reading costs {most} or less"
        return reading

    def _reading(self, path: Edits) -> HeaderReading:
        return reading_of(self.names, self.text, path, self.given, self.lacks_start)

    def _compare(self, reading: HeaderReading, most: int) -> str:
        """Why a reading was taken: what it costs, and the next one with the fields that it has instead."""
        cost, other = f"this reading costs {reading.cost}", reading.alternative
        if other is None:
            limit = min(reading.cost + self.costs["runner_up"], most)
            return f"{cost}, {'no other was found up to' if self.is_cut else 'all others more than'} {limit}"
        pairs = (
            (field, other.fields[field]) for field, value in reading.values.items() if value != other.fields[field]
        )
        instead = ", ".join(f"{value!r} as {field}" if value else f"no {field}" for field, value in pairs)
        return f"{cost}, with {instead or 'other text'} {other.cost}"

    def _unread(self) -> Edits:
        """No reading is cheap enough: the text after the last special token is the content, unless a token opens it."""
        at = self.end if self.opened else self.last_token + 1
        # If a header that was too dear has a channel, its text is not shown as an answer.
        lost = self.names.channels.isdisjoint(re.split(r"\W+", self.text[:at]))
        path = (Edit("unread", "", 0, at, lost=lost),) if at else ()
        return path if not self.text[at:].strip() else (*path, Edit("", "", at, at, lost=True, rest=True))

    def _search(self, most: int) -> list[tuple[int, Values, Edits]]:
        """The cheapest path, and the next one that reads other fields if it costs little more; with costs and fields.

        Dijkstra's algorithm; of two paths that cost the same, the one whose edits come first in the table. If nothing
        has to be edited in a header that the grammar describes, no other path is looked for.
        """
        values = tuple(None if self.begun else self.given.get(field) for field in self.automaton.fields)
        start = SearchNode(0, self.automaton.start if self.begun else self.automaton.after_author, CLEAN, (), values)
        heap: list[tuple[int, Ranks, int, SearchNode, Edits]] = [(0, (), 0, start, ())]
        best = {start: (0, Ranks())}
        count, width, found = 0, dict[int, int](), list[tuple[int, Values, Edits]]()
        while heap:
            cost, ranks, _, node, path = heappop(heap)
            if cost > most:
                break
            if node.at > self.end:
                authored = self._value(node, self.slots.role)
                values = node.values if authored else self._put(node.values, tuple(self.recovery.author.items()))
                if not found or values != found[0][1]:
                    found.append((cost, values, path))
                    most = min(most, cost + self.costs["runner_up"])
                if len(found) > 1 or (self.described and not cost):
                    break
                continue
            if (cost, ranks) != best[node]:
                continue
            if (passed := width.get(node.at, 0)) == self.costs["width"]:
                self.is_cut = True
                continue
            width[node.at] = passed + 1
            for price, target, edits in self._edges(node):
                more = [self.ranks[edit.kind] for edit in edits if edit.kind] if edits else []
                total = cost + price, (*ranks, *more) if more else ranks
                if target not in best or total < best[target]:
                    count += 1
                    best[target] = total
                    heappush(heap, (*total, count, target, (*path, *edits)))
        return found

    # What may come next.

    def _edges(self, node: SearchNode) -> Iterator[Edge]:
        at, text, automaton = node.at, self.text, self.automaton
        while at < self.end and text[at].isspace():
            at += 1
        awaited = automaton.awaited(node.state)
        special = at < self.end and text[at] in automaton.markers
        if awaited and (at == self.end or special or automaton.at_lead(text, at)):
            yield self._nothing(node, at, awaited)
        if not self.opened and self.last_special < at < self.end:
            yield from self._content(node, at, awaited)
        if at == self.end:
            if not awaited:
                price = self.costs["no_content"] * (not self.opened) + self._lacking_channel(node)
                price += self.costs["order"] * (not automaton.is_complete(node.state))
                yield price, node._replace(at=self.end + 1, state=frozenset(), mode=CLEAN), ()
        elif special:
            yield from self._introducer(node, at, awaited, text[at])
            is_second = awaited and text[at - 1] in automaton.markers
            field = automaton.introduces.get(text[at], "")
            edit = Edit("again", field, at, at + 1, lost=field != "" and field == self.slots.channel)
            price = self.costs["special_in_a_row" if is_second else "drop_special"]
            yield price, node._replace(at=at + 1, mode=CLEAN), (edit,)
        else:
            yield from self._literal(node, at, awaited)
            yield from self._names(node, at, awaited)
            yield from self._words(node, at, awaited)

    def _lacking_channel(self, node: SearchNode) -> int:
        """What it costs if a call has no channel."""
        slots, answers = self.slots, self._value(node, self.slots.role) == self.recovery.tool
        is_call = not answers and bool(slots.channel and self._value(node, slots.recipient))
        return self.costs["no_channel"] * (is_call and not self._value(node, slots.channel))

    def _cost(self, field: str, edit: str) -> int:
        return self.names.row(field).costs.get(edit, self.costs["order"])

    def _put(self, values: Values, sets: Sets) -> Values:
        changed = list(values)
        for field, value in sets:
            changed[self.places[field]] = value
        return tuple(changed)

    def _value(self, node: SearchNode, field: str) -> str | bool | None:
        return node.values[self.places[field]] if field else None

    def _nothing(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Edge:
        """A name is missing after what introduces it."""
        field = awaited[0]
        state = self.automaton.step(node.state, FIELD + field)[0]
        target = node._replace(state=state)
        if node.marks and self.text[:at].rstrip()[-1:] not in self.automaton.markers:
            return 0, target, ()  # a word that is not a name comes there
        lost = field in (self.slots.role, self.slots.channel)
        return self._cost(field, "empty"), target, (self._missing(node, "empty", field, lost),)

    def _missing(self, node: SearchNode, kind: str, field: str, lost: bool = False) -> Edit:
        """The edit for a field without a name, at what introduces it."""
        labels = (label for label in self.automaton.introduces if self.text.endswith(label, 0, node.at))
        start = node.at - max(map(len, labels), default=1)
        return Edit(kind, field, max(start, 0), max(node.at, 1), fields=(field,), lost=lost)

    def _content(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """The rest is the content."""
        text, rest, word, costs = self.text, self.text[at:], self._word(at), self.costs
        if rest.rstrip() in self.names.all or (node.mode in (BARE, PLAIN) and not is_arguments(rest)):
            return
        price = costs["text"]
        if node.mode in (NAMED, TYPED) and rest[0].isalpha():
            price += costs["text_after_name"]
        if node.mode == WORD and self._value(node, self.slots.role) == self.recovery.tool:
            price += costs["text_for_name"] + costs["text_after_name"]  # a sentence that begins with the name of a tool
        if awaited:
            if any(word in self.names.lists.get(field, ()) for field in awaited):
                return
            is_word = rest.rstrip() == word and word[0].isalnum() and not self.was_opened
            price += costs["text_for_name"] + costs["one_word"] * is_word
        if not ARGUMENTS.match(rest):  # `to=10 is the range`
            price += self._lacking_channel(node)
        if self.automaton.at_lead(self.text, at):
            price += costs["text_at_lead"]
        elif at < self.last_lead:
            price += costs["text_with_lead"]
        elif self.names.tools.bare(word) or any(
            word.startswith(name) and not word[len(name) :][:1].isalnum() for name in self.names.all
        ):
            price += costs["text_at_name"]
        lead = self.automaton.lead
        if 0 < at == node.at and text[at - 1].isalnum() and (mark := MARK_OF_NAME.match(text, at)):
            at = mark.end()
        if awaited and lead and self.text.endswith(lead, 0, node.at) and not ARGUMENTS.match(rest):
            at = node.at - len(lead)  # `to=10 is the range`, if tools are offered
        yield price, node._replace(at=self.end + 1, state=frozenset(), mode=CLEAN), (Edit("", "", at, at, rest=True),)

    def _introducer(self, node: SearchNode, at: int, awaited: tuple[str, ...], label: str) -> Iterator[Edge]:
        """A special token, or a text, that introduces a field."""
        automaton, costs, end = self.automaton, self.costs, at + len(label)
        special, field = label in automaton.markers, automaton.introduces.get(label, "")
        flag = field != "" and self.names.format.defaults.get(field) is False
        again = not flag and self._value(node, field) is not None
        (state, sets), edits = automaton.step(node.state, label), Edits()
        price = costs["again"] * again
        if not (state or awaited) and (special or len(label) > 1):
            (state, sets), price = automaton.jump(label), price or costs["order"]
        if flag and (self._value(node, field) or node.marks):
            edits = (Edit("again", field, at, end),)
        if state and label not in automaton.opens:
            pending = bool(automaton.awaited(state))
            values = node.values if pending else self._put(node.values, sets)
            edits += () if pending or not sets else (Edit("", field, at, end, sets),)
            marks = node.marks if not special else sets if pending else ()
            yield price, SearchNode(end, state, CLEAN, marks, values), edits
        if again and (state or special):
            yield from self._again(node._replace(marks=()) if special else node, at, end, field, bool(awaited))

    def _again(self, node: SearchNode, at: int, begin: int, field: str, is_awaited: bool) -> Iterator[Edge]:
        """Drop a repeated field with its value; no known name of another field, and none where a name is awaited.

        If no token opens the content, the text after the last token of the header is the content: that token replaces
        the missing one.
        """
        word = self._word(begin)
        replaces = at == self.last_special and not self.opened
        if not word or replaces or self.automaton.at_lead(self.text, begin):
            return
        is_known, readings = self.names.is_known(word), self.names.readings(word)
        whole = (each for each in readings if each.field == field and each.length == len(word))
        names = [each for each in whole if is_known or each.how == "near"]
        if not (is_awaited if names else is_known):
            end, mode = begin + len(word), WORD if self.text[at] in self.automaton.markers else CLEAN
            price = self.costs["drop_field"] + sum(each.cost for each in names[:1] if each.how == "near")
            yield price, node._replace(at=end, mode=mode), (Edit("repeated", field, at, end),)

    def _literal(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """Text that introduces a field, or nearly."""
        automaton, costs = self.automaton, self.costs
        answers = self._value(node, self.slots.role) == self.recovery.tool
        wordy = node.mode == WORDS or (node.mode == WORD and not answers)
        if match := automaton.literal.match(self.text, at):
            if not wordy or any(map(str.isalpha, match[0])):  # a sign may belong to the words before it
                yield from self._introducer(node, at, awaited, match[0])
            return
        named = node.mode in (BARE, PLAIN)
        follow = self._targets(node)
        for near in automaton.near_leads:
            if named and near.field not in self.names.lists:
                continue
            match = (near.among_words if wordy else near.alone).match(self.text, at)
            if near.field == self.slots.name and not (near.field in awaited or near.state & follow):
                continue  # any word may be a name
            if awaited == (self.slots.name,) and near.field != self.slots.name:
                continue  # a sign belongs to the name of the author
            is_word = near.field in self.names.lists and match is not None and match[0].rstrip()[-1].isalnum()
            if is_word and not self.opened:
                continue  # `role user` may begin a text
            if match and self.names.is_introduced(near.field, match[0], self._word(match.end()), answers):
                price = self._cost(near.field, "lead") + costs["again"] * (self._value(node, near.field) is not None)
                end, mode = match.end() + len(self._word(match.end())), node.mode if named else CLEAN
                if near.field == self.slots.recipient and not wordy:
                    mode = BARE
                if is_word:  # no tool is the whole of its place after it
                    mode = mode or TYPED
                lost = {self.slots.role, self.slots.channel} & {*awaited} and near.field not in awaited
                empty, before, edits = self._nothing(node, at, awaited) if lost else (0, node, Edits())
                edit = Edit("led", near.field, at, end, fields=(near.field,))
                yield price + empty, before._replace(at=match.end(), state=near.state, mode=mode), (*edits, edit)

    def _targets(self, node: SearchNode) -> set[int]:
        return {edge.target for row in node.state for edge in self.automaton.edges[row]}

    def _word(self, at: int) -> str:
        if (found := self.words.get(at)) is None:
            match = self.next_word.match(self.text, at)
            found = self.words[at] = match[0] if match else ""
        return found

    def _words(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """A known name that is not meant, or words that belong to nothing, up to what introduces something."""
        word, costs, names = self._word(at), self.costs, self.names
        if self.automaton.at_lead(self.text, at):
            return
        displaced = ""
        if awaited and not node.marks:
            if not LETTER.search(word):  # a bullet before a name, as in `# final`
                end, mode = at + len(word), node.mode or TYPED  # no tool is the whole of its place after it
                yield costs["words"], node._replace(at=end, mode=mode), (Edit("unread", "", at, end),)
            displaced = awaited[0]
            if not names.row(displaced).costs:  # a wrong value of a field that only the grammar knows
                state, end = self.automaton.step(node.state, FIELD + displaced)[0], at + len(word)
                edit = Edit("unread", displaced, at, end, fields=(displaced,))
                yield costs["words"], node._replace(at=end, state=state), (edit,)
                return
            if node.mode != CLEAN or "displaced" not in names.row(displaced).costs:
                return
        if node.mode in (BARE, PLAIN):
            return
        if displaced:
            state = self.automaton.step(node.state, FIELD + displaced)[0]
            kind = "displaced" if "displaced" in names.row(displaced).codes else ""
            before: Edits = (self._missing(node, kind, displaced, displaced == self.slots.channel),)
            node, extra = node._replace(state=state), self._cost(displaced, "displaced")
        else:
            before, extra = (), 0
            if word in names.all or (names.tools.is_tool(word) and not self._may_be_content(at)):
                kept = word in names.all or self._value(node, self.slots.recipient) is not None
                edit = self._left_out(node, word, at)
                yield (
                    costs["drop_name"],
                    node._replace(at=edit.end, mode=(node.mode or NAMED) if kept else WORD),
                    (edit,),
                )
        glued = at == node.at and at and self.text[at - 1] not in self.automaton.markers
        if node.mode != CLEAN and not glued:
            return
        if not (run := self._run(at)):  # what introduces a recipient, in a place that the grammar does not have
            return
        price = min(costs["words"] + costs["more_words"] * (len(run) - 1), costs["most_words"])
        price += costs["name_in_words"] * any(names.is_known(word) or names.is_named(word) for _, _, word in run[:2])
        price += costs["name_in_words"] * sum(self.automaton.is_near_lead(word) for _, _, word in run)
        price += costs["unread_text"] * (not self.opened and at > self.last_special)
        is_author = displaced == self.slots.role or self.automaton.step(node.state, FIELD + self.slots.name)[0]
        as_author = costs["one_word"] * bool(is_author)  # any word may be the name of a tool
        if is_author and len(run) == 1:
            extra = self._cost(self.slots.role, "displaced")
            price += as_author
        edits = tuple(self._left_out(node, word, start) for start, _, word in run)
        mode = node.mode or (WORDS if len(run) > 1 else WORD)
        yield extra + price, node._replace(at=run[-1][1], mode=mode), (*before, *edits)
        if len(run) > 1 and node.mode == CLEAN and not names.is_known(word):
            price = extra + costs["words"] + as_author
            yield price, node._replace(at=run[0][1], mode=WORD), (*before, edits[0])

    def _run(self, at: int) -> list[tuple[int, int, str]]:
        """The words up to what introduces something; after `MAX_SINGLE_WORDS`, the others as one."""
        if (found := self.runs.get(at)) is None:
            special = SPECIAL.search(self.text, at)
            stop = special.start() if special else self.end
            leads = (match.start() for match in self.automaton.leads.finditer(self.text, at, stop))
            leads = (start for start in leads if not self.names.is_inside(self.text, at, start))
            stop = min(chain(leads, self._near_leads(at + 1, stop)), default=stop)
            words = self.next_word.finditer(self.text, at, stop)
            found = [(m.start(), m.end(), m[0]) for m in islice(words, MAX_SINGLE_WORDS)]
            if found and (rest := self.text[found[-1][1] : stop].rstrip()):
                found.append((found[-1][1], found[-1][1] + len(rest), rest))
            self.runs[at] = found
        return found

    def _near_leads(self, at: int, stop: int) -> Iterator[int]:
        """Where a near miss of what introduces a name comes in a text, as a word of its own."""
        for near in self.automaton.near_leads:
            for match in near.among_words.finditer(self.text, at, stop):
                is_apart, name = self.text[match.start() - 1].isspace(), self._word(match.end())
                if is_apart and self.names.is_introduced(near.field, match[0], name, None):
                    yield match.start()

    def _left_out(self, node: SearchNode, word: str, at: int) -> Edit:
        """The edit for a word that no field takes, with the field that it may be about."""
        slots, lists = self.slots, self.names.lists
        listed = next((f for f in (slots.role, slots.channel, slots.content_type) if word in lists.get(f, ())), "")
        if listed:
            kind, field = "dropped" if node.marks or listed == slots.role else "extra", listed
        elif self.names.tools.is_tool(word) and (self._value(node, slots.recipient) or not node.marks):
            kind, field = "repeated" if self._value(node, slots.recipient) else "dropped", slots.recipient
        else:
            kind, field = "unread", slots.content_type if node.marks else ""
        return Edit(kind, field, at, at + len(word), fields=self._marked(node))

    # Names. What is introduced is evidence; anything else must be a known name, and no part of a sentence.

    def _names(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """A word, or its beginning, that is the name of something."""
        slots = self.slots
        before = self.text[node.at - 1] if node.at else ""
        spaced = at > node.at > 0 and not before.isalnum() and before != self.automaton.begins
        spaced = spaced and not self.text.endswith(self.automaton.before_space, 0, node.at)
        displaced, marked = {slots.channel, slots.role} & {*awaited}, self._marked(node)
        apart = self._apart(at) if slots.recipient in awaited else self.names.apart(self.text, at)
        word, names, introduces = self._word(at), self.names, self.automaton.at_lead(self.text, at)
        has_arguments = not self.opened and SPACED_ARGUMENTS.match(self.text, at + len(word)) is not None
        is_last = has_arguments or self._may_be_content(at)
        for name in chain(names.last_readings(word, has_arguments) if is_last else names.readings(word), apart):
            state, also = self.automaton.step(node.state, FIELD + name.field)
            placed = bool(state)
            found = self._taken(node, at, awaited, name, placed)
            if found is None or (introduces and name.field not in names.lists):
                continue
            price, kind, mode, sets = found
            if placed and spaced and awaited:
                if name.field == slots.recipient and not (name.how == "role" or self.names.is_plain(name.value)):
                    continue
                price += self.costs["space"]
                kind = kind or "spaced" * ("spaced" in self.names.row(name.field).codes)
            if placed and self._ends_call(node, name):
                sets += ((slots.recipient, None),)
            if sets:
                flags = self.automaton.marks.get(name.field, ())
                sets += (*also, *((flag, False) for flag in flags), *(node.marks if name.field in marked else ()))
            state = state if placed else self.automaton.jump(FIELD + name.field)[0]
            values = self._put(node.values, sets)
            lost = bool(displaced) and name.field not in (*awaited, slots.channel)
            fields = tuple(f for f, value in sets if not isinstance(value, bool)) if kind not in ("", "order") else ()
            marks = () if name.field in marked else node.marks
            target = SearchNode(at + name.length, state, node.mode if mode is None else mode, marks, values)
            edits: Edits = (Edit(kind, name.field, at, at + name.length, sets, fields, lost),)
            if awaited and not placed and not kind:
                edits = self._missing(node, "empty", awaited[0]), *edits
                price += self._cost(awaited[0], "empty")
            yield name.cost + price, target, edits

    def _may_be_content(self, at: int) -> bool:
        """Whether a word is the last one of a header whose content no token opens."""
        return not self.opened and at > self.last_special and at + len(self._word(at)) >= self.text_end

    def _ends_call(self, node: SearchNode, name: Name) -> bool:
        """Whether a channel begins an answer inside of the header of a call, whose arguments never came."""
        slots = self.slots
        if name.field != slots.channel or name.value != self.recovery.answers:
            return False
        is_second = self._value(node, slots.channel) not in (None, self.recovery.answers)
        return is_second and bool(self._value(node, slots.recipient))

    def _marked(self, node: SearchNode) -> tuple[str, ...]:
        """The fields that the flags of a token before belong to."""
        marks = self.automaton.marks if node.marks else {}
        return tuple(field for field, flags in marks.items() if any(flag in flags for flag, _ in node.marks))

    def _apart(self, at: int) -> Iterator[Name]:
        """An introduced tool with white space in its name, as in `to=functions. search`, or several tools."""
        tools = self.names.tools
        for _, end, _ in self._run(at)[1:MAX_NAME_WORDS]:
            yield from self.names.several_tools(self.text[at:end])
            tool = tools.spelled_apart(self.text[at:end])
            if tool and (tools.offered or tools.last(tool) not in self.names.all):
                cost = self.costs["decorated"] + self.costs["space"]
                yield Name(self.slots.recipient, tool, end - at, cost, "near")

    def _taken(self, node: SearchNode, at: int, awaited: tuple[str, ...], name: Name, placed: bool) -> Taken | None:
        """What a name costs where it is, its diagnostic, the mode after it, and what it sets; None for no name."""
        slots, row, mode = self.slots, self.names.row(name.field).costs, node.mode
        sets: Sets = ((name.field, name.value),)
        if not placed and (mode == PLAIN or (mode == WORDS and name.field != slots.content_type)):
            return None
        if name.field == slots.recipient:
            return self._recipient(node, at, awaited, name, placed)
        if name.field == slots.content_type:
            called = node.marks or self._value(node, slots.recipient)
            is_certain = (called or (placed and self.described)) and name.length == len(self._word(at))
            is_any = name.how or name.field not in self.names.lists
            if mode == PLAIN or (is_any and not placed) or (mode in (WORD, WORDS) and not is_certain):
                return None
            if name.how == "near" and not called and self._may_be_content(at):
                return None
            if name.how == "near" and mode == BARE and self._goes_on(at, name) and "/" not in self._word(at):
                return None  # `functions.f json:please`; but `functions.f application/json`
            price = self.costs["again"] * (self._value(node, name.field) is not None) + row["lead"] * (not placed)
            weak = not called or (name.how == "near" and not self._value(node, slots.recipient))
            kind = "order" if slots.channel in awaited else name.kind
            return price, kind, mode or (TYPED if weak else CLEAN), sets
        if name.how == "led":
            touches, role = at == node.at and mode == CLEAN and not placed, self._value(node, slots.role)
            is_other = role in self.recovery.roles and role not in self.recovery.author.values()
            may_follow = self._targets(node) & self.automaton.before(name.field)
            return (0, "led", None, sets) if touches and is_other and may_follow and self.opened else None
        if name.field == slots.name and placed:
            after_role = self._value(node, slots.role) is not None
            if after_role and self._may_be_content(at):
                return None  # `assistant: Hello`
            answers = not after_role and self._is_answer(at + name.length) and not self._has_role(at)
            free = name.how != "near" and (after_role or answers) and LETTER.search(name.value) is not None
            return -name.cost * free, name.kind, None if answers else WORD, sets
        if placed:
            rest = self._word(at)[name.length :] * (name.field == slots.role and self.opened and name.how == "glued")
            if rest[:1].isalnum() and not rest.startswith((self.automaton.lead or "\0", *self.names.all)):
                return None  # `users` is the name of a tool
            if name.how == "unknown" and self._may_be_content(at) and not self.names.is_single(self._word(at)):
                return None  # a number in place of a channel, before a stop token
            if name.how == "near" and self._may_be_content(at) and ARGUMENTS.match(self._word(at)):
                return None
            goes_on = name.how == "near" and self._goes_on(at, name)
            return 0, name.kind, WORD if name.how == "unknown" or goes_on else None, sets
        if name.field == slots.channel:
            return self._bare_channel(node, at, awaited, name)
        is_first = at == self.first or (self.begun and not self.text[1:at].strip())
        if name.field == slots.name and is_first and not name.how and self._is_answer(at + name.length):
            return row["lead"], "order", None, (*sets, (slots.role, self.recovery.tool))
        rest = without_signs(self._word(at)[name.length :])
        joined = name.how == "glued" and at == self.first and rest in self.names.channels  # `assistantfinal`
        if name.field != slots.role or (name.how and not joined) or slots.recipient in awaited or mode == BARE:
            return None
        price = self._cost(slots.role, "lead")
        if at != self.first:
            return price, "dropped", mode or NAMED, ()
        return (
            0 if joined else price // 2,
            "order",
            NAMED,
            (*sets, *((field, None) for field in (slots.name,) if field)),
        )

    def _goes_on(self, at: int, name: Name) -> bool:
        """Whether a word has another word than a known name, as in `analysisWe` and `commentary:please`; one of the
        letters at its ends may come twice."""
        word, value = self._word(at).lower(), name.value.lower()
        if value not in word:
            return False
        known = {value[0], value[-1], *self.automaton.near_words, *self.names.all}
        return not known.issuperset(re.findall(r"[^\W_]+", word.replace(value, " ")))

    def _bare_channel(self, node: SearchNode, at: int, awaited: tuple[str, ...], name: Name) -> Taken | None:
        """A channel without its token."""
        slots, row = self.slots, self.names.row(name.field).costs
        seen = self._value(node, name.field) is not None
        alone = self._has_author_only(node)
        touches = at == node.at > 0 and alone
        sure = name.how in ("", "glued") or name.cost <= self.costs["decorated"]  # `assistant/final`
        marked = name.how == "near" and self._word(at).rstrip(PUNCTUATION) == name.value  # `assistant, final,`
        calls = node.mode == BARE and not seen and name.value != self.recovery.answers  # `functions.f commentary`
        if (node.mode == BARE and not calls) or (name.how and not (marked or (touches and sure))):
            return None
        first = self.begun and alone and node.mode == CLEAN
        kind = "spliced" if seen else "as_type" if node.marks else "bare"
        kind = "as_role" if slots.role in awaited or touches or (self.lacks_start and at == self.first) else kind
        price = row["lead_again" if seen else "lead_at_author" if first else "lead"]
        mode = CLEAN if first else node.mode or NAMED
        goes_on = name.how == "near" and self._goes_on(at, name)
        return price, kind, WORD if goes_on else mode, self._with_author(name, awaited)

    def _has_author_only(self, node: SearchNode) -> bool:
        return not any(
            v is not None for field, v in zip(self.places, node.values, strict=True) if field != self.slots.role
        )

    def _recipient(self, node: SearchNode, at: int, awaited: tuple[str, ...], name: Name, placed: bool) -> Taken | None:
        slots, row, mode = self.slots, self.names.row(name.field).costs, node.mode
        sets: Sets = ((name.field, name.value),)
        price = row["answers"] * (self._value(node, slots.channel) == self.recovery.answers)
        role, seen = self._value(node, slots.role), self._value(node, name.field) is not None
        answers = role == self.recovery.tool
        if placed:
            if not (self.opened or (re.search(r"\w", name.value) and not ARGUMENTS.match(self.text, at))):
                return None
            if name.how == "role" and not self.described and not answers:
                return row["role"], "is_role", mode if mode == BARE else CLEAN, ()
            kind = "near" if name.how == "role" and name.cost else name.kind
            price += row["of_tool"] * (name.how != "role" and answers and not seen)
            return price, "" if mode == BARE else kind, mode if mode == BARE else CLEAN, sets
        if name.how == "role" and mode in (CLEAN, WORD) and answers:
            return row["lead"], "bare", CLEAN, sets
        bare = self.names.tools.bare(self._word(at))
        plain = self.recovery.separator not in bare
        if not bare or mode not in ((CLEAN,) if plain else (CLEAN, NAMED)) or name.how not in ("", "near", "glued"):
            return None
        if plain and self._may_be_content(at):
            return None
        if name.value not in (bare, self.names.tools.full(bare)):
            return None
        if role not in (None, self.recovery.author[slots.role]):
            return None  # only the model calls
        kind = "as_role" if slots.role in awaited else "as_channel" if slots.channel in awaited else "bare"
        authored = role is not None or not self.begun
        first = mode == CLEAN and not (name.how or awaited) and authored and self._has_author_only(node)
        price += row["lead_at_author" if first else "lead"] + self.costs["again"] * seen
        return price, kind, PLAIN if plain else BARE, self._with_author(name, awaited)

    def _with_author(self, name: Name, awaited: tuple[str, ...]) -> Sets:
        """What a name sets in the place of the author, who is the model then."""
        author = ((self.slots.role, self.recovery.author[self.slots.role]),) if self.slots.role in awaited else ()
        return (*author, (name.field, name.value))

    def _is_answer(self, at: int) -> bool:
        """Whether a role comes as recipient, before the next special token."""
        special = SPECIAL.search(self.text, at)
        _, lead, role = self.text[at : special.start() if special else self.end].partition(self.automaton.lead or "\0")
        return lead != "" and role.lstrip().lower().startswith(self.recovery.roles)

    def _has_role(self, at: int) -> bool:
        """Whether a word is a role, and a text that introduces something, as in `user:alice`."""
        roles = (name for name in self.names.readings(self._word(at)) if name.field == self.slots.role)
        return any(self.automaton.literal.match(self.text, at + name.length) for name in roles)
