"""What checks arguments and results against their annotations while tests run."""

from typing import Any

from beartype import BeartypeConf, FrozenDict, beartype

from taue.backbones import Backbone

# Whole numbers are numbers; a backbone is a protocol, whose properties a check would compute.
checked = beartype(
    conf=BeartypeConf(is_pep484_tower=True, hint_overrides=FrozenDict({Backbone: Any}))
)
