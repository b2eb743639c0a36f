"""Where a trigger's object comes from: written in the manifest, or read when the trigger acts, each place in its own module."""
