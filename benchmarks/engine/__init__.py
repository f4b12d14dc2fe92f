"""What the benchmarks of the command engine share: a private product, a fleet of simulated cars, loads, baselines."""
