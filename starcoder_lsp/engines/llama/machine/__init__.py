"""Reads the machine and the model file, and cuts the engine to fit both."""
