"""The makers' own ways of speaking over the same simulated cars; one package each. What they share is frame's."""
