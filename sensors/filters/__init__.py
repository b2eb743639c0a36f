"""What an event must satisfy to count for a dependency: one module for each kind of filter, and how they combine."""
