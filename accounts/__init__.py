"""Who may do what: users, API keys and the principal that a credential stands for."""
