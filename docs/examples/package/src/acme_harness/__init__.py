"""Methods of ours."""
