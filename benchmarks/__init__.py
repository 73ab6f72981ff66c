"""What a night costs, beside what others ask for parts of it: ``python -m benchmarks``."""
