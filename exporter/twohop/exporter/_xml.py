"""XML from strangers: no entities, no network, no document type."""

from __future__ import annotations

from xml.parsers import expat

from lxml import etree


def parse(document: bytes) -> etree._Element:
    """Return the root of an XML document; ValueError if it declares a document type, XMLSyntaxError if it is none.

    ValueError as well where nobody can tell whether it declares one.
    """
    _refuse_document_type(document)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
    return etree.fromstring(document, parser)


class _RootReached(Exception):
    """The first element has begun, and no document type can follow."""


def _refuse_document_type(document: bytes) -> None:
    # lxml tells of a document type only once it has read it; expat tells at its first word, and opens nothing.
    reader = expat.ParserCreate()

    def declared(*_: object) -> None:
        raise ValueError("it declares a document type, which neither a descriptor nor an answer needs")

    def reached(*_: object) -> None:
        raise _RootReached

    reader.StartDoctypeDeclHandler = declared
    reader.StartElementHandler = reached
    try:
        reader.Parse(document, True)
    except _RootReached:
        return
    except (expat.ExpatError, LookupError) as error:
        # LookupError for an encoding that nobody knows.
        raise ValueError(f"it is not XML: {error}") from None
