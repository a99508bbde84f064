"""Models of other frameworks in and out, each conversion with its proof."""

from throughtime.interop.convert import load
from throughtime.interop.model import ImportedModel, ImportedStream
from throughtime.interop.parity import Parity

__all__ = ["ImportedModel", "ImportedStream", "Parity", "load"]
