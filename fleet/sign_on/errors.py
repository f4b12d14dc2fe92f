"""Why somebody does not come in by a provider; what people read of it is in words.py."""


class SignOnFailed(Exception):
    """Nobody comes in. code: see fleet.sign_on.words.OUT."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
