# SPDX-License-Identifier: GPL-2.0-only
"""Every lie by its name, of those in the modules that the program has imported."""
import lies
import statelies


def _named(cls):
    return ([cls] if cls.name else []) + [found for sub in cls.__subclasses__() for found in _named(sub)]


def known():
    return {cls.name: cls for cls in _named(lies.Lie)}


def make(text):
    """A lie from name or name=argument; ValueError says what is wrong with it."""
    name, equals, argument = text.partition("=")
    if name not in known():
        raise ValueError(f"there is no lie \"{name}\"; there are: {', '.join(sorted(known()))}")
    return known()[name](argument if equals else None)


assert statelies
