"""The embedded engines' model files: found in installed packages, put together, checked and kept.

catalog.py   which models there are, in which packages, with which hashes
cache.py     how a model is put together in the cache directory, and how its files are checked
"""
