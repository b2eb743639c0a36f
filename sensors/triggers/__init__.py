"""Acting: one file per trigger kind with its spec."""
