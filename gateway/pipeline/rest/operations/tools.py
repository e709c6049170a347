"""What operations work with: validator and terminology of a configuration, opened when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Who never asks loads neither FHIRPath nor terminology.
    from gateway.pipeline.translated import WorkerConfig
    from profiles.packages import Packages
    from profiles.terminology import Terminology
    from profiles.validate.validator import Validator


@dataclass(slots=True)
class Tools:
    """One set for one process and configuration."""

    config: WorkerConfig
    _packages: Packages | None = None
    _terminology: Terminology | None = None
    _validator: Validator | None = None

    @property
    def dialects(self) -> Mapping[str, Mapping[str, Any]]:
        """The region's dialects by name."""
        return self.config.region.dialects

    def packages(self) -> Packages:
        """The region's packages; what one lacks of another is told where it is needed."""
        if self._packages is None:
            from profiles.packages import PackageFolder, open_packages

            folder = PackageFolder(Path(self.config.packages)) if self.config.packages else None
            self._packages = folder.open(tolerate_missing=True) if folder else open_packages([])
        return self._packages

    def terminology(self) -> Terminology:
        """Answers about codes, from packages and the region's catalogues."""
        if self._terminology is None:
            self._terminology = self.config.catalogues.terminology(self.packages())
        return self._terminology

    def validator(self) -> Validator:
        """The validator over both."""
        if self._validator is None:
            from profiles.validate.validator import Validator

            self._validator = Validator(self.packages(), self.terminology())
        return self._validator
