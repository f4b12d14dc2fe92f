"""Pressing: one command to one car, from the click to the proof."""
