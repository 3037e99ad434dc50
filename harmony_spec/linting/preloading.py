"""Loads what all workers use. The process that they are forked from imports this once; memory is shared."""

from ..codec_loading import default_codec
from ..vocabulary import load

load(default_codec().FORMAT.encoding)
