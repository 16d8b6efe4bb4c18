"""The families of models that the method runs on. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass

from taue.errors import TaueError
from taue.readable import quoted

SDXL, SD3, SD15, FLUX, PIXART = "sdxl", "sd3", "sd15", "flux", "pixart"
ZIMAGE, KLEIN = "zimage", "klein"


@dataclass(frozen=True)
class Family:
    """Models whose parts and latents are alike.

    Attributes:
        name: as seedlings keep it.
        title: as people call it.
        network: the part that denoises.
        indexes: how the class names begin that a model folder's index may say.
        checkpoints: what diffusers calls the single files, if it reads any.
    """

    name: str
    title: str
    network: str
    indexes: tuple[str, ...]
    checkpoints: tuple[str, ...]


FAMILIES: dict[str, Family] = {
    one.name: one
    for one in (
        # Earlier versions knew this family alone and saved it as TauePipeline.
        Family(
            SDXL,
            "SDXL",
            "unet",
            ("StableDiffusionXL", "TauePipeline", "TaueSDXLPipeline"),
            ("xl_", "playground"),
        ),
        Family(SD3, "SD3", "transformer", ("StableDiffusion3", "TaueSD3Pipeline"), ("sd3", "sd35")),
        Family(
            SD15,
            "SD1.5",
            "unet",
            ("StableDiffusionPipeline", "TaueSD15Pipeline"),
            ("v1", "v2"),
        ),
        # By their whole names: FLUX.2's and those of its tools begin alike.
        Family(
            FLUX,
            "FLUX.1",
            "transformer",
            ("FluxPipeline", "FluxImg2ImgPipeline", "FluxInpaintPipeline", "TaueFluxPipeline"),
            ("flux-dev", "flux-schnell"),
        ),
        # Diffusers reads no single files of it.
        Family(
            PIXART, "PixArt-Sigma", "transformer", ("PixArtSigma", "TauePixArtSigmaPipeline"), ()
        ),
        # By their whole names: control models' and Omni's begin alike.
        Family(
            ZIMAGE,
            "Z-Image",
            "transformer",
            (
                "ZImagePipeline",
                "ZImageImg2ImgPipeline",
                "ZImageInpaintPipeline",
                "TaueZImagePipeline",
            ),
            ("z-image-turbo",),
        ),
        # By their whole names: klein-kv begins alike. Its pipeline reads no single files.
        Family(
            KLEIN,
            "FLUX.2 Klein",
            "transformer",
            ("Flux2KleinPipeline", "Flux2KleinInpaintPipeline", "TaueFlux2KleinPipeline"),
            (),
        ),
    )
}
"""By name."""


def known_titles(*, of_files: bool = False) -> str:
    """All of them, for people; or those alone of which there are single files."""
    known = [one.title for one in FAMILIES.values() if one.checkpoints or not of_files]
    *others, last = known
    return f"{', '.join(others)} and {last}"


def family_of_index(class_name: object) -> Family:
    """The family whose pipeline a model's index names.

    Raises:
        TaueError: for another's.
    """
    if isinstance(class_name, list) and class_name:  # with the file of code that it is in
        class_name = class_name[-1]
    for one in FAMILIES.values():
        if isinstance(class_name, str) and class_name.startswith(one.indexes):
            return one
    raise TaueError(
        f"model is of the class {quoted(class_name)}, which is of no known family; "
        f"known are {known_titles()}."
    )
