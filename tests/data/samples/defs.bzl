"""Rules of the shop."""

load("@rules_cc//cc:defs.bzl", "cc_library", lib = "cc_binary")

LIMIT = 10

def shop_library(name, **kwargs):
    """Makes a library."""
    cc_library(name = name, **kwargs)

def _impl(ctx):
    return []

shop_rule = rule(implementation = _impl)
