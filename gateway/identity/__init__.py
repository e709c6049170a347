"""Who is this patient: identifiers, match, link, merge."""
