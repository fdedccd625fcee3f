"""Reading queries: ``canceled & called:Syncing``, ``dur>50ms | "timeout"``, ``mach:ps-* -Connected @-10m..``.

expr := and { "|" and }        and := not { ["&"] not }        not := "!" not | term
term := "(" expr ")" | Name | +Name | -Name | ~Name | flag | key:value | measure op value | #range | @range | "text"
"""

from __future__ import annotations

import difflib
import re
from typing import Final, NoReturn, cast

from am_dbg.session.query_terms import (
    FLAGS,
    Between,
    Both,
    Either,
    Flagged,
    Having,
    Measure,
    Negated,
    OfState,
    Property,
    QueryError,
    StateAspect,
    Term,
    Texts,
    Within,
)

_SIGNS: Final[dict[str, StateAspect]] = {"+": "added", "-": "removed", "~": "changed"}
_ASPECTS: Final[dict[str, StateAspect]] = {
    "active": "active", "added": "added", "removed": "removed", "changed": "changed", "called": "called",
}  # fmt: skip
_PROPERTIES: Final[dict[str, Property]] = {
    "mach": "machine", "tag": "tag", "run": "run", "kind": "kind", "by": "handler", "group": "group",
}  # fmt: skip
_MEASURES: Final[dict[str, Measure]] = {"dur": "duration", "queue": "queue", "gap": "gap", "dticks": "ticks"}
_RANGES: Final[dict[str, Measure]] = {"t": "machine time", "q": "queue tick"}
_KEYS: Final = ("is", "log", *_ASPECTS, *_PROPERTIES, *_RANGES)
_KINDS: Final = ("add", "remove", "set")
_LENGTHS: Final = {
    "ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
}  # fmt: skip
_LENGTH: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h|d)", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,18}", re.ASCII)
_WORD: Final = re.compile(r'[^\s&|!()"<>=+~][^\s&|!()"<>=]*')
_VALUE: Final = re.compile(r'[^\s&|()"]+')
_OPERATOR: Final = re.compile(r"<=|>=|==|=|<|>")
_UNMISTAKABLE: Final = re.compile(r"[<>=&|]|\b(?:is|mach|called|by|kind|log):|\b(?:active|called|changed|tick)\(")
_DEPTH: Final = 60
_LONGEST: Final = 4_000


def parse(text: str) -> Term:
    """Read a query.

    Raises:
        QueryError: it cannot be understood; names its place.
    """
    if len(text) > _LONGEST:
        raise QueryError("the query is too long", _LONGEST, f"write it in less than {_LONGEST:,} characters")
    return _Parser(text).whole()


def looks_like_query(text: str) -> bool:
    """Whether a text can be read as a query and has signs that words to be found hardly have."""
    if not _UNMISTAKABLE.search(text):
        return False
    try:
        parse(text)
    except QueryError:
        return False
    return True


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Term:
        self._blank()
        if self._at == len(self._text):
            self._fail("there is no query", "as in: canceled & called:Ready")
        term = self._either()
        if self._at < len(self._text):
            self._fail(f"{self._text[self._at]!r} does not belong here", "parentheses come in pairs")
        return term

    # -- combining ---------------------------------------------------------------------------------------------------

    def _either(self) -> Term:
        self._depth += 1
        if self._depth > _DEPTH:
            self._fail("the query is nested too deeply", "write it with fewer parentheses")
        parts = [self._both()]
        while self._take("|"):
            self._take("|")
            parts.append(self._both())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Term:
        parts = [self._maybe_not()]
        while True:
            joined = self._take("&")
            if joined:
                self._take("&")
            if not joined and (self._at == len(self._text) or self._text[self._at] in ")|"):
                break
            parts.append(self._maybe_not())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _maybe_not(self) -> Term:
        negations = 0
        while self._take("!"):
            negations += 1
        term = self._term()
        return Negated(term) if negations % 2 else term

    # -- terms -------------------------------------------------------------------------------------------------------

    def _term(self) -> Term:
        self._blank()
        start = self._at
        sign = self._text[start : start + 1]
        if not sign:
            self._fail("the query ends too early", "a state, a flag or a condition is missing")
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                self._fail("a closing parenthesis is missing", f"the one in column {start + 1} is open")
            return inner
        if sign == '"':
            return Texts(self._quoted(), logs_only=False, column=start)
        if sign == "/":
            self._fail("regular expressions are not supported", 'write words between double quotes: "timed out"')
        if sign in "#@":
            self._at += 1
            value = self._value("a range is missing")
            if sign == "#":
                return self._numbers("number", value, start)
            low, high = _ends(value)
            return Between(low, high, start)
        if sign in _SIGNS:
            self._at += 1
            return OfState(_SIGNS[sign], self._name(), start)
        word = self._word()
        if not word:
            self._fail(f"{sign!r} does not belong here", "a state, a flag or a condition is missing before it")
        return self._named(word, start)

    def _named(self, word: str, start: int) -> Term:
        if self._text[self._at : self._at + 1] == "(":
            return self._of_state(word, start)
        key, colon, rest = word.partition(":")
        if colon:
            self._at = start + len(key) + 1
            return self._keyed(key, start, rest)
        if word in _MEASURES:
            return self._compared(_MEASURES[word], "", start)
        if word in FLAGS:
            return Flagged(word)
        if self._operator_follows():
            self._at = start
            self._fail(f"{word!r} is nothing that is measured", _meant(word, [*_MEASURES, "tick(STATE)"]))
        return OfState("active", word, start)

    def _of_state(self, word: str, start: int) -> Term:
        if word not in _ASPECTS and word != "tick":
            self._at = start
            self._fail(f"there is no {word}(…)", _meant(word, [*_ASPECTS, "tick"]))
        self._take("(")
        name_at = self._at
        name = self._name()
        if not self._take(")"):
            self._fail("a closing parenthesis is missing", f"as in {word}({name})")
        if word == "tick":
            return self._compared("tick", name, name_at)
        if word == "active" and self._operator_follows():
            return self._compared("active for", name, name_at)
        return OfState(_ASPECTS[word], name, name_at)

    def _keyed(self, key: str, start: int, rest: str) -> Term:
        if key not in _KEYS:
            self._at = start
            hint = f'{_meant(key, _KEYS)}; a name with a colon is written active("{key}:{rest}")'
            self._fail(f"there is nothing called {key}:", hint)
        value_at = self._at
        value = self._quoted() if self._text[self._at : self._at + 1] == '"' else self._value(f"{key}: has no value")
        if key == "log":
            return Texts(value, logs_only=True, column=start)
        if key in _ASPECTS:
            return OfState(_ASPECTS[key], value, value_at)
        if key in _RANGES:
            return self._numbers(_RANGES[key], value, value_at)
        if key == "is":
            self._one_of(value, FLAGS, value_at, "flag")
            return Flagged(value)
        if key == "kind":
            self._one_of(value, _KINDS, value_at, "kind of mutation")
        if key == "run" and not _COUNT.fullmatch(value):
            self._at = value_at
            self._fail(f"{value!r} is not the number of a run", "as in run:2")
        return Having(_PROPERTIES[key], value, value_at)

    def _one_of(self, value: str, known: tuple[str, ...], column: int, what: str) -> None:
        if value not in known:
            self._at = column
            self._fail(f"there is no {what} {value!r}", _meant(value, known))

    def _numbers(self, measure: Measure, value: str, column: int) -> Term:
        ends = _ends(value)
        for end in ends:
            if end and not _COUNT.fullmatch(end):
                self._at = column
                self._fail(f"{value!r} is no range of numbers", "as in #10..20, #10.. or #10")
        low, high = (int(end) if end else None for end in ends)
        return Within(measure, low, high, column=column)

    def _compared(self, measure: Measure, state: str, column: int) -> Term:
        self._blank()
        operator = _OPERATOR.match(self._text, self._at)
        timed = measure in ("duration", "gap", "active for")
        example = "as in dur>50ms" if timed else "as in queue>10"
        if operator is None:
            self._fail("a comparison is missing", example)
        self._at = operator.end()
        self._blank()
        value_at = self._at
        text = self._value("a value to compare with is missing")
        self._at = value_at
        value = self._length(text) if timed else self._count(text)
        self._at = value_at + len(text)
        low: int | None
        high: int | None
        match operator[0]:
            case "<":
                low, high = None, value - 1
            case "<=":
                low, high = None, value
            case ">":
                low, high = value + 1, None
            case ">=":
                low, high = value, None
            case _:
                low, high = value, value
        return Within(measure, low, high, state, column)

    def _length(self, text: str) -> int:
        match = _LENGTH.fullmatch(text)
        if match is None:
            hint = f"a unit is missing, as in {text}ms" if _COUNT.fullmatch(text) else "as in 50ms, 1.5s or 10m"
            self._fail(f"{text!r} is no length of time", hint)
        return round(float(match[1]) * _LENGTHS[match[2]])

    def _count(self, text: str) -> int:
        if not _COUNT.fullmatch(text):
            self._fail(f"{text!r} is no number", "digits only, as in 10")
        return int(text)

    # -- characters --------------------------------------------------------------------------------------------------

    def _blank(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _take(self, sign: str) -> bool:
        """Whether a sign is next; then behind it, and the blanks around it."""
        self._blank()
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        self._blank()
        return True

    def _word(self) -> str:
        match = _WORD.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _name(self) -> str:
        if self._text[self._at : self._at + 1] == '"':
            return self._quoted()
        word = self._word()
        if not word:
            self._fail("the name of a state is missing")
        return word

    def _value(self, missing: str) -> str:
        match = _VALUE.match(self._text, self._at)
        if match is None:
            self._fail(missing)
        self._at = match.end()
        return match[0]

    def _quoted(self) -> str:
        start = self._at
        end = self._text.find('"', start + 1)
        if end < 0:
            self._fail("a closing quote is missing")
        if not self._text[start + 1 : end].strip():
            self._fail("there is nothing between the quotes")
        self._at = end + 1
        return self._text[start + 1 : end]

    def _operator_follows(self) -> bool:
        self._blank()
        return _OPERATOR.match(self._text, self._at) is not None

    def _fail(self, message: str, hint: str = "") -> NoReturn:
        raise QueryError(message, self._at, hint)


def _ends(value: str) -> tuple[str, str]:
    low, dots, high = value.partition("..")
    return (low, high) if dots else (value, value)


def _meant(word: str, known: object) -> str:
    names = [str(name) for name in cast("tuple[str, ...]", known)]
    near = difflib.get_close_matches(word, names, n=2)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"
