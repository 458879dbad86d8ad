"""What the end-to-end tests, the demo and the benchmark share: the operator as a real process."""
