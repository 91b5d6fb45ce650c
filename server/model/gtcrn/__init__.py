"""GTCRN, a small speech enhancer, as an estimator of the noise under the words."""

from server.model.gtcrn.denoiser import GtcrnDenoiser
from server.model.gtcrn.graph import block_graph
from server.model.gtcrn.opening import open_gtcrn

__all__ = ["GtcrnDenoiser", "block_graph", "open_gtcrn"]
