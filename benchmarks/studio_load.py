"""Many clients of one studio at once: is anything lost, mixed up or left in memory?

``.venv-studio/bin/taue studio --port 7870 &``, then
``python -m benchmarks.studio_load http://127.0.0.1:7870 --clients 20 --minutes 5 --out docs``.
Addresses of this machine alone are taken.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

WORDS = ("red apple", "blue car", "yellow duck", "green tree", "purple gift")
PATIENCE = 600
"""Seconds that a client waits for its turn."""


@dataclass
class Findings:
    """What all clients saw."""

    made: int = 0
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def fetch(url: str, body: Any = None) -> bytes:
    """An answer's bytes."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return answer.read()


def endpoint(address: str, name: str, *data: Any) -> Any:
    """What an endpoint ends with, by the queue."""
    call = f"{address}/gradio_api/call/{name}"
    event = json.loads(fetch(call, {"data": list(data)}))["event_id"]
    told = fetch(f"{call}/{event}").decode()
    last = told.rstrip().rpartition("event: ")[2]
    kind, _, rest = last.partition("\n")
    if kind != "complete":
        raise RuntimeError(f"{kind}: {rest[:200]}")
    return json.loads(rest.removeprefix("data: "))[0]


def client(address: str, number: int, until: float, findings: Findings) -> None:
    """One user, who makes one scene again and again: the same bytes have to come each time."""
    scene = {
        "subjects": [{"prompt": f"a {WORDS[number % len(WORDS)]}"}],
        "background": "a green meadow",
        "seed": number,
        "steps": 2,
        "canvas": {"width": 64, "height": 64},
    }
    try:
        session = endpoint(address, "new_session")
        seen: set[str] = set()
        own: list[str] = []
        while time.monotonic() < until:
            began = time.monotonic()
            result = endpoint(address, "generate", scene, session)["result"]
            picture = fetch(f"{address}/studio/files/{session}/{result['id']}/composite.png")
            seen.add(hashlib.sha256(picture).hexdigest())
            own.insert(0, result["id"])
            with findings.lock:
                findings.made += 1
                findings.seconds.append(time.monotonic() - began)
                if result["scene"]["seed"] != number or result["session"] != session:
                    findings.mixed.append(f"client {number} got another's result")
        kept = [one["id"] for one in endpoint(address, "history", session)]
        with findings.lock:
            if len(seen) > 1:
                findings.mixed.append(f"client {number} got {len(seen)} pictures of one scene")
            if kept != own:
                findings.mixed.append(f"client {number} made {len(own)} and has {len(kept)}")
    except Exception as error:  # noqa: BLE001 (whatever it is, it is counted)
        with findings.lock:
            findings.errors.append(f"client {number}: {error!r}")


def measure(address: str, clients: int, minutes: float) -> dict[str, Any]:
    """Figures of a run."""
    findings, until = Findings(), time.monotonic() + 60 * minutes
    threads = [
        threading.Thread(target=client, args=(address, number, until, findings))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        findings.memory.append(json.loads(fetch(f"{address}/health"))["memory"])
        time.sleep(2)
    third = max(1, len(findings.memory) // 3)
    seconds = sorted(findings.seconds)
    return {
        "clients": clients,
        "minutes": minutes,
        "results": findings.made,
        "errors": findings.errors,
        "mixed": findings.mixed,
        "seconds": {
            "median": round(statistics.median(seconds), 2),
            "largest": round(seconds[-1], 2),
        },
        "memory_mib": {
            "first_third": round(statistics.mean(findings.memory[:third]) / 2**20),
            "last_third": round(statistics.mean(findings.memory[-third:]) / 2**20),
            "largest": round(max(findings.memory) / 2**20),
        },
    }


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if urlparse(given.address).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("address is of another machine; measure one here")
    told = measure(given.address, given.clients, given.minutes)
    text = json.dumps(told, indent=2) + "\n"
    (given.out / "studio-load.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
