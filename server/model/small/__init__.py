"""Small models that Tingqing can use: which there are, whether they are there, and how they get there."""
