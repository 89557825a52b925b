"""What a deployed stack says of itself: the names of its tables."""

from collections.abc import Sequence

import boto3

from local.commands import CannotWork

__all__ = ["read_outputs"]


def read_outputs(stack: str, names: Sequence[str]) -> list[str]:
    """The stack's outputs of these names, in their order. Raises CannotWork where it has not got one."""
    [described] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    missing = [name for name in names if name not in outputs]
    if missing:
        raise CannotWork(f"The stack {stack} has no {missing[0]}. Name the one that template.yaml was deployed as.")
    return [outputs[name] for name in names]
