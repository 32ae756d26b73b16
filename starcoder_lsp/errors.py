"""The errors of the program; the message says what is wrong, where, and what to do.

StarcoderError
├── ConfigError           a setting or an argument that cannot be used
├── ModelError
│   ├── UnknownModel      no such row in models.toml
│   ├── ModelMissing      known, but not on this machine
│   ├── NoModelFile       known, but there is no file that this machine could load
│   ├── ModelBroken       on this machine, but damaged
│   │   └── NoNumbers     its weights give no numbers: every request fails
│   └── DownloadFailed    the model could not be downloaded
├── ContextFailed         the process that reads other files keeps crashing
└── EngineError
    ├── EngineNotReady    still loading: answer nothing, do not wait
    ├── EngineFailed      cannot be used until something changes
    ├── EngineCrashed     could not answer this request; later ones may be
    ├── EngineYielded     made room for a request that the user waits for
    └── EngineUnsupported this kind of engine cannot do that
"""


class StarcoderError(Exception):
    """The root of all; the command line prints the message and exits with 1."""


class ConfigError(StarcoderError): ...


class ModelError(StarcoderError): ...


class UnknownModel(ModelError): ...


class ModelMissing(ModelError): ...


class NoModelFile(ModelError): ...


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
