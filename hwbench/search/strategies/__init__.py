"""Search strategies, one a file, behind one interface of ask and tell (`base`)."""
