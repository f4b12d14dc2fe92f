"""The project's figures: each module with a main() measures one thing and writes benchmarks/results/<name>.json."""
