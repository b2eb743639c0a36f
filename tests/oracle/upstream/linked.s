// Lets functions without a body be declared: they are linked to the original's.
