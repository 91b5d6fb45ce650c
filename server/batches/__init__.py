"""Many recordings at once, kept on disk until each is judged, by processes that step back for live sessions."""
