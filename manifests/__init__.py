"""What users declare: objects, shared field types, references to secrets, parsing, problems with file, line and column.

Reads files and nothing else. The spec of a kind stands in the kind's own module in `sources/` or `sensors/`; the loader is
handed a `Kinds` registry to check it with.
"""
