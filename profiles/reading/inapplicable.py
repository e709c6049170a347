"""What is raised where a patch does not fit the content it is for."""

from __future__ import annotations

from profiles.issue import GatewayError


class Inapplicable(GatewayError):
    """The patch cannot be applied to the resource as it is."""

    issue_type = "processing"
