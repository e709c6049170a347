"""Who may do what: scopes, roles, client assertions and access tokens; no network, no database."""
