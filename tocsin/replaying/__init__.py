"""Replays: deciding what the log holds again, on purpose. What was asked for is durable, and goes on after a restart."""
