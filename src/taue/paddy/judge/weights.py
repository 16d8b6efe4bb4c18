"""The judge's weights on disk: half precision there, single in memory."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from taue.disk.writing import whole_file
from taue.errors import TaueError
from taue.paddy.judge.network import JudgeNetwork

SHIPPED = Path(__file__).with_name("weights.safetensors")


def save_network(network: JudgeNetwork, path: Path) -> None:
    """Write the weights to ``path``, all or nothing; statistics of batch norms in single precision.

    Those may be smaller than half precision can hold.
    """
    statistics = {name for name, _ in network.named_buffers()}
    tensors = {
        name: value.contiguous() if name in statistics else value.half().contiguous()
        for name, value in network.state_dict().items()
    }
    with whole_file(path) as stream:
        stream.write(save(tensors))


def load_network(path: Path) -> JudgeNetwork:
    """The network with the weights at ``path``, ready to look.

    Raises:
        TaueError: if there are none, or they are another network's.
    """
    network = JudgeNetwork()
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise TaueError(
            f"weights {str(path)!r} are not a judge's; name a file that "
            "python -m taue.paddy.judge.train has written."
        ) from error
    return network.to(memory_format=torch.channels_last).eval()
