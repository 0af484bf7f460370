"""The settings by what they are about, one module for each group. `common/core/settings.py` puts them together.

Each module has the fields of its group, the checks of their texts, and what is made of them.
"""
