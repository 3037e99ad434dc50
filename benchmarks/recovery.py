"""How well malformed headers are read: drawn valid headers with mistakes in them, read again.

`python -m benchmarks.recovery [--seeds 101 102] [--beside OLD_CHECKOUT]`. Nobody tunes the reader on these seeds. With
`--beside`, the package of another checkout is measured in the same run, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

from harmony_spec import codec, parse, recover

HeaderParts = list[str]
HeaderFields = tuple[str | None, str | None, str | None, str | None]

SEEDS = (101, 102, 103, 104, 105)
MUTATED = 2_000
"""Headers of each seed for each number of mistakes, and for false calls."""

NOISY = 2_500
"""Headers of each seed for each number of edits."""

OFFERED_TOOLS = ["functions.get_weather", "functions.search", "functions.read_file", "python", "browser.open"]
PROSE = [
    *("I", "will", "now", "search", "the", "web", "for", "this", "and", "then", "read", "the", "file", "with"),
    *("functions.search", "as", "planned", "before", "the", "final", "answer"),
]
HEADER_TOKENS = ["<|start|>", "<|channel|>", "<|constrain|>"]
UNIT = re.compile(r"<\|[a-z]+\|>|.", re.DOTALL)
NOISE = [" ", " ", "=", ":", ".", ",", "<", ">", "\n", "_", "x", "A", "<|channel|>", "<|constrain|>", "<|start|>"]


def header(rng: random.Random) -> tuple[HeaderParts, HeaderFields]:
    """A valid message up to its content: its parts, and role, channel, recipient and content type."""
    kind = rng.choice(["thought", "answer", "call", "call", "call", "json answer", "first call", "tool"])
    start, assistant = ["<|start|>", "assistant"], "assistant"
    if kind == "tool":
        author = ["<|start|>", rng.choice(OFFERED_TOOLS), " to=", assistant]
        return [*author, "<|channel|>", "commentary"], ("tool", "commentary", assistant, None)
    if kind == "thought":
        return [*start, "<|channel|>", "analysis"], (assistant, "analysis", None, None)
    if kind == "answer":
        return [*start, "<|channel|>", "final"], (assistant, "final", None, None)
    if kind == "json answer":
        return [*start, "<|channel|>", "final", " ", "<|constrain|>", "json"], (assistant, "final", None, "json")
    tool, channel = rng.choice(OFFERED_TOOLS), rng.choice(["commentary", "commentary", "analysis"])
    types: HeaderParts = rng.choice([[" ", "<|constrain|>", "json"], [" ", "json"], [" ", "code"], []])
    to, by = [" to=", tool], ["<|channel|>", channel]
    parts = to + by if kind == "first call" else by + to
    return [*start, *parts, *types], (assistant, channel, tool, types[-1] if types else None)


def typo(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, len(word))
    return rng.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
        ]
    )


MISTAKES = [
    *("drop special", "double special", "drop space", "add space", "typo", "double part", "add word", "add words"),
    *("other sign", "capitals", "stray special", "no namespace", "comma", "swap", "glue"),
]


def mistake(rng: random.Random, before: HeaderParts) -> HeaderParts:
    """The parts with one mistake of a drawn kind; another kind is drawn if it has no place."""
    parts = list(before)
    kind = rng.choice(MISTAKES)
    specials = [i for i, p in enumerate(parts) if p in HEADER_TOKENS and i]
    names = [i for i, p in enumerate(parts) if len(p) > 1 and p[0].isalpha()]
    leads = [i for i, p in enumerate(parts) if p == " to="]
    if not names:
        return parts
    at = rng.choice(names)
    if kind == "drop special" and specials:
        parts[rng.choice(specials)] = " "
    elif kind == "double special" and specials:
        i = rng.choice(specials)
        parts.insert(i, parts[i])
    elif kind == "drop space" and any(p.startswith(" ") for p in parts):
        i = rng.choice([i for i, p in enumerate(parts) if p.startswith(" ")])
        parts[i] = parts[i].strip()
    elif kind == "add space":
        parts.insert(at, " ")
    elif kind == "typo":
        parts[at] = typo(rng, parts[at])
    elif kind == "double part" and (specials or leads):
        i = rng.choice(specials + leads)
        if i + 1 < len(parts):
            parts[i:i] = parts[i : i + 2]
    elif kind == "add word":
        parts.insert(at + 1, " " + rng.choice(["well", "okay", "response", "hm"]))
    elif kind == "add words":
        i = rng.randrange(len(PROSE) - 6)
        parts.insert(at + 1, " " + " ".join(PROSE[i : i + rng.randrange(3, 7)]))
    elif kind == "other sign" and leads:
        parts[leads[0]] = rng.choice([" to:", " to =", " to ", " recipient=", " "])
    elif kind == "capitals":
        parts[at] = parts[at].capitalize() if "." not in parts[at] else parts[at]
    elif kind == "stray special":
        parts.insert(at + 1, rng.choice(["<|constrain|>", "<|channel|>", "<|reserved_200042|>"]))
    elif kind == "no namespace" and any("." in p for p in parts):
        i = next(i for i, p in enumerate(parts) if "." in p)
        parts[i] = parts[i].split(".")[1]
    elif kind == "comma":
        parts[at] += rng.choice([",", ":", ";", "."])
    elif kind == "swap" and len(parts) > 6:
        parts[2:4], parts[4:6] = parts[4:6], parts[2:4]
    elif kind == "glue" and specials:
        del parts[rng.choice(specials)]
    else:
        return mistake(rng, parts)
    return parts


def noisy(rng: random.Random, text: str) -> str:
    """A text with one letter or token deleted, doubled, swapped, inserted or replaced."""
    units = UNIT.findall(text)
    at = rng.randrange(1, len(units))
    kind = rng.choice(["delete", "double", "swap", "insert", "replace"])
    if kind == "delete":
        del units[at]
    elif kind == "double":
        units.insert(at, units[at])
    elif kind == "swap" and at + 1 < len(units):
        units[at], units[at + 1] = units[at + 1], units[at]
    elif kind == "insert":
        units.insert(at, rng.choice(NOISE))
    else:
        units[at] = rng.choice(NOISE)
    return "".join(units)


def read(text: str, tools: list[str] | None) -> tuple[HeaderFields | None, bool, bool]:
    """The fields of the message that has the content, whether it calls, and whether nothing was reported."""
    found = recover(f"{text}<|message|>CONTENT<|end|>", "transcript", tools=tools)
    message = next((m for m in reversed(found.messages) if m.text.endswith("CONTENT")), None)
    if message is None:
        return None, False, False
    called = message.role == "assistant" and message.recipient is not None
    fields = (message.role, message.channel, message.recipient, message.content_type)
    return fields, called, not found.diagnostics


def mutations(seed: int, count: Counter[str], show: bool = False) -> None:
    """Headers with 1 to 3 mistakes that people know of, and calls read from headers without one."""
    rng = random.Random(seed)
    for _ in range(3 * MUTATED):
        parts, want = header(rng)
        for _ in range(rng.randint(1, 3)):
            parts = mistake(rng, parts)
        text, tools = "".join(parts), rng.choice([OFFERED_TOOLS, None])
        fields, _, _ = read(text, tools)
        count["mutations"] += 1
        count["mutations, exact"] += fields == want
        if show and fields != want:
            print(f"{text!r} {'tools' if tools else 'none'}\n    want {want}\n    got  {fields}")
    for _ in range(2 * MUTATED):
        parts, want = header(rng)
        for _ in range(rng.randint(1, 2)):
            parts = mistake(rng, parts)
        text, tools = "".join(parts), rng.choice([OFFERED_TOOLS, None])
        if want[2] is None:
            _, called, _ = read(text, tools)
            count["no calls"] += 1
            count["no calls, called"] += called


def noise(seed: int, count: Counter[str], show: bool = False) -> None:
    """Headers with 1, 2 and 3 random edits of letters and tokens."""
    for edits in (1, 2, 3):
        rng = random.Random(seed)
        for _ in range(NOISY):
            parts, want = header(rng)
            text = "".join(parts)
            for _ in range(edits):
                text = noisy(rng, text)
            tools = rng.choice([OFFERED_TOOLS, None])
            fields, called, silent = read(text, tools)
            count[f"noise {edits}"] += 1
            count[f"noise {edits}, exact"] += fields == want
            count[f"noise {edits}, wrong and silent"] += silent and fields != want
            count[f"noise {edits}, called"] += called and want[2] is None
            if show and fields != want:
                print(f"{edits} {text!r} {'tools' if tools else 'none'}\n    want {want}\n    got  {fields}")


# Time.

TIMED = 400
"""Malformed headers that are timed; each is the fastest of `RECOVERY_RUNS`."""

RECOVERY_RUNS = 5
LONG = 2_000
"""Drawn headers of 256 tokens for each of `SEEDS`."""

LONG_PARTS = [
    *("<|channel|>", "<|constrain|>", "<|start|>", "final", "analysis", " commentary", " to=", "functions.f", " json"),
    *(" user", "assistant", " oh well", " to: ", "python", " final", "é", " =", "search", " code"),
]


def clock(text: str) -> float:
    start = time.perf_counter()
    recover(text, "completion")
    return time.perf_counter() - start


def times(seeds: list[int]) -> dict[str, float]:
    """Microseconds for a malformed header with new words, with known words, with 1 and 200 tools; the dearest one."""
    rng, found = random.Random(seeds[0]), dict[str, list[float]]()
    while len(found.get("new", ())) < TIMED:
        text = "".join(noisy(rng, "".join(header(rng)[0])).removeprefix("<|start|>assistant"))
        if not recover(f"{text}<|message|>x<|end|>", "completion").diagnostics:
            continue
        new, known = [], []
        for _ in range(RECOVERY_RUNS):
            codec.FORMAT.owned.clear()
            new.append(clock(f"{text}<|message|>x<|end|>"))
            known.append(clock(f"{text} <|message|>x<|end|>"))  # another header of the same words
        found.setdefault("new", []).append(min(new))
        found.setdefault("known", []).append(min(known))
    result = {f"{name} words": 1e6 * sum(values) / len(values) for name, values in found.items()}
    for number in (1, 200):
        tools = [f"functions.tool_{index}" for index in range(number)]
        spent = []
        for index in range(TIMED):
            text = f"<|channel|>comment{index} to=functions.tool_x{index} json<|message|>x<|end|>"
            start = time.perf_counter()
            recover(text, "completion", tools=tools)
            spent.append(time.perf_counter() - start)
        result[f"{number} tools"] = 1e6 * median(spent)
    dearest = 0.0
    for seed in seeds:
        rng = random.Random(seed)
        for _ in range(LONG):
            some = rng.sample(LONG_PARTS, rng.randint(1, 6))
            text = "".join(rng.choice(some) for _ in range(240))
            spent_once = clock(f"{text}<|message|>x<|end|>")
            if spent_once > dearest:  # something else may have run at the same time
                codec.FORMAT.owned.clear()
                dearest = max(dearest, min(spent_once, clock(f"{text} <|message|>x<|end|>")))
    result["dearest"] = 1e6 * dearest
    valid = "<|start|>user<|message|>Hi.<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|end|>" * 200
    ratios = []
    for _ in range(20):
        start = time.perf_counter()
        parse(valid)
        middle = time.perf_counter()
        recover(valid)
        ratios.append((time.perf_counter() - middle) / (middle - start))
    return result | {"recover / parse": median(ratios)}


def measured(seeds: list[int]) -> dict[str, float]:
    """All figures of the package that this process imports."""
    count: Counter[str] = Counter()
    for seed in seeds:
        mutations(seed, count)
        noise(seed, count)
    return {**count, **times(seeds)}


def measured_beside(checkout: Path, seeds: list[int]) -> dict[str, float]:
    """The figures of another checkout, measured by this program."""
    path = {"PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, "--json", "--seeds", *map(str, seeds)]
    run = subprocess.run(command, env={**os.environ, **path}, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--beside", type=Path, help="another checkout of the project, measured in the same run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", choices=["mutations", "noise"], help="print the headers that are read wrongly")
    options = parser.parse_args()
    seeds = list(options.seeds)
    if options.show:
        {"mutations": mutations, "noise": noise}[options.show](seeds[0], Counter(), show=True)
        return
    found = measured(seeds)
    if options.json:
        print(json.dumps(found))
        return
    other = measured_beside(options.beside, seeds) if options.beside else {}
    for name in found:
        columns = [f"{figures[name]:10.1f}" for figures in (found, other) if name in figures]
        print(f"{name:28}", *columns)


if __name__ == "__main__":
    main()
