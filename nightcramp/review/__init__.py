"""Review of nights by people: what is drawn, corrections, two blinded scorers, labels."""
