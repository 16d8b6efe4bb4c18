"""The page as gradio has it: one component that is all of it, and the typed endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr

from taue.errors import TaueError
from taue.studio.actions import Actions
from taue.studio.settings import PAGE

ONE = {"concurrency_limit": 1, "concurrency_id": "model"}
"""Runs wait for each other, whatever they make."""

START = (
    "import(new URL('studio/page/main.js', document.baseURI)).then((page) => page.start(element));"
)
CSS = """
footer { display: none !important; }
.gradio-container, .gradio-container > main, .gradio-container .contain, .gradio-container .app {
  max-width: none !important; padding: 0 !important; margin: 0 !important; gap: 0 !important;
}
"""


def blocks(actions: Actions) -> gr.Blocks:
    """The page with all endpoints."""
    with gr.Blocks(title="taue studio", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template=(PAGE / "page.html").read_text(encoding="utf-8"),
            css_template="",
            js_on_load=START,
            apply_default_css=False,
            elem_id="studio",
        )
        gr.api(_plainly_streamed(actions.generate), api_name="generate", **ONE)
        gr.api(_plainly_streamed(actions.regrow), api_name="regrow", **ONE)
        for action in (actions.cancel, actions.new_session, actions.history, actions.remove):
            gr.api(_plainly(action), api_name=action.__name__, queue=False)
    _require(page)
    # Every second: else nobody is told who leaves the queue, only who comes to its end.
    page.queue(max_size=actions.limits.waiting, status_update_rate=1)
    # gradio keeps a copy of the page for each of the last ten thousand calls, in case somebody
    # changes it, which nobody here does: only calls that wait or run need theirs.
    page.state_session_capacity = 2 * actions.limits.waiting
    return page


def _require(page: gr.Blocks) -> None:
    """Say in the endpoints' schemas what forms need, which gradio does not see in their types."""
    for function in page.fns.values():
        for schema in (getattr(one, "_api_info", {}) for one in function.inputs):
            fields = schema.get("properties", {})
            if "subjects" in fields:
                schema["required"] = ["subjects", "background"]
                fields["subjects"]["items"]["required"] = ["prompt"]


def _plainly(action: Callable[..., Any]) -> Callable[..., Any]:
    """What a user can mend as gradio tells it."""

    @wraps(action)
    def called(*arguments: Any, **named: Any) -> Any:
        try:
            return action(*arguments, **named)
        except TaueError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return called


def _plainly_streamed(action: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    @wraps(action)
    def called(*arguments: Any, **named: Any) -> Iterator[Any]:
        try:
            yield from action(*arguments, **named)
        except TaueError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return called
