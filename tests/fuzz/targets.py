"""The table of targets."""

from __future__ import annotations

from collections.abc import Mapping

from fuzz import (
    configuration,
    edits,
    ignore_files,
    model_files,
    sessions,
    stored_files,
    suggestions,
    wire,
    wire_frames,
)
from fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    "wire": Target(wire.make, wire.check),
    "sessions": Target(sessions.make, sessions.check),
    "edits": Target(edits.make, edits.check),
    "settings_files": Target(configuration.make_file, configuration.check_file),
    "settings_layers": Target(configuration.make_layers, configuration.check_layers),
    "ignore_files": Target(ignore_files.make, ignore_files.check),
    "gguf": Target(stored_files.make_gguf, stored_files.check_gguf),
    "index": Target(stored_files.make_index, stored_files.check_index),
    "kv_files": Target(stored_files.make_state, stored_files.check_state),
    "added_models": Target(model_files.make_added, model_files.check_added),
    "trials": Target(model_files.make_trials, model_files.check_trials),
    "ollama": Target(model_files.make_manifest, model_files.check_manifest),
    "frames": Target(wire_frames.make, wire_frames.check),
    "suggestions": Target(suggestions.make, suggestions.check),
}
