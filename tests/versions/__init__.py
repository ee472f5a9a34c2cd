"""What runs with the oldest and the newest version of transformers that is promised, too."""
