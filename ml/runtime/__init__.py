"""What every phase shares: parameters, the task context, conventions, errors."""
