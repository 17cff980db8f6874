"""An MCP server on its standard input and output: two tools answer, one fails, one asks its user first."""

from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import Elicit, Resolve
from pydantic import BaseModel

server = MCPServer("files", log_level="CRITICAL")


class Confirmation(BaseModel):
    """What the user is asked for."""

    sure: bool


def ask() -> Elicit[Confirmation]:
    """The question before anything is deleted."""
    return Elicit("Delete it?", Confirmation)


@server.tool()
def read_file(path: str) -> str:
    """Always the same content."""
    return f"content of {path}"


@server.tool()
def write_file(path: str) -> str:
    """Never works."""
    raise ValueError("the disk is full")


@server.tool()
def send_file(path: str) -> str:
    """Does what it is told."""
    return f"sent {path}"


@server.tool()
def delete_file(path: str, confirmed: Annotated[Confirmation, Resolve(ask)]) -> str:
    """Only where the user said so."""
    return f"deleted {path}" if confirmed.sure else "kept"


if __name__ == "__main__":
    server.run(transport="stdio")
