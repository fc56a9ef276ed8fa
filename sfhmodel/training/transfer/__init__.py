"""A training that starts from a trained model: what is carried over, what is frozen, what pulls back to the start.

The model that a run starts from is opened once. Its values, on the places of the new model, are kept in the run
(`start`), so that resuming asks for no other file.
"""

START, TRANSFER = "start.npz", "transfer.json"
