"""What is wrong with a jq program or with a run of it."""


class JqFailed(ValueError):
    """The program cannot be read, failed, gave no object, or asked for more than it may use."""


class JqCutOff(JqFailed):
    """The program was cut off."""
