"""The package that comes out: names, manifest, descriptor, disk streams."""

from ._descriptor import Contents, DiskEntry, FileEntry, read_descriptor
from ._manifest import ManifestEntry, parse_manifest, write_manifest
from ._merge import merge_descriptors
from ._names import safe_name, unique_name
from ._vmdk import GrainDigest, Rule, StreamChecker, StreamFault, StreamSummary, grain_digest

__all__ = [
    "Contents",
    "DiskEntry",
    "FileEntry",
    "GrainDigest",
    "ManifestEntry",
    "Rule",
    "StreamChecker",
    "StreamFault",
    "StreamSummary",
    "grain_digest",
    "merge_descriptors",
    "parse_manifest",
    "read_descriptor",
    "safe_name",
    "unique_name",
    "write_manifest",
]
