"""What the views show, computed. No Qt."""
