"""`/api/v1/audit`: who changed what, for admins with the scope `admin`."""
