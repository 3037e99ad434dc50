"""The regular expressions of terminals: what is refused, with a pattern to write instead, and what they match."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.read.regular_expressions import PatternError, expression, parse

PATTERNS = {
    "(?i:a)": ("`(?:a|b)`", "(?:a|A)"),
    "(?<=a)b": ("Write one of these", "ab"),
    "a)": (r"write `\)`", r"a\)"),
    "(a": (r"write `\(`", r"\(a"),
    "[a": (r"write `\[`", r"\[a"),
    ".*?:": ("`[^:]*:`", "[^:]*:"),
    "a++": ("`[^:]*:`", "a+"),
    "(?:a+)+{2}": ("`(?:…)`", "(?:(?:a+)+){2}"),
    "a{3,2}": ("`{2,}`", "a{2,3}"),
    "^a": (r"write `\^`", "a"),
    "a$": ("without `^` and `$`", "a"),
    "a|*": (r"write `\*`", r"a|\*"),
    r"\b": (r"`\w`", r"\w"),
    r"\p{L}": (r"`\w`", r"\w"),
    "[[:alpha:]_]": ("`[A-Za-z]`", "[A-Za-z_]"),
    "[b-a]": ("bounds of a range in order", "[a-b]"),
}


@pytest.mark.parametrize("source", PATTERNS)
def test_the_error_for_a_pattern_names_another_one(source: str) -> None:
    remedy, accepted = PATTERNS[source]
    with pytest.raises(PatternError) as caught:
        parse(source)
    assert remedy in caught.value.remedy
    assert parse(accepted)


@pytest.mark.parametrize(("flag", "instead"), [("i", "[aA]"), ("m", "a")])
def test_the_error_for_a_flag_names_a_class(flag: str, instead: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse("a", flag)
    assert "as in `[aA]`" in caught.value.remedy
    assert parse(instead)


CLASS_PARTS = ["a-z", "é", r"\s", r"\S", r"\w", r"\W", r"\D", r"\u0000-\uffff", r"\ud7ff-\ue000", r"\n", r"\\", "S"]


@given(st.lists(st.sampled_from(CLASS_PARTS), min_size=1, max_size=3), st.booleans())
def test_no_class_of_characters_matches_a_special_token(parts: list[str], is_negated: bool) -> None:
    """Surrogates stand for special tokens in the texts that patterns read."""
    node = parse(f"[{'^' * is_negated}{''.join(parts)}]")
    assert not re.search(expression(node), "".join(map(chr, range(0xD800, 0xE000))))


FLAGGED_PARTS = ["a", "b", " ", "\n", "# a\n", r"\ ", "[ #]", "(?: b )", "(a | b)", "(?s:.)", "."]


@given(st.lists(st.sampled_from(FLAGGED_PARTS)), st.sets(st.sampled_from("xs")), st.data())
def test_flags_mean_what_they_do_in_python(parts: list[str], flags: set[str], data: st.DataObject) -> None:
    source = "".join(parts)
    meant = re.compile(source, re.VERBOSE * ("x" in flags) | re.DOTALL * ("s" in flags))
    read = re.compile(expression(parse(source, "".join(flags))))
    assert read.fullmatch(data.draw(st.from_regex(meant, fullmatch=True, alphabet="ab #\n")))
    text = data.draw(st.from_regex(read, fullmatch=True, alphabet="ab #\n"))
    assert meant.fullmatch(text)
