"""Layers first, then the composite from them.

A free composite redraws its subjects, so layers that explain it afterwards have bites and torn
edges. Here the order is turned round. What the composite shows of each subject is painted on a
fresh key colour and results once more from the harvest step on, its core held
(:func:`refined_pictures`): whole objects in the scene's light, with silhouettes that a key can cut.
They are laid over the background, and the composite's pass runs once more from its harvest step
with objects and surroundings held (:func:`scene_layers`): what the model then does around the
objects is shadow. Of that the smooth part and the objects' own light are kept, and laid over each
other they are the composite. In another scene, or moved, a subject keeps the layer that it has
(:func:`brought`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from taue import layer_stages, matte, stages
from taue.arrays import Array, Region
from taue.backbones import Encoded
from taue.box import Box
from taue.coarse import fine_region
from taue.context import picture_of
from taue.masks import REACH, cells, find_object, grow
from taue.mended import mended
from taue.painted_key import best_key, key_rgb
from taue.placing import HALF, Placement, bounding_box, place
from taue.scene_light import SceneLight
from taue.settings import Settings
from taue.shown_colours import in_shown_colours
from taue.sight import Sight, sighted
from taue.stack.mixing import Floats
from taue.stack.shade import as_layer, shade, shaded, shared
from taue.straight import continued
from taue.watch import StageRecord, recorded

FULL = 0.99
"""A cell that shows an object to this share shows nothing else."""

HELD = 0.6
"""A cell of which the layers' object takes this share is held while the scene heals around it."""


@dataclass(frozen=True)
class Raw:
    """The stages as they ended, for whoever compares: pictures [H, W, 3] in [0, 1].

    A ``ground`` that is the user's own is what layers are laid over; ``background`` is then that
    picture as the autoencoder shows it, which alone can be compared with what it shows besides.
    """

    composite: Floats
    background: Floats
    foregrounds: tuple[Floats, ...]
    ground: Floats


@dataclass(frozen=True)
class Layered:
    """Subjects and the light that each takes, RGBA [H, W, 4] in [0, 1], their composite, and the
    ``healed`` picture that the model ended with, [H, W, 3]."""

    subjects: tuple[Floats, ...]
    effects: tuple[Floats, ...]
    composite: Floats
    healed: Floats


@dataclass(frozen=True)
class SubjectLayers:
    """Subjects before a scene's light is on them: the layers, RGBA [H, W, 4] in [0, 1] of 8 bits,
    the pictures on key colours that they are cut from [H, W, 3], and the stages that these are of,
    "refine" or "foreground", or "image" for a user's own and "elsewhere" for what was drawn where
    it had room."""

    layers: list[Floats]
    pictures: list[Floats]
    sources: list[str]


@dataclass(frozen=True)
class StagedScene:
    """What the layers are made from: the context, the subjects and the prompts, and how
    every stage ended."""

    context: stages.Context
    conditions: Sequence[stages.SubjectCondition]
    results: Sequence[stages.StageResult]
    together: stages.StageResult
    behind: stages.StageResult
    whole: Encoded


def _light_of(scene: StagedScene, raw: Raw) -> SceneLight:
    harmony = scene.context.settings.harmony
    return SceneLight(raw.composite, raw.background, scene.results, harmony)


def cut_outs(
    foregrounds: Sequence[Floats], results: Sequence[stages.StageResult]
) -> tuple[Floats, ...]:
    """The foregrounds as stage 1 left them, cut out, RGBA [H, W, 4] in [0, 1]; pictures as they
    are."""
    return tuple(
        picture_of(one.seedling.layer[None])
        if one.pictured and one.seedling.layer is not None
        else _cut(picture, one.seedling.mask)
        for picture, one in zip(foregrounds, results, strict=True)
    )


def subject_layers(
    scene: StagedScene, raw: Raw, cuts: Sequence[Floats], records: list[StageRecord]
) -> SubjectLayers:
    """The subjects as layers, in the hues that the scene shows of them; what the further stage
    costs is added to ``records``.

    Each is grown once more on a fresh key (:func:`refined_pictures`); one that the composite spoilt
    is the foreground as it was cut out, and without harmony all of them are. Pictures stay.
    """
    made = _whole_layers(scene, raw, cuts, records)
    hued = _light_of(scene, raw).in_their_hues(made.layers)
    return replace(made, layers=[eight_bits(one) for one in hued])


def _whole_layers(
    scene: StagedScene, raw: Raw, cuts: Sequence[Floats], records: list[StageRecord]
) -> SubjectLayers:
    """The same, with what tint their keys left."""
    pictures, subjects = list(raw.foregrounds), [eight_bits(cut) for cut in cuts]
    sources = [_source(one) for one in scene.results]
    made_of = SubjectLayers(subjects, pictures, sources)
    if scene.context.settings.harmony == 0 or all(one.pictured for one in scene.results):
        return made_of
    shape = raw.composite.shape[:2]
    sights = sighted(
        raw.composite,
        raw.background,
        cuts,
        [None if one.separated else _captured(one, shape) for one in scene.results],
        [one.box if one.asked or one.fits else None for one in scene.conditions],
    )
    drawn = [i for i, one in enumerate(scene.results) if not one.pictured]
    chosen = [i for i in drawn if not sights[i].spoilt]
    if not chosen:
        return made_of
    conditions = [scene.conditions[i] for i in chosen]
    with recorded(records, "refine", [one.number for one in conditions]) as made:
        made.extend(refined_pictures(scene, conditions, raw, [sights[i] for i in chosen]))
    for i, end in zip(chosen, made, strict=True):
        pictures[i] = scene.context.picture(end.latents)
        mask = mask_on_key(end.latents.cpu(), sights[i].shape, scene.context.settings)
        whole = mended(_cut(pictures[i], mask), raw.composite, sights[i])
        outlined = matte.outlined(whole, pictures[i], mask)
        subjects[i] = eight_bits(in_shown_colours(outlined, raw.composite, sights[i]))
        made_of.sources[i] = "refine"
    return made_of


def _source(result: stages.StageResult) -> str:
    """Of a layer that is not grown once more."""
    if result.own:
        return "image"
    return "elsewhere" if result.pictured else "foreground"


def refined_pictures(
    scene: StagedScene,
    conditions: Sequence[stages.SubjectCondition],
    raw: Raw,
    sights: Sequence[Sight],
) -> list[stages.StageResult]:
    """Subjects grown once more on a fresh key, from what the composite shows of them.

    What another subject hides, or the composite has background for, is taken from the foreground;
    all of it, if much is hidden.
    """
    context, chosen = scene.context, scene.context.settings.key
    own = [np.where(one.hidden[..., None], one.colours, raw.composite) for one in sights]
    keys = [
        key_rgb(best_key(colours, one.shape) if chosen == "auto" else chosen)
        for colours, one in zip(own, sights, strict=True)
    ]
    wholes = [one.region | one.draft for one in sights]
    painted = [
        np.where(whole[..., None], colours, np.array(key, np.float32))
        for whole, colours, key in zip(wholes, own, keys, strict=True)
    ]
    key_latents = torch.stack([context.backbone.key(key) for key in keys])[..., None, None]
    estimates = context.backbone.encode(_batch(painted)).cpu()
    size = context.shape[-2:]
    margin = cells(1, size)

    def wholly(region: Region) -> Tensor:
        """The cells that show nothing but a region, without a margin beside others [h, w]."""
        return 1 - grow((share_of_cells(region, size) <= FULL).float(), margin)

    cores = [wholly(one.region) for one in sights]
    covered = [wholly(one.covered) for one in sights]
    outsides = [1 - grow((share_of_cells(w, size) > 0).float(), margin) for w in wholes]
    return layer_stages.refined(
        context, conditions, scene.together, estimates, key_latents, cores, covered, outsides
    )


def scene_layers(
    scene: StagedScene, raw: Raw, subjects: Sequence[Floats], records: list[StageRecord]
) -> Layered:
    """Subjects as :func:`subject_layers` gives them in a scene's light, and the composite of them;
    what the further stage costs is added to ``records``."""
    context, size = scene.context, scene.context.shape[-2:]
    alphas = [subject[..., 3] for subject in subjects]
    light, canvas = _light_of(scene, raw), raw.composite.shape
    where = light.shown(subjects)
    places = light.places(subjects, where)
    lit_up = light.lit(subjects, places)
    covered = [
        np.maximum(a, fine_region(region, canvas)) for a, region in zip(alphas, where, strict=True)
    ]
    lit = shaded(raw.background, shade(raw.composite, raw.background, covered))
    everything = union(alphas)
    near = grow((share_of_cells(everything > 0, size) > 0).float(), cells(REACH, size))
    drawn = context.backbone.encode(_batch([laid_over(lit, lit_up)])).cpu()
    estimate = torch.where(near > 0, drawn, scene.behind.latents.cpu())
    held = torch.maximum(1 - near, (share_of_cells(everything, size) > HELD).float())
    with recorded(records, "heal") as made:
        made.append(layer_stages.healed(context, scene.whole, scene.together, estimate, held))
    healed = context.picture(made[0].latents)
    effects = shared(shade(healed, raw.background, alphas), alphas)
    # In 8 bits, as every file has them, so that the composite is what any reader shows.
    lights = [as_layer(effect).astype(np.float32) / np.float32(255) for effect in effects]
    relit_subjects = [eight_bits(one) for one in light.healed(lit_up, healed, places)]
    composite = laid_over(eight_bits(raw.ground), [*lights, *relit_subjects])
    return Layered(tuple(relit_subjects), tuple(lights), composite, healed)


def brought(layer: Tensor, box: Box) -> Tensor:
    """A subject's layer [4, H, W], straight alpha of 8 bits, moved and scaled into a box without
    stretching, as its seedling is; an empty one stays."""
    alpha = layer[3]
    if alpha.max() <= HALF:
        return layer
    seen = torch.cat([layer[:3] * alpha, alpha[None]])
    # What comes from beyond the canvas repeats the border, of which nothing is to be seen.
    seen[:, [0, -1]] = 0
    seen[:, :, [0, -1]] = 0
    placed = place(seen[None], Placement.fit(bounding_box(alpha), box))[0].clamp(0, 1)
    colours = (placed[:3] / placed[3].clamp(min=1e-4)).permute(1, 2, 0).numpy()
    alpha = eight_bits(placed[3].numpy())
    rgba = np.dstack([continued(eight_bits(colours.clip(0, 1)), alpha), alpha])
    return torch.from_numpy(rgba).permute(2, 0, 1).contiguous()


def eight_bits(picture: Floats) -> Floats:
    """Values in [0, 1] as 8 bits hold them."""
    return np.round(picture * 255).astype(np.float32) / np.float32(255)


def laid_over(ground: Floats, subjects: Sequence[Floats]) -> Floats:
    """Subjects RGBA [H, W, 4] over a ground [H, W, 3], later ones in front."""
    for subject in subjects:
        alpha = subject[..., 3:]
        ground = np.add(subject[..., :3] * alpha, (1 - alpha) * ground, dtype=np.float32)
    return ground


def union(alphas: Sequence[Floats]) -> Floats:
    """How much of each pixel any of them covers [H, W]."""
    return 1 - np.prod([1 - alpha for alpha in alphas], axis=0, dtype=np.float32)


def share_of_cells(region: Array | Region, size: tuple[int, int]) -> Tensor:
    """The share of each latent cell that a region [H, W] takes [h, w]."""
    values = torch.from_numpy(np.asarray(region, np.float32))[None, None]
    return F.adaptive_avg_pool2d(values, size)[0, 0]


def _batch(pictures: Sequence[Array] | Array) -> Tensor:
    """Arrays [H, W, 3] as a batch [B, 3, H, W]."""
    stacked = np.stack([np.asarray(p, np.float32) for p in pictures])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()


def _cut(picture: Floats, mask: Tensor) -> Floats:
    tensor = torch.from_numpy(picture).permute(2, 0, 1)
    return matte.extract(tensor, mask).permute(1, 2, 0).numpy()


def mask_on_key(latents: Tensor, region: Region, settings: Settings) -> Tensor:
    """Where a subject is on its fresh key [h, w]: what hangs together with where it is for
    certain, and all of that. Its holes are holes: this is how its stage ended.

    Args:
        latents: how it ended [1, C, h, w].
        region: where it is for certain, bool [H, W].
        settings: the method's.
    """
    height, width = latents.shape[-2:]
    hint = share_of_cells(region, (height, width))
    found = find_object(latents, hint, settings, solid=False)
    return torch.maximum(found.mask, (hint > HALF).to(found.mask))


def _captured(one: stages.StageResult, shape: tuple[int, ...]) -> Floats:
    """Where attention saw a subject that its key did not tell apart, enlarged [H, W]."""
    mask = one.seedling.mask[None, None].float()
    return F.interpolate(mask, size=shape)[0, 0].numpy()
