"""Run by the studio's Python: what a language model's program sees of the studio.

``python mcp_tools.py ADDRESS AUTHORIZATION SCENE`` prints tools and what ``generate`` answers.
"""

import asyncio
import json
import sys

from mcp import ClientSession  # pyright: ignore[reportMissingImports]
from mcp.client.streamable_http import (  # pyright: ignore[reportMissingImports]
    streamablehttp_client,
)


async def main(address: str, key: str, scene: str) -> None:
    """Ask for the tools, and use one."""
    headers = {"Authorization": key}
    async with (
        streamablehttp_client(f"{address}/gradio_api/mcp/", headers=headers) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        made = await session.call_tool("generate", {"scene": json.loads(scene)})
        told = {
            "tools": {tool.name: tool.inputSchema for tool in tools},
            "wrong": made.isError,
            "text": made.content[0].text,
        }
        print(json.dumps(told))


asyncio.run(main(*sys.argv[1:]))
