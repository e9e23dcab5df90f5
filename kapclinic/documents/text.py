"""Text as it can be kept and printed."""

import re

# Control characters, lone surrogates and noncharacters: they break a parser, a database or a file, and mean nothing.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def printable(text: str) -> str:
    """`text` without characters that cannot be printed; line breaks and tabs stay."""
    return _UNPRINTABLE.sub("", text)
