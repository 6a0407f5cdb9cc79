"""The programs before us, run as they are, on the same tree and the same ICAT+ as ours."""
