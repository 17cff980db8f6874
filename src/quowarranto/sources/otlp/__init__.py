"""OTLP: calls of tools, agents and services, as OpenTelemetry traces and logs tell them.

Reads     OTLP as JSON: requests of traces and of logs (`resourceSpans`, `resourceLogs`), as the collector's file
          exporter and HTTP endpoints write them. Measurements are skipped.
Yields    an Action per span of an MCP request, a tool's execution, an agent's invocation, or a request with a known end
          user; per log event of a tool's result; a Decision per log event in which an agent decided about a tool.
Time      a span's start, an event's own time or when it was observed; nanoseconds since the epoch, cut to microseconds.
Not seen  spans that sampling left out; who really called where a service only names itself; arguments and results,
          which are not read.
Source    opentelemetry-proto, trace.proto, logs.proto and the JSON encoding of OTLP; semantic conventions for GenAI and
          MCP spans, `enduser`, HTTP and RPC.
"""

from __future__ import annotations

from quowarranto.sources.entry import Source
from quowarranto.sources.otlp.reading import read, recognise

__all__ = ["SOURCE"]

SOURCE = Source(
    name="otlp",
    title="OpenTelemetry (OTLP)",
    reads=("traces and logs as OTLP JSON",),
    recognise=recognise,
    read=read,
    wrappers=("resourceSpans", "resourceLogs"),
    ceiling="partial",
    raise_it="`mcp.session.id` in the spans of MCP, and the trace context handed on to whatever decides or enforces",
)
