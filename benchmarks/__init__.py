"""Benchmarks: what the README claims, measured. Run each as ``python -m benchmarks.NAME``."""
