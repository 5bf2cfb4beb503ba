"""The reference data that come with the product."""

from pathlib import Path

PTCS = Path(__file__).parent / "ptcs.toml"
"""Objectives, instances, institutions, communes, routes and one campaign of the PTCS 2011-2014."""
