"""SDXL's tiny network taken for a flow-matching model: what it says is random anyway."""

from typing import Any

from schedulers import build_flow
from taue.backbones.sdxl import SDXLBackbone


class FlowingBackbone(SDXLBackbone):
    """Answers with a flow, under a flow-matching scheduler of ``family``."""

    def __init__(self, pipeline: Any, family: str) -> None:
        super().__init__(pipeline, 128, 128)
        self.schedule = family

    def new_scheduler(self, steps: int) -> Any:
        return build_flow(self.schedule, steps)
