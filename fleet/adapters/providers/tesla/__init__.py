"""Tesla's Fleet API as a provider, with commands signed in this process. Facts: makers.md 4.1 and Tesla's own texts."""
