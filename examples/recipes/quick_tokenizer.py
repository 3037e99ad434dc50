import re

import quicktok

from harmony_spec.codec import FORMAT
from harmony_spec.vocabulary import load

RANGES = """88f c5c cdc 1acf-1add 1ae0-1aeb a7ce-a7cf a7d2 a7d4 a7f1 10940-10959 10ec5-10ec7 10efa-10efb 11b60-11b67
11db0-11ddb 11de0-11de9 16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18d09-18d1e 18d80-18df2 1e6c0-1e6de
1e6e0-1e6f5 1e6fe-1e6ff 2b73a-2b73f 2cea2-2cead 323b0-33479"""  # new in Unicode 17
CODE_POINTS = (c for r in RANGES.split() for c in range(int(r.split("-")[0], 16), int(r.split("-")[-1], 16) + 1))
UNICODE_17 = re.compile(b"|".join(sorted({re.escape(chr(c).encode()[:-1]) for c in CODE_POINTS})))


class Quick:
    """quicktok, or the vocabulary of harmony-spec for texts that the two encode differently."""

    def __init__(self) -> None:
        self.exact, self.fast = load(FORMAT.encoding), quicktok.get_encoding("o200k_base").encode_ordinary
        self.decode_bytes = self.exact.decode_bytes

    def encode(self, text: str) -> list[int]:
        if not text.isascii() and UNICODE_17.search(text.encode(errors="replace")) is not None:
            return self.exact.encode(text)
        try:
            return self.fast(text)
        except (TypeError, UnicodeEncodeError):  # a lone surrogate
            return self.exact.encode(text)


quick = Quick()
