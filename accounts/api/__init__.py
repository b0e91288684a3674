"""The doors of accounts: keys, tokens, sign-up and the audit trail."""
