"""DynamoDB's expressions, as far as the checkout uses them: conditions, key conditions and updates of top-level
attributes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

__all__ = ["Names", "Value", "Values", "WireItem", "parse_condition", "parse_update"]

Value = Mapping[str, Any]
"""An attribute's value as it goes over the wire: {"S": "text"}."""

WireItem = Mapping[str, Value]
Names = Mapping[str, str]
Values = Mapping[str, Value]

Condition = Callable[[WireItem, Names, Values], bool]
Operand = Callable[[WireItem, Names, Values], Value | None]

TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+-]|[:#]?\w+)")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


@dataclass
class Tokens:
    """The words of an expression, taken one after the other."""

    words: list[str]

    def peek(self) -> str:
        return self.words[0] if self.words else ""

    def take(self, expected: str | None = None) -> str:
        word = self.words.pop(0)
        if expected is not None and word.upper() != expected:
            raise ValueError(f"{expected} was expected, not {word}")
        return word

    def take_if(self, word: str) -> bool:
        if self.peek().upper() != word:
            return False
        self.words.pop(0)
        return True


def split(expression: str) -> Tokens:
    words, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not known here: {text[at:]}")
        words.append(match[1])
        at = match.end()
    return Tokens(words)


@cache
def parse_condition(expression: str) -> Condition:
    """Whether an item meets a condition expression."""
    tokens = split(expression)
    condition = parse_or(tokens)
    if tokens.words:
        raise ValueError(f"not known here: {tokens.words}")
    return condition


def parse_or(tokens: Tokens) -> Condition:
    parts = [parse_and(tokens)]
    while tokens.take_if("OR"):
        parts.append(parse_and(tokens))
    return lambda *given: any(part(*given) for part in parts)


def parse_and(tokens: Tokens) -> Condition:
    parts = [parse_not(tokens)]
    while tokens.take_if("AND"):
        parts.append(parse_not(tokens))
    return lambda *given: all(part(*given) for part in parts)


def parse_not(tokens: Tokens) -> Condition:
    if tokens.take_if("NOT"):
        negated = parse_not(tokens)
        return lambda *given: not negated(*given)
    if tokens.take_if("("):
        inner = parse_or(tokens)
        tokens.take(")")
        return inner
    if tokens.peek() in {"attribute_exists", "attribute_not_exists"}:
        return parse_existence(tokens)
    return parse_comparison(tokens)


def parse_existence(tokens: Tokens) -> Condition:
    wanted = tokens.take() == "attribute_exists"
    tokens.take("(")
    operand = parse_operand(tokens)
    tokens.take(")")
    return lambda *given: (operand(*given) is not None) is wanted


def parse_comparison(tokens: Tokens) -> Condition:
    left = parse_operand(tokens)
    sign = tokens.take().upper()
    if sign == "IN":
        tokens.take("(")
        choices = [parse_operand(tokens)]
        while tokens.take_if(","):
            choices.append(parse_operand(tokens))
        tokens.take(")")
        return lambda *given: any(are_equal(left(*given), choice(*given)) for choice in choices)
    if sign == "BETWEEN":
        low = parse_operand(tokens)
        tokens.take("AND")
        high = parse_operand(tokens)
        return lambda *given: (
            is_ordered(low(*given), left(*given), COMPARISONS["<="])
            and is_ordered(left(*given), high(*given), COMPARISONS["<="])
        )
    right = parse_operand(tokens)
    if sign == "=":
        return lambda *given: are_equal(left(*given), right(*given))
    if sign == "<>":
        return lambda *given: not are_equal(left(*given), right(*given))
    compare = COMPARISONS[sign]
    return lambda *given: is_ordered(left(*given), right(*given), compare)


def parse_operand(tokens: Tokens) -> Operand:
    word = tokens.take()
    if word == "size":
        tokens.take("(")
        measured = parse_operand(tokens)
        tokens.take(")")
        return lambda *given: size_of(measured(*given))
    if word.startswith(":"):
        return lambda _item, _names, values: values[word]
    return lambda item, names, _values: item.get(names[word] if word.startswith("#") else word)


def size_of(value: Value | None) -> Value | None:
    """Of a set; what is absent has no size."""
    return None if value is None else {"N": str(len(value["SS"]))}


def are_equal(one: Value | None, other: Value | None) -> bool:
    """What is absent equals nothing."""
    if one is None or other is None:
        return False
    if "N" in one and "N" in other:
        return Decimal(one["N"]) == Decimal(other["N"])
    return one == other


def is_ordered(one: Value | None, other: Value | None, compare: Callable[[Any, Any], bool]) -> bool:
    """Only values of one type, text or number, have an order."""
    if one is None or other is None or one.keys() != other.keys():
        return False
    if "N" in one:
        return compare(Decimal(one["N"]), Decimal(other["N"]))
    return compare(one["S"].encode(), other["S"].encode())


Update = Callable[[WireItem, Names, Values], dict[str, Value]]


@cache
def parse_update(expression: str) -> Update:
    """The item as an update expression leaves it; every operand is of the item as it was before."""
    tokens = split(expression)
    steps: list[tuple[str, str, Operand | None]] = []
    clause = ""
    while tokens.words:
        if tokens.peek().upper() in {"SET", "REMOVE", "ADD", "DELETE"}:
            clause = tokens.take().upper()
        name = tokens.take()
        if clause == "SET":
            tokens.take("=")
            steps.append((clause, name, parse_sum(tokens)))
        elif clause in {"ADD", "DELETE"}:
            steps.append((clause, name, parse_operand(tokens)))
        else:
            steps.append((clause, name, None))
        tokens.take_if(",")

    def update(item: WireItem, names: Names, values: Values) -> dict[str, Value]:
        updated = dict(item)
        for kind, placeholder, operand in steps:
            name = names[placeholder] if placeholder.startswith("#") else placeholder
            if operand is None:
                updated.pop(name, None)
                continue
            value = operand(item, names, values)
            if value is None:
                raise LookupError(f"{kind} refers to an attribute that does not exist")
            changed = value if kind == "SET" else change(item.get(name), value, kind)
            if changed is None:
                updated.pop(name, None)
            else:
                updated[name] = changed
        return updated

    return update


def parse_sum(tokens: Tokens) -> Operand:
    left = parse_operand(tokens)
    if tokens.peek() not in {"+", "-"}:
        return left
    sign = 1 if tokens.take() == "+" else -1
    right = parse_operand(tokens)

    def total(*given: Any) -> Value | None:
        one, other = left(*given), right(*given)
        return None if one is None or other is None else add(one, other, sign)

    return total


def change(before: Value | None, value: Value, kind: str) -> Value | None:
    """What ADD and DELETE make of a number or a set. No set is empty: it is gone with its last element."""
    if "N" in value:
        return add(before or {"N": "0"}, value, 1)
    there = before["SS"] if before else []
    if kind == "ADD":
        return {"SS": [*there, *(element for element in value["SS"] if element not in there)]}
    left = [element for element in there if element not in value["SS"]]
    return {"SS": left} if left else None


def add(one: Value, other: Value, sign: int) -> Value:
    return {"N": str(Decimal(one["N"]) + sign * Decimal(other["N"]))}
