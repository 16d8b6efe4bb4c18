"""What is measured, each script by ``python -m benchmarks.NAME --out docs``."""
