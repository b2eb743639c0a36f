"""The `kafka` source: a topic's records as events, acknowledged when they are durable."""
