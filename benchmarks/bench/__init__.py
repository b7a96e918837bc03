"""What the whole job costs in seconds and bytes, beside a peer: `make bench`."""
