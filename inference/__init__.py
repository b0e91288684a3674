"""What is asked and answered: registry, gateway, doors, jobs and the engine."""
