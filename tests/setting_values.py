"""A value of every setting that is not its default."""

from __future__ import annotations

from typing import Any

GOOD: dict[str, Any] = {
    "engine": "work",
    "engines": {
        "work": {
            "kind": "vllm",
            "url": "https://code.example.org",
            "model": "bigcode/starcoder2-15b",
            "key_env": "WORK_KEY",
        }
    },
    "model": "starcoder2-3b",
    "enabled": False,
    "disabled_languages": ["markdown"],
    "disabled_paths": ["*.env"],
    "skip_in": ["strings"],
    "debounce_ms": 10,
    "alternatives": 1,
    "speculate": "never",
    "statistics": False,
    "multiline": "never",
    "next_line": True,
    "disabled_rules": ["fence"],
    "max_tokens": 5,
    "time_budget_ms": 500,
    "latency_target_ms": 100,
    "max_prompt_tokens": 256,
    "layout": "spm",
    "sampler": "infill",
    "context": False,
    "index_max_files": 100,
    "ignore": ["*.sql"],
    "hide_secrets": False,
    "completion": "always",
    "download": "never",
    "model_path": "/models/own.gguf",
    "gpu_layers": -1,
    "kv_type": "q8_0",
    "kv_cache_mb": 64,
    "threads": 3,
    "niceness": 10,
    "shared_engine": True,
    "idle_unload_minutes": 5,
    "log_level": "debug",
    "log_file": "/tmp/starcoder.log",
}
