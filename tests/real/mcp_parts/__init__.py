"""The two programs of `test_mcp`: a server made with the official SDK, and a gateway that logs what passes it."""
