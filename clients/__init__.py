"""Other systems as sources and triggers reach them: TLS, credentials, and what both need of Kafka, Pulsar, gRPC and GitHub Apps.

What is here is used on both sides of the bus and knows nothing of it. What one kind alone needs stands in that kind's module.
"""
