"""MCP: the API's functions as tools of assistants. Gradio makes them; here is what it leaves to be wished for."""

from __future__ import annotations

import json
from typing import Any


def answer_in_json(app: Any) -> None:
    """Gradio answers with `str(value)`, of a dict Python's own notation. A tool's answer is read by programs: JSON."""
    from mcp.types import TextContent

    def told(data: list[Any], root_url: str) -> list[TextContent]:
        del root_url  # for files; none are handed out here
        return [TextContent(type="text", text=one if isinstance(one, str) else json.dumps(one)) for one in data]

    app.mcp_server_obj.postprocess_output_data = told
