"""Enode: links to owners' accounts at many makes, made for charging; the tokens are the application's."""
