"""Write docs/ablation.md, and docs/ablation.json where another one is named.

    python docs/generate_ablation.py [OUT/ablation.json]

The figures are what ``taue eval ablation`` measured; a test fails if the page is old.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from taue.evaluation.ablation_page import page

JSON = Path(__file__).parent / "ablation.json"


def main() -> None:
    if sys.argv[1:]:
        JSON.write_bytes(Path(sys.argv[1]).read_bytes())
    told = json.loads(JSON.read_text(encoding="utf-8"))
    JSON.with_suffix(".md").write_text(page(told), encoding="utf-8")


if __name__ == "__main__":
    main()
