"""Where users name the addresses that are told what happened."""
