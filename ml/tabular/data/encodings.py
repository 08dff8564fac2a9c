"""How a text file is encoded: the likely encoding of one that is not what it was taken for."""

from __future__ import annotations

import codecs
from pathlib import Path

from ml.runtime.errors import DataError, UserError

UTF_8 = "utf-8"
_FIELD = "Data/encoding"
_FIELD_OF_INFERENCE = "Input/encoding"
_SAMPLE_BYTES = 65536
_MARKS = {
    # the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: UTF_8,
}
# what spreadsheets of our time write; a guess among all encodings is worse than one among these
_CANDIDATES = ["cp1252", "cp932", "euc_jp", "cp949", "gb18030", "big5", "cp1251", "cp1250"]
_NAMES = {"cp1252": "windows-1252", "cp1251": "windows-1251", "cp1250": "windows-1250"}


def check_name(encoding: str) -> None:
    """Refuse an encoding that Python does not know, or that is none of texts, such as hex."""
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        raise UserError(
            f"there is no encoding {encoding!r}",
            where=f"{_FIELD}, or {_FIELD_OF_INFERENCE} of rows to predict",
            mend="set it to utf-8, utf-16, windows-1252, cp932 or another that Python knows",
        ) from None


def is_utf8(encoding: str) -> bool:
    """Whether a name is one of UTF-8's; the mark at the start of a file makes no difference."""
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def wrongly_encoded(path: Path, encoding: str, shown: str) -> DataError:
    """The error for a file that is not encoded so, with the encoding that it most likely has.

    Parameters
    ----------
    path : Path
    encoding : str
        The one that it was read with.
    shown : str
        The file as the user named it.
    """
    likely = likely_encodings(_telling_bytes(path, encoding))
    guess = f"; it looks like {' or '.join(likely)}" if likely else ""
    given = "UTF-8" if is_utf8(encoding) else encoding
    return DataError(
        f"the file is not {given} text{guess}",
        where=shown,
        mend=f"set {_FIELD}={likely[0] if likely else 'the one it has'}, "
        f"of rows to predict {_FIELD_OF_INFERENCE}, or save the table as CSV in UTF-8",
    )


def likely_encodings(sample: bytes) -> list[str]:
    """At most two encodings that a text most likely has, the likeliest first."""
    for mark, name in _MARKS.items():
        if sample.startswith(mark):
            return [name]
    if not sample.isascii() and _decodes(sample, UTF_8):
        return [UTF_8]
    # every other byte of a Latin text in UTF-16 is zero
    if sample[1::2].count(0) > len(sample) // 4:
        return ["utf-16-le"]
    if sample[0::2].count(0) > len(sample) // 4:
        return ["utf-16-be"]
    if sample.isascii():
        return [UTF_8]
    # at hand wherever requests is, and needed for a wrong file alone
    import charset_normalizer

    found = charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES)
    names = [match.encoding for match in found]
    if names and names[0] == "cp1250" and _decodes(sample, "cp1252"):
        # the two differ in letters of Central Europe; Western ones are more often meant
        names = ["cp1252", *names]
    names = list(dict.fromkeys(_NAMES.get(name, name) for name in names))
    return names[:2]


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _telling_bytes(path: Path, encoding: str) -> bytes:
    """The head of a file where it has bytes beyond ASCII, else the lines about the first such."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        head = block = file.read(_SAMPLE_BYTES)
        while block:
            try:
                decoder.decode(block)
            except UnicodeError:
                if b"\0" in block:
                    return head
                lines = block.splitlines(keepends=True)
                beyond = b"".join(line for line in lines if not line.isascii())
                return beyond or head
            block = file.read(_SAMPLE_BYTES)
    return head
