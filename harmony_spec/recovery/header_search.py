"""A header as the cheapest reading of the grammar: the shortest path over places in the header and states of its
automaton. What the grammar allows costs nothing, each edit what `recovery.toml` sets; the edits are the findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import chain

from ..diagnostics import Alternative
from .header_automaton import FIELD, Sets
from .header_names import LETTER, MARKS, Name
from .header_reading import Edit, Edits, HeaderFinding, HeaderReading
from .header_text import ARGUMENTS, GOES_ON_AS_PROSE, SPACED_ARGUMENTS, is_arguments
from .placed_names import BARE, CLEAN, NAMED, PLAIN, TYPED, WORD, WORDS, PlacedNames, SearchNode, Values

MAX_NAME_WORDS = 4
"""White space divides the name of a tool into so many words, as in `functions Web Search`."""

MARK_OF_NAME = re.compile(rf"[{MARKS}](?=[\s\w{{\[\"'])\s*")
"""What a name may have after it before a content, as in `final: Hello`; in `final:)` it begins the content."""


Ranks = tuple[int, ...]
"""The places of the edits of a path in the table."""

Edge = tuple[int, SearchNode, Edits]


class HeaderSearch(PlacedNames):
    """Reads one header. The arguments are those of `SearchedHeader`."""

    is_cut = False

    def read(self) -> HeaderReading | None:
        """The cheapest reading; None if all cost too much. Call it once."""
        if not (found := self._search()):
            return None
        reading = self._reading(found[0][2])
        reading.cost = found[0][0]
        for cost, _, other in found[1:]:
            reading.alternative = Alternative(self._reading(other).values, cost)
        reading.why = self._compare(reading)
        return reading

    def unread(self) -> HeaderReading:
        """No reading is cheap enough: the text after the last special token is the content, unless a token opens it."""
        at = self.end if self.opened else self.last_token + 1
        # If a header that was too dear has a channel, its text is not shown as an answer.
        lost = self.names.channels.isdisjoint(re.split(r"\W+", self.text[:at]))
        path = (Edit("unread", "", 0, at, lost=lost),) if at else ()
        rest = (Edit("", "", at, at, lost=True, rest=True),) if self.text[at:].strip() else ()
        reading = self._reading((*path, *rest))
        reading.why = f"no reading costs {self.most} or less"
        return reading

    def _reading(self, path: Edits) -> HeaderReading:
        """The fields and findings of a path."""
        names, slots, text = self.names, self.slots, self.text
        reading = HeaderReading({**names.format.defaults, **self.given})
        values = reading.values
        last, reported, before_led = dict[str, Edit](), list[Edit](), ""
        for edit, after in zip(path, (*path[1:], Edit("", "", 0, 0)), strict=False):
            for name, value in edit.sets:
                before = last.get(name)
                repeats = before is not None and "repeated" in names.row(name).codes
                if before and repeats and edit.kind != "spliced":
                    kind = "answered" if value is None and name == slots.recipient else "repeated"
                    reported.append(Edit(kind, name, before.start, before.end, fields=(name,)))
                values[name] = value
                last[name] = edit
                if value is None:
                    del last[name]
            # The next name follows directly, although the grammar has a token or a space between the two.
            is_silent = after.sets and after.kind in ("", "glued")
            touches = is_silent and text[edit.end : after.start] in self.automaton.spaced
            if edit.rest:
                reading.text_start = edit.start
            elif edit.kind == "led":  # with the name after it, however that is written
                reported.append(edit._replace(sets=edit.sets or after.sets))
            elif (
                edit.kind
                and (edit.kind != "glued" or touches)
                and not (edit.kind == "near" and before_led == edit.field)
            ):
                reported.append(edit)
            before_led = edit.field if edit.kind == "led" else ""
        if not values[slots.role]:
            values.update(self.recovery.author)
        for edit in reported:
            taken = (values if edit.kind in ("empty", "displaced") else dict(edit.sets)).get(edit.field)
            shown = taken if isinstance(taken, str) else ""  # a flag
            kind = "dropped" if edit.kind == "extra" and not values[edit.field] else edit.kind
            default, evidence = self.recovery.edits[kind]
            code = self.recovery.codes[names.row(edit.field).codes.get(kind, default)]
            reading.findings.append(HeaderFinding(code, edit.start, edit.end, shown, evidence, edit.fields))
        lost = self.lacks_start or reading.text_start is not None or any(edit.lost for edit in path)
        answers = values[slots.role] == self.recovery.tool and values.get(slots.recipient) is not None
        needed = answers or values[slots.role] == self.recovery.author[slots.role]
        reading.lacks_channel = lost and needed and values.get(slots.channel) is None
        if reading.text_start is not None:
            awaits = self.automaton.introduces.get(text[: reading.text_start].rstrip()[-1:]) == slots.channel
            lacks = awaits and values.get(slots.channel) is None
            reading.is_punctuation = lacks and not re.search(r"\w", text[reading.text_start :])
        return reading

    def _compare(self, reading: HeaderReading) -> str:
        """Why a reading was taken: what it costs, and the next one with the fields that it has instead."""
        cost, other = f"this reading costs {reading.cost}", reading.alternative
        if other is None:
            limit = min(reading.cost + self.costs["runner_up"], self.most)
            return f"{cost}, {'no other was found up to' if self.is_cut else 'all others more than'} {limit}"
        pairs = (
            (field, other.fields[field]) for field, value in reading.values.items() if value != other.fields[field]
        )
        instead = ", ".join(f"{value!r} as {field}" if value else f"no {field}" for field, value in pairs)
        return f"{cost}, with {instead or 'other text'} {other.cost}"

    def _search(self) -> list[tuple[int, Values, Edits]]:
        """The cheapest path, and the next one that reads other fields if it costs little more; with costs and fields.

        Dijkstra's algorithm; of two paths that cost the same, the one whose edits come first in the table. If nothing
        has to be edited in a header that the grammar describes, no other path is looked for.
        """
        best = {start: (price, Ranks()) for price, start in self._starts()}
        heap = [(cost, ranks, n, node, Edits()) for n, (node, (cost, ranks)) in enumerate(best.items())]
        rank_of = {kind: rank for rank, kind in enumerate(self.recovery.edits)}
        count, width, found, most = len(heap), dict[int, int](), list[tuple[int, Values, Edits]](), self.most
        while heap:
            cost, ranks, _, node, path = heappop(heap)
            if cost > most:
                break
            if node.at > self.end:
                authored = self.value(node, self.slots.role)
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
                more = [rank_of[edit.kind] for edit in edits if edit.kind] if edits else []
                total = cost + price, (*ranks, *more) if more else ranks
                if target not in best or total < best[target]:
                    count += 1
                    best[target] = total
                    heappush(heap, (*total, count, target, (*path, *edits)))
        return found

    def _starts(self) -> Iterator[tuple[int, SearchNode]]:
        """The nodes before the header: without the token that begins a message, after the author that is given, or
        where that token is missing."""
        automaton, fields = self.automaton, self.automaton.fields
        nothing: Values = (None,) * len(fields)
        begun = automaton.step(automaton.start, automaton.begins)[0]
        if self.begun:
            state = automaton.start if self.text.startswith(automaton.begins) else begun
            yield 0, SearchNode(0, state, CLEAN, (), nothing)
            return
        yield 0, SearchNode(0, automaton.after_author, CLEAN, (), tuple(map(self.given.get, fields)))
        if self.lacks_start and self.has_opener:
            yield self.names.cost(self.slots.role, "lead") // 2, SearchNode(0, begun, CLEAN, (), nothing)

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
        slots, answers = self.slots, self.value(node, self.slots.role) == self.recovery.tool
        is_call = not answers and bool(slots.channel and self.value(node, slots.recipient))
        return self.costs["no_channel"] * (is_call and not self.value(node, slots.channel))

    def _put(self, values: Values, sets: Sets) -> Values:
        changed = list(values)
        for field, value in sets:
            changed[self.places[field]] = None if value is False else value  # no other reading than without it
        return tuple(changed)

    def _nothing(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Edge:
        """A name is missing after what introduces it."""
        field = awaited[0]
        state = self.automaton.step(node.state, FIELD + field)[0]
        target = node._replace(state=state)
        if node.marks and self.text[:at].rstrip()[-1:] not in self.automaton.markers:
            return 0, target, ()  # a word that is not a name comes there
        lost = field in (self.slots.role, self.slots.channel)
        return self.names.cost(field, "empty"), target, (self._missing(node, "empty", field, lost),)

    def _missing(self, node: SearchNode, kind: str, field: str, lost: bool = False) -> Edit:
        """The edit for a field without a name, at what introduces it."""
        labels = (label for label in self.automaton.introduces if self.text.endswith(label, 0, node.at))
        start = node.at - max(map(len, labels), default=1)
        return Edit(kind, field, max(start, 0), max(node.at, 1), fields=(field,), lost=lost)

    def _content(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """The rest is the content, perhaps after a misspelt token that opens it."""
        automaton, begin, edits = self.automaton, at, Edits()
        opener, value = automaton.misspelt_openers.match(self.text, at), automaton.misspelt_value(self.text, at)
        if value and value[1].label in automaton.opens and value[0] < self.text_end:
            at, edits = value[0], (self.misspelt(at, *value),)
        elif opener and opener.end() < self.text_end:
            at = opener.end()
        text, rest, word, costs, is_opened = self.text, self.text[at:], self.word(at), self.costs, at > begin
        called = 0 if ARGUMENTS.match(rest) else self._lacking_channel(node)  # `to=10 is the range`
        is_call = not called or is_opened or self.value(node, self.slots.content_type) is not None
        prose = None if is_call else GOES_ON_AS_PROSE.match(rest)
        if prose or rest.rstrip() in self.names.all or (node.mode in (BARE, PLAIN) and not is_arguments(rest)):
            return
        price = costs["near" if is_opened else "text"]
        if node.mode in (NAMED, TYPED) and rest[0].isalpha() and not is_opened:
            price += costs["text_after_name"]
        if node.mode == WORD and self.value(node, self.slots.role) == self.recovery.tool:
            price += costs["text_for_name"] + costs["text_after_name"]  # a sentence that begins with the name of a tool
        if awaited:
            is_word = rest.rstrip() == word and word[0].isalnum() and not self.was_opened
            price += costs["text_for_name"] + costs["one_word"] * is_word
        elif node.state != self.automaton.start and not self.automaton.is_complete(node.state):
            price += costs["order"]  # after a text, or before a role
        price += called
        if self.automaton.at_lead(self.text, at) or self._at_introduced(at):
            price += costs["text_at_lead"]
        elif at < self.last_lead:
            price += costs["text_with_lead"]
        elif (self.names.tools.bare(word) and rest.rstrip() != word) or self._begins_with_name(node, at, word, awaited):
            price += costs["text_at_name"]
        if 0 < at == node.at and text[at - 1].isalnum() and (mark := MARK_OF_NAME.match(text, at)):
            at = mark.end()
        leads = self.automaton.recipient_leads if awaited and not ARGUMENTS.match(rest) else ()
        at = next((node.at - len(lead) for lead in leads if self.text.endswith(lead, 0, node.at)), at)  # `to=10 is it`
        values = self._put(node.values, tuple(each for edit in edits for each in edit.sets))
        edits += (Edit("", "", at, at, rest=True),)
        yield price, SearchNode(self.end + 1, frozenset(), CLEAN, node.marks, values), edits

    def _at_introduced(self, at: int) -> bool:
        """Whether one of a list of names is at a place, after the text that introduces it in the grammar."""
        lead = self.automaton.literal.match(self.text, at)
        names = self.names.lists.get(self.automaton.introduces.get(lead[0], ""), ()) if lead else ()
        return lead is not None and self.text.startswith((*names,), lead.end())

    def _begins_with_name(self, node: SearchNode, at: int, word: str, awaited: tuple[str, ...]) -> bool:
        """Whether a text begins with a known name. After the author, a channel may touch it: `assistantfinalYes`."""
        names = self.names
        begun = [name for name in names.all if word.startswith(name)]
        if any(not word[len(name) :][:1].isalnum() for name in begun):
            return True
        touches = begun and at == node.at and self.slots.channel not in awaited and self.has_author_only(node)
        rests = (word[len(name) :] for name in names.authored if touches and word.startswith(name))
        return any(rest in names.all or not (rest[:1].islower() or rest[:1] == "_") for rest in rests)

    def _introducer(
        self, node: SearchNode, at: int, awaited: tuple[str, ...], label: str, end: int | None = None
    ) -> Iterator[Edge]:
        """A special token, or a text, that introduces a field.

        Args:
            end: where it ends if it is misspelt.
        """
        automaton, costs, end = self.automaton, self.costs, at + len(label) if end is None else end
        special, field = label in automaton.markers, automaton.introduces.get(label, "")
        flag = field != "" and self.names.format.defaults.get(field) is False
        again = not flag and self.value(node, field) is not None
        (state, sets), edits = automaton.step(node.state, label), Edits()
        price = costs["again"] * again
        if not (state or awaited) and (special or len(label) > 1 or self._begins_word(field, label, at)):
            (state, sets), price = automaton.jump(label), price or costs["order"]
        if flag and (self.value(node, field) or node.marks):
            edits = (Edit("again", field, at, end),)
        if state and label not in automaton.opens:
            pending = automaton.may_name(state)
            values = node.values if pending else self._put(node.values, sets)
            edits += () if pending or not sets else (Edit("", field, at, end, sets),)
            marks = node.marks if not special else sets if pending else ()
            yield price, SearchNode(end, state, CLEAN, marks, values), edits
        if again and (state or special):
            yield from self._again(node._replace(marks=()) if special else node, at, end, field, bool(awaited))

    def _begins_word(self, field: str, sign: str, at: int) -> bool:
        """Whether a sign that begins a word in the grammar does so here, before a name of a field without a slot."""
        is_apart = sign in self.automaton.spaced and self.text[at - 1 : at].isspace()
        if field in self.slots or not is_apart or not (self.opened or at < self.last_special):  # a content may follow
            return False
        word = self.word(at + len(sign))
        names = (name for name in self.names.readings(word) if name.field == field and name.length == len(word))
        return any(name.how in ("", "near") for name in names)

    def _again(self, node: SearchNode, at: int, begin: int, field: str, is_awaited: bool) -> Iterator[Edge]:
        """Drop a repeated field with its value; no known name of another field, and none where a name is awaited.

        If no token opens the content, the text after the last token of the header is the content: that token replaces
        the missing one.
        """
        word = self.word(begin)
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
        answers = self.value(node, self.slots.role) == self.recovery.tool
        wordy = node.mode == WORDS or (node.mode == WORD and not answers)
        if match := automaton.literal.match(self.text, at):
            # A sign may belong to the words before it, unless the grammar describes it.
            if not wordy or self.described or any(map(str.isalpha, match[0])):
                yield from self._introducer(node, at, awaited, match[0])
            return
        value = None if wordy else automaton.misspelt_value(self.text, at)
        if value and value[1].kind == "text":  # an author may have any name, and a text may be the content
            has_author = self.value(node, self.slots.role) is not None
            value = value if has_author and (self.opened or at < self.last_special) else None
        if value and value[1].label not in automaton.opens:
            edit = self.misspelt(at, *value)
            for price, target, edits in self._introducer(node, at, awaited, value[1].label, value[0]):
                yield price + self.names.cost(edit.field, "lead"), target, (edit, *edits)
        named = node.mode in (BARE, PLAIN)
        for near in automaton.near_leads:
            match = (near.among_words if wordy else near.alone).match(self.text, at)
            # `type=` before its token, and signs after an author; others belong to the name before them.
            is_apart = match and (any(map(str.isalpha, match[0])) or self.value(node, self.slots.name))
            if match and is_apart and not wordy and self._marks(near.field, match.end()):
                yield costs["decorated"], node._replace(at=match.end()), (Edit("unread", "", at, match.end()),)
            is_word = near.field in self.names.lists and match is not None and match[0].rstrip()[-1].isalnum()
            if match and self.names.is_introduced(near.field, match[0], self.word(match.end()), answers):
                price = self.names.cost(near.field, "lead") + costs["again"] * (
                    self.value(node, near.field) is not None
                )
                end, mode = match.end() + len(self.word(match.end())), node.mode if named else CLEAN
                if near.field == self.slots.recipient and not wordy:
                    mode = BARE
                if is_word:  # no tool is the whole of its place after it
                    mode = mode or TYPED
                lost = {self.slots.role, self.slots.channel} & {*awaited} and near.field not in awaited
                empty, before, edits = self._nothing(node, at, awaited) if lost else (0, node, Edits())
                edit = Edit("led", near.field, at, end, fields=(near.field,))
                yield price + empty, before._replace(at=match.end(), state=near.state, mode=mode), (*edits, edit)

    def _marks(self, field: str, at: int) -> bool:
        """Whether a special token is at a place that introduces a field, or a flag of it."""
        named = self.automaton.introduces.get(self.text[at : at + 1])
        return named is not None and (named == field or named in self.automaton.marks.get(field, ()))

    def _words(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """A known name that is not meant, or words that belong to nothing, up to what introduces something."""
        word, costs, names = self.word(at), self.costs, self.names
        if self.automaton.at_lead(self.text, at):
            return
        displaced = ""
        if awaited and not node.marks:
            if not LETTER.search(word):  # a bullet before a name, as in `# final`
                end, mode = at + len(word), node.mode or TYPED  # no tool is the whole of its place after it
                yield costs["words"], node._replace(at=end, mode=mode), (Edit("unread", "", at, end),)
            if self.slots.name in awaited and (role := names.role_of_tools.match(self.text, at)):
                yield costs["decorated"], node._replace(at=role.end()), (Edit("near", self.slots.name, at, role.end()),)
            displaced = awaited[0]
            is_none = displaced == self.slots.recipient and all(n.field != displaced for n in names.readings(word))
            if is_none or not names.row(displaced).costs:  # a wrong value of a field that only the grammar knows
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
            node, extra = node._replace(state=state), self.names.cost(displaced, "displaced")
        else:
            before, extra = (), 0
            if word in names.all or (names.tools.is_tool(word) and not self.may_be_content(at)):
                kept = word in names.all or self.value(node, self.slots.recipient) is not None
                edit = self.left_out(node, word, at)
                beats = word in names.channels and self.value(node, self.slots.channel) not in (None, *names.channels)
                yield (
                    costs["drop_name"] + costs["margin"] * beats,  # `internal analysis`
                    node._replace(at=edit.end, mode=(node.mode or NAMED) if kept else WORD),
                    (edit,),
                )
        glued = at == node.at and at and self.text[at - 1] not in self.automaton.markers
        if node.mode != CLEAN and not glued:
            return
        if not (run := self.run(at)):  # what introduces a recipient, in a place that the grammar does not have
            return
        price = self.run_cost(at) + costs["unread_text"] * (not self.opened and at > self.last_special)
        is_author = displaced == self.slots.role or self.automaton.step(node.state, FIELD + self.slots.name)[0]
        as_author = costs["one_word"] * bool(is_author)  # any word may be the name of a tool
        if is_author and len(run) == 1:
            extra = self.names.cost(self.slots.role, "displaced")
            price += as_author
        edits = tuple(self.left_out(node, word, start) for start, _, word in run)
        mode = node.mode or (WORDS if len(run) > 1 else WORD)
        yield extra + price, node._replace(at=run[-1][1], mode=mode), (*before, *edits)
        if len(run) > 1 and node.mode == CLEAN and not names.is_known(word):
            price = extra + costs["words"] + as_author
            yield price, node._replace(at=run[0][1], mode=WORD), (*before, edits[0])

    # Names. What is introduced is evidence; anything else must be a known name, and no part of a sentence.

    def _names(self, node: SearchNode, at: int, awaited: tuple[str, ...]) -> Iterator[Edge]:
        """A word, or its beginning, that is the name of something."""
        slots = self.slots
        before = self.text[node.at - 1] if node.at else ""
        spaced = at > node.at > 0 and not before.isalnum() and before != self.automaton.begins
        spaced = spaced and not self.text.endswith(self.automaton.before_space, 0, node.at)
        displaced, marked = {slots.channel, slots.role} & {*awaited}, self.marked(node)
        apart = self._apart(at) if slots.recipient in awaited else self._listed(at)
        word, names, introduces = self.word(at), self.names, self.automaton.at_lead(self.text, at)
        has_arguments = not self.opened and SPACED_ARGUMENTS.match(self.text, at + len(word)) is not None
        is_last = has_arguments or self.may_be_content(at)
        for name in chain(names.last_readings(word, has_arguments) if is_last else names.readings(word), apart):
            state, also = self.automaton.step(node.state, FIELD + name.field)
            placed = bool(state)
            if name.how == "glued" and self.automaton.may_name(state):  # the grammar has nothing between the two
                name = name._replace(cost=name.cost - self.costs["glued"], how="")
            found = self.taken(node, at, awaited, name, placed)
            if found is None or (introduces and name.field not in names.lists):
                continue
            price, kind, mode, sets = found
            if placed and spaced and awaited:
                if name.field == slots.recipient and not (name.how == "role" or self.names.is_plain(name.value)):
                    continue
                price += self.costs["space"]
                kind = kind or "spaced" * ("spaced" in self.names.row(name.field).codes)
            if placed and self.ends_call(node, name):
                sets += ((slots.recipient, None),)
            if sets:
                introducing = self.automaton.marks.get(name.field, ())
                flags = ((flag, False) for flag in introducing if self.names.format.defaults.get(flag) is False)
                sets += (*also, *flags, *(node.marks if name.field in marked else ()))
            state = state if placed else self.automaton.jump(FIELD + name.field)[0]
            values = self._put(node.values, sets)
            lost = bool(displaced) and name.field not in (*awaited, slots.channel)
            fields = tuple(f for f, value in sets if not isinstance(value, bool)) if kind not in ("", "order") else ()
            marks = () if name.field in marked else node.marks
            target = SearchNode(at + name.length, state, node.mode if mode is None else mode, marks, values)
            edits: Edits = (Edit(kind, name.field, at, at + name.length, sets, fields, lost),)
            if awaited and not placed and not kind:
                edits = self._missing(node, "empty", awaited[0]), *edits
                price += self.names.cost(awaited[0], "empty")
            yield name.cost + price, target, edits

    def _listed(self, at: int) -> tuple[Name, ...]:
        """Names with white space inside that nothing introduces; many paths come to the same place."""
        if (found := self.listed.get(at)) is None:
            found = self.listed[at] = tuple(self.names.apart(self.text, at))
        return found

    def _apart(self, at: int) -> Iterator[Name]:
        """An introduced tool with white space in its name, as in `to=functions. search`, or several tools."""
        names, tools = self.names, self.names.tools
        for _, end, _ in self.run(at)[1:MAX_NAME_WORDS]:
            text = self.text[at:end]
            yield from names.several_tools(text)
            tool = names.after_role_of_tools(text) or tools.spelled_apart(text)
            if tool and (tools.offered or tools.last(tool) not in names.all):
                cost = self.costs["decorated"] + self.costs["space"]
                yield Name(self.slots.recipient, tool, end - at, cost, "near")
