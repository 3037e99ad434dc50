"""Writes the seeds: `python -m fuzz.make_seeds`. The examples of the diagnostics, whole transcripts, and odd inputs."""

from __future__ import annotations

import tomllib
from pathlib import Path

from .inputs import FAR_ID, NEAR_ID, ODD_ID, TOOLS, bytes_of
from .recover import SEEDS

ROOT = Path(__file__).resolve().parent.parent

OPEN = "<|start|>assistant<|channel|>"
CALL = f"{OPEN}commentary to=functions.bash <|constrain|>json<|message|>{{}}<|call|>"
DECLARED = (
    "<|start|>developer<|message|># Tools\n\n## functions\n\nnamespace functions {\n\ntype f = () => any;\n\n"
    f"}} // namespace functions<|end|>{OPEN}commentary to=f<|message|>{{}}<|call|>"
)

TEXTS = {
    "empty": ("transcript", ""),
    "stripped": ("completion", "analysisThink.assistantcommentary to=functions.bash json{}assistantfinalHello."),
    "declared-tools": ("transcript", DECLARED),
    "declared-channels": (
        "transcript",
        "<|start|>system<|message|># Valid channels: analysis, extra. Channel must be included for every message."
        f"<|end|>{OPEN}extra<|message|>Hm.<|end|>",
    ),
    "call-and-answer": (
        "transcript",
        f"{CALL}<|start|>functions.bash to=assistant<|channel|>commentary<|message|>1<|end|>",
    ),
    "open-header": ("prompt", f"<|start|>user<|message|>Hi.<|end|>{OPEN[:18]}"),
    "long-header": ("transcript", f"{OPEN}final {'word ' * 300}<|message|>Hi.<|end|>"),
    "open-header-of-odd-name": ("prompt", "<|start|>a\0b"),
    "characters": ("completion", "<|channel|>final<|message|>e\u0301 名前 🏳️‍🌈<|return|>"),
    "zero-width": ("completion", "<|channel|>fin\u200bal<|message|>Hi.<|return|>"),
    "after-stop": ("completion", "<|channel|>final<|message|>Hi.<|return|><|start|>user<|message|>More?<|end|>"),
}

BYTES = {
    "half-characters": ("completion", b"<|channel|>final<|message|>\xed\xa0\x80 \xed\xbf\xbf \xc3<|return|>"),
    "split-character": ("completion", b"<|channel|>final<|message|>\xf0\x9f<|channel|>\x8f\xb3<|return|>"),
    "split-in-header": ("completion", b"<|channel|>fin\xf0\x9f\x8f to=\xe5\x90 final<|message|>Hi.<|return|>"),
    "unopened-bytes": ("completion", b"<|channel|>commentary \xe5\x90\x8d\xe5 text \xf0<|end|>"),
    "header-is-no-text": ("completion", b"<|channel|>\xf0<|message|>"),
    "open-header-is-no-text": ("prompt", b"<|start|>user\xf0"),
    "byte-before-text": ("completion", b"<|channel|>final<|message|>\xf0H.\xb3 H<|return|>"),
    "bare-tool": ("transcript", b"functions.f<<|message|>"),
    "tool-in-signs": ("completion", b"<|channel|>commentary xfunctions.f<<|mfunctions.f<|message|>{}<|call|>"),
    "content-is-no-text": ("transcript", b"<|start|>user<|message|>\xff<|end|>"),
    "stray-in-damage": ("completion", b"<|channel|>final<|message|>\xf0<<|endoftext|>|end|> \xc3<|return|>"),
    "whole-header-is-no-text": ("transcript", b"<|start|>\xff<|message|>\xff<|end|>"),
    "content-behind-damage": ("completion", b"<|channel|>commentary to=" + b"\xf0 \xc3\xa9!<|end|>"),
    "odd-ids": ("completion", b"<|channel|>final" + b"".join(ODD_ID + bytes([at]) for at in range(14, 40))),
    "near-ids": ("completion", b"<|channel|>final<|message|>" + NEAR_ID + b"\x03\x0d\x40 " + NEAR_ID + b"\xff\xff\xff"),
    "far-ids": ("transcript", b"<|start|>user" + FAR_ID + b"\x7f" * 8 + b"<|message|>" + FAR_ID + b"\xff" * 8),
}


def main() -> None:
    """Write all seeds, and remove what is none."""
    SEEDS.mkdir(exist_ok=True)
    written = seeds()
    for path in SEEDS.iterdir():
        if path.name not in written:
            path.unlink()
    for name, data in written.items():
        (SEEDS / name).write_bytes(data)


def seeds() -> dict[str, bytes]:
    """All seeds by the names of their files."""
    made: dict[str, bytes] = {}
    catalogue = tomllib.loads((ROOT / "grammar" / "diagnostics.toml").read_text(encoding="utf-8"))
    given = {name: entry for name, entry in catalogue.items() if entry["code"] < "H2" and "read" not in entry}
    for name, entry in given.items():
        bad, number = entry.get("bad", ""), int(entry["code"][1:])
        ids = b"" if isinstance(bad, str) else b"".join(NEAR_ID + token.to_bytes(3, "big") for token in bad)
        payload = bad.encode() if isinstance(bad, str) else ids
        tools = TOOLS.index(("functions.bash",)) if "tools" in entry else 0
        made[name] = bytes_of(payload, entry.get("start", "transcript"), tools, bool(ids) or number % 3 > 0, False)
    for name, (start, text) in TEXTS.items():
        for suffix, tools, tokens in (("", 1, False), ("-tokens", 0, True)):
            made[name + suffix] = bytes_of(text.encode(), start, tools, tokens, name == "stripped")
    for name, (start, payload) in BYTES.items():
        made[name] = bytes_of(payload, start, 1, True, False, given=1)
        made[f"{name}-single"] = bytes_of(payload, start, 2, True, False, single=True)
        made[f"{name}-text"] = bytes_of(payload, start, 3, False, False, given=2)
    return {f"{name}.bin": data for name, data in made.items()}


if __name__ == "__main__":
    main()
