"""Steps of fixed shapes, which a card replays without being told each kernel again."""
