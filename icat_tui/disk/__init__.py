"""Access to the disk: sessions, their listings, changes, and metadata of datasets."""
