"""The artefact store: files by the sha256 of their content, on a local disk or an object store."""

from include.store.artefacts import Artefact, ArtefactStore

__all__ = ["Artefact", "ArtefactStore"]
