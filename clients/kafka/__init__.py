"""Kafka: how anything of ours finds its brokers, proves who it is, and says what went wrong."""
