"""Vietnamese text in the one-byte codes of the years before Unicode: told apart from Unicode, and turned into it.

Fonts of the families .VnTime (TCVN3, also called ABC) and VNI- show Vietnamese letters at places where Latin-1 has
others, so that programs that know nothing of the font give `QuyÕt ®Þnh` or `Quyeát ñònh` for `Quyết định`. Nothing
is turned that may be Unicode: the text must hold no Vietnamese letter that Latin-1 lacks, and its words must be
Vietnamese syllables after the turn where they were none before. Text must come as it was found, not yet in NFC and
with Ð (U+00D0) not yet made Đ, since that is `é` in TCVN3.

Sources: TCVN 5712:1993, table VN3; for VNI, whose maker published no standard, the sequences that two programs of
the time for typing Vietnamese (xvnkb, VBKey) state alike.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from pipeline.grammar.folding import fold, nfc


class LegacyCode(StrEnum):
    """The codes that are known here, as people call them."""

    TCVN3 = "TCVN3"
    VNI = "VNI"


@dataclass(frozen=True, slots=True)
class Turned:
    """Text in NFC, and the code that it was in; None where nothing was to be turned."""

    text: str
    code: LegacyCode | None


# Capitals with a tone have no place of their own in TCVN3: fonts whose name ends with H show them for the small ones.
_TCVN3_PAIRS = (
    ("àảãáạ", "µ¶·¸¹"), ("ăằẳẵắặ", "¨»¼½¾Æ"), ("âầẩẫấậ", "©ÇÈÉÊË"), ("đ", "®"), ("èẻẽéẹ", "ÌÎÏÐÑ"),
    ("êềểễếệ", "ªÒÓÔÕÖ"), ("ìỉĩíị", "×ØÜÝÞ"), ("òỏõóọ", "ßáâãä"), ("ôồổỗốộ", "«åæçèé"), ("ơờởỡớợ", "¬êëìíî"),
    ("ùủũúụ", "ïñòóô"), ("ưừửữứự", "\u00adõö÷øù"), ("ỳỷỹýỵ", "úûüýþ"), ("ĂÂÊÔƠƯĐ", "¡¢£¤¥¦§"),
)  # fmt: skip
TCVN3 = {code: letter for letters, codes in _TCVN3_PAIRS for letter, code in zip(letters, codes, strict=True)}
"""Every code of TCVN3 to its letter."""

_TONES = dict(zip("áàảãạ", "ùøûõï", strict=True))  # by the letter that shows them on a
_ROOF, _BREVE = dict(zip("ấầẩẫậ", "áàåãä", strict=True)), dict(zip("ắằẳẵặ", "éèúüë", strict=True))


def _vni() -> dict[str, str]:
    """Every sequence of VNI to its letter: a base, and a sign for its tone and its hat or breve."""
    table = {"ñ": "đ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
    marks = {sign: unicodedata.normalize("NFD", shown)[1:] for shown, sign in _TONES.items()}
    for base, letter in (("a", "a"), ("e", "e"), ("o", "o"), ("u", "u"), ("y", "y"), ("ô", "ơ"), ("ö", "ư")):
        for sign, mark in marks.items():
            if base + sign != "yï":  # ỵ has a sign of its own
                table[base + sign] = nfc(letter + mark)
    for base, letter in (("a", "â"), ("e", "ê"), ("o", "ô")):
        table[base + "â"] = letter
        for shown, sign in _ROOF.items():
            table[base + sign] = nfc(letter + _tone(shown))
    table["aê"] = "ă"
    table |= {"a" + sign: shown for shown, sign in _BREVE.items()}
    return table | {code.upper(): letter.upper() for code, letter in table.items()}


def _tone(letter: str) -> str:
    """The tone mark of ấ, ầ …, which has the hat before or behind it."""
    return "".join(sign for sign in unicodedata.normalize("NFD", letter)[1:] if sign not in "\u0302\u0306")


VNI = _vni()
"""Every sequence of VNI to its letter."""
_BY_VNI = re.compile("|".join(sorted(map(re.escape, VNI), key=len, reverse=True)))
_BY_TCVN3 = re.compile("[" + re.escape("".join(TCVN3)) + "]")

_WORD = re.compile(
    r"[^\W\d_]+(?:[\u00a1-\u00bf\u00d7\u00f7\u00ad]+[^\W\d_]*)*|[\u00a1-\u00bf\u00ad]+[^\W\d_]+"
)
_ONSET = r"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnpqrstvx])?"
_SYLLABLES = tuple(
    re.compile(_ONSET + rhyme)
    for rhyme in (
        # Nothing follows a glide, and the tone stands on the vowel before it; of two places of open oa, oe, uy
        # (Quyết định 240/QĐ 1984) both are right.
        r"(?:(?P<t>[iư])a|(?P<o>u)a|[oui](?P<h>[aêyeươ])[iyuoa]|(?P<a>[aâ])[iyu]|(?P<b>a)o|(?P<e>e)o|(?P<f>ê)u|"
        r"(?P<g>i)u|(?P<j>[oôơuư])i|(?P<k>ư)u|yê?(?P<l>[ê])u|u(?P<m>[ôâa])[iy]|ư(?P<n>ơ)[iu])",
        r"(?:o(?P<a>a)|o(?P<b>e)|u(?P<c>y))(?:ch|ng|nh|[cmnpt])?",
        r"(?:(?P<a>o)a|(?P<b>o)e|(?P<c>u)y)",
        r"(?:u?y(?P<a>ê)|i(?P<b>ê)|u(?P<c>[âôê])|ư(?P<d>ơ)|o(?P<e>ă)|(?P<f>[ăâ]))(?:ch|ng|nh|[cmnpt])",
        r"o(?P<a>o)(?:ng|c)",
        r"(?:u(?P<a>[êơ])|(?P<b>[aeêioôơuưy]))(?:ch|ng|nh|[cmnpt])?",
    )
)
"""Vietnamese syllables without tone; the named group is the letter that has the tone where there is one."""
_MARKS = "\u0300\u0301\u0303\u0309\u0323"
_SMALL = "a-zà-öø-ÿăđĩũơưạ-ỹ"
_HYPHENED = re.compile(rf"(?<![^\W_])[{_SMALL}]{{1,3}}-[{_SMALL}]{{1,4}}(?![^\W_])")
ENOUGH, VALID, INVALID = 2, 0.85, 0.6
"""Different words with signs beyond ASCII that must be there; least share of them valid after the turn, most before it.

In the old codes many words look like others that are Vietnamese too (`hoà` is `hồ` in VNI).
"""


def code_of(text: str) -> LegacyCode | None:
    """The code that a text is in, None when it is Unicode, of another language, or too short to tell."""
    words = sorted({word for word in _WORD.findall(text) if not word.isascii()})
    if len(words) < ENOUGH or any(map(_beyond, text)):
        return None
    before = sum(map(is_syllable, words)) / len(words)
    if before > INVALID:
        return None
    shares = {
        code: sum(is_syllable(decode(word, code)) for word in words) / len(words) for code in LegacyCode
    }
    code = max(shares, key=lambda one: shares[one])
    other = min(shares.values())
    return code if shares[code] >= VALID and shares[code] > other else None


def to_unicode(text: str) -> Turned:
    """The text in Unicode and NFC, turned out of its code where it is in one."""
    code = code_of(text)
    return Turned(nfc(text if code is None else decode(text, code)), code)


def decode(text: str, code: LegacyCode) -> str:
    """Text that is known to be in a code, as Unicode."""
    if code is LegacyCode.TCVN3:
        return _BY_TCVN3.sub(lambda found: TCVN3[found[0]], text)
    return _BY_VNI.sub(lambda found: VNI[found[0]], text)


def mend_hyphens(text: str) -> str:
    """`th-ờng` is `thường`: the ư of TCVN3 stands where Latin-1 has the soft hyphen, which programs make a dash.

    Only inside small letters, and only where the word is a syllable with ư: in codes and names a dash stays.
    """
    return _HYPHENED.sub(
        lambda found: whole if is_syllable(whole := found[0].replace("-", "ư")) else found[0], text
    )


def is_syllable(word: str) -> bool:
    """Whether a word is built as Vietnamese syllables are: onset, nucleus, coda, one tone at most, on its vowel."""
    letters = [unicodedata.normalize("NFD", sign) for sign in nfc(word.lower())]
    toned = [place for place, letter in enumerate(letters) if any(mark in _MARKS for mark in letter[1:])]
    shape = nfc("".join(sign for letter in letters for sign in letter if sign not in _MARKS))
    if len(toned) > 1 or len(shape) != len(letters):
        return False
    if not toned and re.search(r"(?:ch|[cpt])$", shape):
        return False  # a stopped syllable has a tone
    for pattern in _SYLLABLES:
        found = pattern.fullmatch(shape)
        if found and (not toned or toned[0] in (found.start(name) for name in pattern.groupindex)):
            return True
    return False


def _beyond(sign: str) -> bool:
    """Whether a sign is a letter or mark of Vietnamese that Latin-1 lacks: proof of Unicode."""
    if sign <= "\u00ff":
        return False
    return sign in "đĐăĂĩĨũŨơƠưƯ" or "\u1ea0" <= sign <= "\u1ef9" or "\u0300" <= sign <= "\u036f"


def known_letters() -> str:
    """Every Vietnamese letter with a mark, small and capital."""
    small = set(TCVN3.values()) - set("ĂÂÊÔƠƯĐ")
    return "".join(sorted(small | {letter.upper() for letter in small}, key=lambda sign: (fold(sign), sign)))
