"""What can be wrong with a machine, told in one line."""


class SetupProblem(Exception):
    """Something that a person at this machine must mend; the text is one line that says what and how."""
