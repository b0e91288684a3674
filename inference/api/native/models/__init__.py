"""`/api/v1/models`: the registry for everyone who may read it and for admins to change."""
