"""Client of the catalogue: ICAT's investigations and datasets, asked for over ICAT+'s REST interface."""
