"""Telling people what happened: the bell in every page, and letters, each as the person chose it."""
