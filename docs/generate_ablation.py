"""Write docs/ablation.md, and docs/ablation.json where another one is named.

    python docs/generate_ablation.py [OUT/ablation.json]

The figures are what ``taue eval ablation`` measured; a test fails if the page is old.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from taue.evaluation import ablation_page

JSON = Path(__file__).parent / "ablation.json"

QUESTIONS = """
## What the paper leaves open

- **Which thresholds**: the end scores are the rows `tau-bg-less` to `tau-a-more`; precision and
  recall of the paper's own mask with each of them 20 % off, and the masks themselves, stand in
  [masks](masks.md#the-papers-own-mask).
- **Which attention layers and steps give $A_{fg}$**: by the mask
  [there](masks.md#layers-and-steps), by end scores the rows `attention-late`, `attention-finest`
  and `attention-coarsest`.
- **Does the filter save edges**: `edge`, and the trends above. LPIPS needs AlexNet's weights, which
  were never at hand (`--alexnet`).
- **Does the best crop ratio depend on the object**: by size, and by how much of its box the object
  fills, which is less the more complex its outline is: the tables "Crop ratio and object".
- **What happens to green objects on a green key**: each colour on each key stands in
  [masks](masks.md#the-key-by-sight); `on-green` and `on-magenta` here are all objects on either.
"""


def page() -> str:
    """The whole page, of the figures that are committed."""
    return ablation_page.page(json.loads(JSON.read_text(encoding="utf-8"))) + QUESTIONS


def main() -> None:
    if sys.argv[1:]:
        JSON.write_bytes(Path(sys.argv[1]).read_bytes())
    JSON.with_suffix(".md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
