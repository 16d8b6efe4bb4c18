"""What a request is conditioned on: its prompts encoded, its subjects' key colours and places."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from taue.backbones import Backbone, Encoded
from taue.backbones.given import Embeds, given_encoding, require_known
from taue.box import Box
from taue.context import Key, KeyChoice, SubjectCondition
from taue.memo import Memo
from taue.painted_key import AUTOMATIC, key_rgb
from taue.scene import Request, Subject
from taue.scene.subject import CENTRED, default_boxes
from taue.small import too_small


@dataclass(frozen=True)
class SceneConditions:
    """What its subjects are grown from, and the prompts of its background and of the whole."""

    subjects: Sequence[SubjectCondition]
    background: Encoded
    whole: Encoded

    def with_harmony(self, harmony: float, numbers: Collection[int]) -> SceneConditions:
        """The same, with a harmony of their own for the subjects of these numbers."""
        subjects = [
            replace(one, harmony=harmony) if one.number in numbers else one for one in self.subjects
        ]
        return replace(self, subjects=subjects)


class Conditions:
    """A request's, each prompt encoded once.

    Args:
        backbone: the model.
        request: of which.
        embeds: prompts of it that come encoded.
        memo: of prompts that other scenes of the model have, too.

    Attributes:
        scene: of the request.

    Raises:
        TaueError: if ``embeds`` are none of the request's prompts or of the model, or a prompt
            cannot be read.
    """

    def __init__(self, backbone: Backbone, request: Request, embeds: Embeds, memo: Memo) -> None:
        self._backbone, self._request, self._embeds, self._memo = backbone, request, embeds, memo
        require_known(embeds, _prompts(request))
        ratios, boxes = request.crop_ratios, default_boxes(len(request.subjects))
        subjects = [
            self._subject(number, subject, subject.box or boxes[number - 1], ratio)
            for number, (subject, ratio) in enumerate(zip(request.subjects, ratios, strict=True), 1)
        ]
        self.scene = self._scene(subjects, request)

    @property
    def first(self) -> SceneConditions:
        """Of the scene in which the subjects' layers are made."""
        return self._scene(self.scene.subjects, self._request.first)

    def alone(self, condition: SubjectCondition) -> SceneConditions:
        """Of a scene of one of the subjects before its first background."""
        first = self._request.first
        one = first.subjects[condition.number - 1]
        return self._scene([condition], first.showing([one]))

    def _scene(self, subjects: Sequence[SubjectCondition], request: Request) -> SceneConditions:
        """The same subjects, and what they are released to, before a background."""
        released = [
            self._encode(prompt, one.negative_prompt)
            if one.negative_prompt or prompt != request.whole
            else None
            for one, prompt in zip(request.subjects, _released_to(request), strict=True)
        ]
        return SceneConditions(
            [replace(one, released=to) for one, to in zip(subjects, released, strict=True)],
            self._encode(request.background),
            self._encode(request.whole),
        )

    def _subject(self, number: int, subject: Subject, box: Box, ratio: float) -> SubjectCondition:
        """A lone subject without a box stays where it grows; several are kept apart."""
        settings, subjects = self._request.settings, self._request.subjects
        fits = settings.placement == "fit" and (len(subjects) > 1 or any(s.box for s in subjects))
        small = self._small(subject, box)
        return SubjectCondition(
            number=number,
            prompt=self._encode(subject.prompt, subject.negative_prompt),
            key=self._key(settings.key_for(subject.prompt)),
            box=box if small is None else CENTRED,
            fits=fits,
            asked=subject.box is not None and settings.placement != "none" and small is None,
            crop_ratio=ratio,
            seed=subject.seed,
            choice=self._choice(subject.prompt),
            small=small,
        )

    def _small(self, subject: Subject, box: Box) -> Box | None:
        """A subject's box, if it has no room to be drawn in, and layers are ours to make first."""
        settings = self._request.settings
        ours = settings.placement == "fit" and settings.layering == "first"
        if subject.image is not None or not ours:
            return None
        return box if too_small(box, self._backbone.shape[-2:]) else None

    def _encode(self, prompt: str, negative: str | None = None) -> Encoded:
        request = self._request
        read = prompt, negative or request.negative_prompt, request.settings.clip_skip
        own = self._memo.encoded(read, lambda: self._backbone.encode_prompt(*read))
        given = self._embeds.get(prompt)
        if given is None:
            return own
        return given_encoding(prompt, own, given, self._backbone.returns)

    def _choice(self, prompt: str) -> KeyChoice | None:
        """The key colour of the prompt's words and its opposite, if none was chosen."""
        settings = self._request.settings
        if settings.key != "auto" or settings.mask_value == "greenness":
            return None
        used = settings.key_for(prompt)
        other = next(name for name in AUTOMATIC if name != used)
        return KeyChoice(*(Key(key_rgb(name), self._key(name)) for name in (used, other)))

    def _key(self, name: str) -> tuple[float, ...]:
        """A key colour as one cell of latents [C]."""
        named = self._backbone.keys.get(name)
        return tuple(self._backbone.key(key_rgb(name)).tolist()) if named is None else named


def _released_to(request: Request) -> list[str]:
    """What each subject's region attends to once its seedling is released: the whole scene's
    prompt; of several, for that does not say where each of them is, the scene with it alone."""
    settings, subjects = request.settings, request.subjects
    regional = settings.attention_blending == "regions" and settings.released_prompt == "scene"
    if not regional or len(subjects) == 1:
        return [request.whole] * len(subjects)
    return [request.showing([one]).whole for one in subjects]


def _prompts(request: Request) -> list[str]:
    """What of a request is encoded: subjects, backgrounds, whole scenes and subjects' own ones."""
    told = [subject.prompt for subject in request.subjects]
    for one in (request, request.first):
        told += [one.background, one.whole, *_released_to(one)]
    return told
