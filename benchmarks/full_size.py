"""What a plain call costs at SDXL's full size: its own shape with random weights, on a GPU.

python -m benchmarks.full_size --out full-size.json
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

UNET: dict[str, Any] = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
    "force_upcast": False,
}
"""The configurations of stabilityai/stable-diffusion-xl-base-1.0, where they are not defaults. Its
autoencoder upcasts to single precision; this one stays in bfloat16."""


def pipeline_on_gpu() -> StableDiffusionXLPipeline:
    """The pipeline on the GPU in bfloat16; prompts come encoded, so that it needs no encoders."""
    with torch.device("cuda"):
        unet, vae = UNet2DConditionModel(**UNET), AutoencoderKL(**VAE)
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
    )
    parts: dict[str, Any] = dict.fromkeys(
        ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
    )
    pipe = StableDiffusionXLPipeline(
        vae=vae.to(torch.bfloat16),
        unet=unet.to(torch.bfloat16),
        scheduler=scheduler,
        add_watermarker=False,
        **parts,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def timed_work(work: Any) -> tuple[Any, dict[str, float]]:
    """The answer of ``work()``, the seconds that it took and the most memory at once."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    answer = work()
    torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated() / 2**30
    return answer, {"seconds": round(seconds, 3), "peak_gib": round(peak, 2)}


@torch.no_grad()
def main(
    out: Annotated[Path, typer.Option(help="The figures.")],
    steps: int = 50,
    side: Annotated[int, typer.Option(help="Of the picture, in pixels.")] = 1024,
    repeats: int = 3,
) -> None:
    """Time the loop of UNet steps with guidance, and the decoding, after one short call."""
    pipe = pipeline_on_gpu()
    said = [
        torch.randn(1, *shape, device="cuda", dtype=torch.bfloat16)
        for shape in ((77, 2048), (77, 2048), (1280,), (1280,))
    ]
    names = ("prompt_embeds", "negative_prompt_embeds")
    pooled = ("pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    prompts: dict[str, Any] = dict(zip(names + pooled, said, strict=True))

    def loop(count: int) -> Any:
        return pipe(
            **prompts, num_inference_steps=count, height=side, width=side, output_type="latent"
        ).images

    pipe.vae.decode(loop(2))
    loops, decodings = [], []
    for _ in range(repeats):
        latents, figures = timed_work(lambda: loop(steps))
        loops.append(figures)
        decodings.append(timed_work(lambda latents=latents: pipe.vae.decode(latents))[1])
    told = {
        "device": torch.cuda.get_device_name(),
        "steps": steps,
        "side": side,
        "weights_gib": round(sum(p.nbytes for p in pipe.unet.parameters()) / 2**30, 2),
        "loops": loops,
        "decodings": decodings,
    }
    print(json.dumps(told))
    out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
