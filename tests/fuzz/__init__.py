"""Inputs that nobody means, from a seed: made here, thrown at what reads them, and judged.

As part of the suite: `test_fuzz.py`. For longer, from the folder `tests`: `python -m fuzz soap --seconds 600 --seed 7`,
and guided by what the code does with an input, where atheris is installed: `python -m fuzz soap --engine atheris`.
"""
