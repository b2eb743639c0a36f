"""What the server that plays Azure knows: keys, and entities that refuse."""

KEY_NAME, KEY = "sender", "aHVzaA=="
ISSUER_ONLY = "reader"
"""Signs with the same key, and may not send."""
LARGEST_BYTES = 10_000

# Entities that are refused when a link to them is opened, or when a message comes, with what.
REFUSED_LINKS = {
    "gone": ("amqp:not-found", "The messaging entity 'sb://bus/gone' could not be found."),
    "disabled": ("com.microsoft:entity-disabled", "The entity is disabled."),
    "unready": ("com.microsoft:server-busy", "The server is busy."),
}
REFUSED_MESSAGES = {
    "full": ("amqp:resource-limit-exceeded", "The maximum entity size has been reached or exceeded."),
    "busy": ("com.microsoft:server-busy", "The request was terminated because the entity is being throttled."),
    "strict": ("amqp:not-allowed", "The message is not allowed here."),
}
SILENT = "silent"
"""An entity whose name begins so never settles what it takes."""
HANGUP = "hangup"
"""Ends the connection at the first message."""
