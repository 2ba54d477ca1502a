"""What a run folder holds: file names, columns, frames and records, read and written here alone."""
