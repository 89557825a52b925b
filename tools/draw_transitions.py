"""Draws the state machines of checkout.transitions into the documents: `python -m tools.draw_transitions`.

The diagrams stand between two marks in each data-model.md and in README.md; a test fails where they are not what this
draws (FR-114).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from checkout.transitions import ORDER_TRANSITIONS, PAYMENT_TRANSITIONS, REFUND_TRANSITIONS
from tools.generated import replace_generated

__all__ = ["DIAGRAMS", "draw_transitions", "replace_diagram"]

ROOT = Path(__file__).parent.parent
SPECS = ROOT / "specs"
MAKER = "tools/draw_transitions.py"

State = TypeVar("State", bound=str)


def draw_transitions(transitions: Mapping[State, Sequence[State]]) -> str:
    """A Mermaid state diagram: from the first state of the table, to an end where no state follows."""
    lines = [f"[*] --> {next(iter(transitions))}"]
    for state, following in transitions.items():
        lines += [f"{state} --> {next_state}" for next_state in [*map(str, following)] or ["[*]"]]
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in lines)])


def replace_diagram(document: str, diagram: str) -> str:
    """The document with the diagram between its marks; raises ValueError unless it has them once."""
    return replace_generated(document, MAKER, f"```mermaid\n{diagram}\n```")


DIAGRAMS: Mapping[Path, str] = {
    SPECS / "001-payment-checkout" / "data-model.md": draw_transitions(PAYMENT_TRANSITIONS),
    SPECS / "002-order" / "data-model.md": draw_transitions(ORDER_TRANSITIONS),
    SPECS / "003-payment-recovery" / "data-model.md": draw_transitions(REFUND_TRANSITIONS),
    ROOT / "README.md": draw_transitions(ORDER_TRANSITIONS),
}
"""The diagram of each document."""


if __name__ == "__main__":
    for path, diagram in DIAGRAMS.items():
        path.write_text(replace_diagram(path.read_text(encoding="utf-8"), diagram), encoding="utf-8")
