"""What a smoke task is told of its slot, as the plan has it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ml.runtime.parameters import JsonText, Section


class SlotFields(Section):
    """Which slot is proven."""

    node: str = Field("", description="name of the node in the inventory")
    name: str = Field("", description="name of the slot")


class ExpectedFields(Section):
    """What a step finds there, if the slot is as declared."""

    image: str = Field("", description="reference of the slot's image, by digest")
    commit: str = Field("", description="commit of the step code")
    mounts: JsonText = Field("{}", description='folder in the container: "read" or "write"')
    object_stores: JsonText = Field("{}", description="address of a bucket: its region, or empty")
    gpus: int = Field(0, ge=0, description="number of GPUs or MIG instances that the slot owns")


class Parameters(BaseModel):
    """Of a smoke task."""

    Slot: SlotFields = SlotFields()
    Expected: ExpectedFields = ExpectedFields()
