"""The examples of the OpenAPI document: exchanges that took place, and how the document keeps them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Example", "read_examples"]

METHODS = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True)
class Example:
    """An exchange of an operation, by a name that is the operation's own.

    The request is {method, path, headers, body}, its path with the query, its body text where it is no JSON; the
    response {status, type, headers, body}.
    """

    operation: str
    name: str
    summary: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def status(self) -> int:
        return int(self.response["status"])

    @property
    def code(self) -> str | None:
        code: str | None = self.response["body"].get("code")
        return code

    @property
    def is_success(self) -> bool:
        return self.status < 400

    def to_document(self) -> dict[str, Any]:
        """As an Example Object of the answer, with the request that got it."""
        return {
            "summary": self.summary,
            "value": self.response["body"],
            "x-request": self.request,
            "x-headers": self.response["headers"],
        }


def read_examples(document: Mapping[str, Any]) -> Sequence[Example]:
    """All that a document has recorded, in its order."""
    return list(_read_examples(document))


def _read_examples(document: Mapping[str, Any]) -> Iterator[Example]:
    for operation in [path[method] for path in document["paths"].values() for method in METHODS if method in path]:
        for status, response in operation["responses"].items():
            for type_, content in response["content"].items():
                for name, example in content.get("examples", {}).items():
                    answered = {
                        "status": int(status),
                        "type": type_,
                        "headers": example["x-headers"],
                        "body": example["value"],
                    }
                    yield Example(operation["operationId"], name, example["summary"], example["x-request"], answered)
