"""How a pipeline comes to its parts: from a folder, a file, the hub or another pipeline."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, ClassVar, Self

import torch

from taue import models
from taue.backbones.parts import require_parts_that_fit
from taue.checkpoints import family_of
from taue.errors import TaueError
from taue.families import FAMILIES, known_titles
from taue.handed_over import HandedOver, sharing
from taue.muted import muted
from taue.weights import require_safe_adapter, require_safe_folder, safe_arguments


class Loading(HandedOver):
    """Loads the pipeline of whatever family a model is of.

    Attributes:
        family: the family's name, see :mod:`taue.families`; "" for all of them.
        base: the family's own pipeline.
        of_family: the class of each family, by its name.
    """

    family: ClassVar[str] = ""
    of_family: ClassVar[dict[str, type[Loading]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.family:
            cls.of_family.setdefault(cls.family, cls)

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, pretrained_model_name_or_path: Any, **kwargs: Any
    ) -> Self:
        """Load ``"paddy"``, ``"sdxl"``, a hub id, a diffusers folder or a single file.

        Without a ``dtype`` (or ``torch_dtype``, its old name) everything is float32: left alone,
        text encoders would take the precision that they were saved in and the denoiser another.

        Raises:
            TaueError: if there is no such model, it cannot be read, or it is of no known family.
        """
        source = models.resolve(str(pretrained_model_name_or_path))
        old = kwargs.pop("torch_dtype", None)
        kwargs.setdefault("dtype", torch.float32 if old is None else old)
        if kwargs["dtype"] == torch.float16 and source.location in models.HALF_VARIANTS:
            kwargs.setdefault("variant", models.HALF_VARIANTS[source.location])
        try:
            kind = cls._of_family(family_of(source, kwargs))
            if source.kind == "file":
                pipeline = kind.from_single_file(source.location, **kwargs)
            else:
                if source.kind == "folder":
                    require_safe_folder(Path(source.location))
                arguments = safe_arguments(kwargs)
                loader: Any = super(Loading, kind)
                # paddy's autoencoder is a tiny one, which SDXL's pipeline does not expect.
                with muted(
                    "diffusers.pipelines.pipeline_utils",
                    "Expected types for vae",
                    "AutoencoderTiny",
                ):
                    pipeline = loader.from_pretrained(source.location, **arguments)
            require_parts_that_fit(pipeline, kind.family)
        except TaueError:
            raise
        except Exception as error:
            if _wants_sentencepiece(error):
                raise TaueError(
                    f"model {str(pretrained_model_name_or_path)!r} has a tokenizer of T5's that "
                    'sentencepiece reads; install it with pip install "taue[t5]".'
                ) from error
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise TaueError(
                f"model {str(pretrained_model_name_or_path)!r} cannot be loaded "
                f"({type(error).__name__}: {reason.strip().rstrip('.')})."
            ) from error
        return pipeline

    @classmethod
    def from_single_file(cls, pretrained_model_link_or_path: Any, **kwargs: Any) -> Any:
        """As in diffusers, for a file of the class's family; called on ``TauePipeline`` itself it
        finds the family in a local file.

        Raises:
            TaueError: if the file is of no known family, or diffusers reads none of this one.
        """
        given = pretrained_model_link_or_path
        if not cls.family:
            kind = cls._of_family(family_of(models.resolve(str(given)), kwargs))
            return kind.from_single_file(given, **kwargs)
        loader: Any = super()
        if not FAMILIES[cls.family].checkpoints:
            raise TaueError(
                f"model {str(given)!r} is a single file, of which diffusers reads none of "
                f"{FAMILIES[cls.family].title}'s; give a folder or a hub id."
            )
        return loader.from_single_file(given, **kwargs)

    @classmethod
    def from_pipe(cls, pipeline: Any, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As in diffusers: the parts of a pipeline of a known family, shared with it.

        They keep the precision that they have; where ``dtype`` (or ``torch_dtype``) is given all
        get that, in both pipelines.

        Raises:
            TaueError: if it is of no known family, or lacks a part.
        """
        if not cls.family:
            of = [k for k in cls.of_family.values() if isinstance(pipeline, k.base)]
            if not of:
                raise TaueError(
                    f"pipeline is a {type(pipeline).__name__}, which is of no known family; "
                    f"known are {known_titles()}."
                )
            return of[0].from_pipe(pipeline, **kwargs)
        dtype = kwargs.pop("dtype", kwargs.pop("torch_dtype", None))
        made = sharing(cls, pipeline, kwargs)
        return made if dtype is None else made.to(dtype=dtype)

    @classmethod
    def _of_family(cls, name: str) -> type[Loading]:
        """The class of a family; this one if it is.

        Raises:
            TaueError: if this class is another family's.
        """
        if not cls.family:
            return cls.of_family[name]
        if cls.family != name:
            own, other = FAMILIES[cls.family].title, FAMILIES[name].title
            raise TaueError(f"model is one of {other}, not of {own}; load it with TauePipeline.")
        return cls

    def load_lora_weights(
        self, pretrained_model_name_or_path_or_dict: Any, *arguments: Any, **kwargs: Any
    ) -> None:
        """As in diffusers, from safetensors alone.

        Raises:
            TaueError: for a file of a format that can run code, and for a family without any.
        """
        given = pretrained_model_name_or_path_or_dict
        loader: Any = super()
        if not hasattr(loader, "load_lora_weights"):
            raise TaueError(
                f"lora is given, and {FAMILIES[self.family].title} takes none: diffusers has no "
                "loader for it; leave it out."
            )
        loader.load_lora_weights(given, *arguments, **require_safe_adapter(given, kwargs))


def _wants_sentencepiece(error: Exception) -> bool:
    """Whether a tokenizer could not be read because the package is missing: without it transformers
    takes the file for one of tiktoken's."""
    told = str(error).lower()
    names = ("sentencepiece", "tiktoken")
    return any(one in told for one in names) and importlib.util.find_spec(names[0]) is None
