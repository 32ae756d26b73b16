"""Every error we raise on purpose; the message names the thing and the way out.

StarcoderError
├── ConfigError           an option that cannot be used
├── ModelError
│   ├── UnknownModel      no such row in models.toml
│   ├── ModelMissing      known, but not on this machine
│   ├── ModelBroken       on this machine, but not usable
│   │   └── NoNumbers     its weights are damaged: no request will be answered
│   └── DownloadFailed
├── ContextFailed         the process that reads other files keeps dying
└── EngineError
    ├── EngineNotReady    still loading: answer nothing, do not wait
    ├── EngineFailed      cannot be used until something changes
    ├── EngineCrashed     could not answer this request; later ones may be
    ├── EngineYielded     made room for a request that the user waits for
    └── EngineUnsupported this kind of engine cannot do that
"""


class StarcoderError(Exception):
    """The root: the CLI prints it and exits with 1."""


class ConfigError(StarcoderError): ...


class ModelError(StarcoderError): ...


class UnknownModel(ModelError): ...


class ModelMissing(ModelError): ...


class ModelBroken(ModelError): ...


class NoNumbers(ModelBroken): ...


class DownloadFailed(ModelError): ...


class ContextFailed(StarcoderError): ...


class EngineError(StarcoderError): ...


class EngineNotReady(EngineError): ...


class EngineFailed(EngineError): ...


class EngineCrashed(EngineError): ...


class EngineYielded(EngineError): ...


class EngineUnsupported(EngineError): ...
