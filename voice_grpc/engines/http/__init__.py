"""What the engines that speak HTTP have in common."""
