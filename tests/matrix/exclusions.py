"""What the SDKs offer and the matrix leaves out, with the reason.

A pattern names one method, or ends in `.*` and stands for all methods of that resource and of
those below it. It never excuses a method whose HTTP path costspan knows.
"""

NO_MODEL_CALL = "no model call"
WEBSOCKET = "a websocket"
JOB = "a provider-side job"
BREADTH = "breadth to come"

REASONS = frozenset({NO_MODEL_CALL, WEBSOCKET, JOB, BREADTH})

EXCLUDED: dict[str, dict[str, tuple[str, ...]]] = {
    "openai": {
        NO_MODEL_CALL: (
            "admin.*",
            "audio.voice_consents.*",
            "audio.voices.*",
            "beta.assistants.*",
            "beta.chatkit.*",
            "beta.realtime.sessions.*",
            "beta.realtime.transcription_sessions.*",
            "beta.responses.cancel",
            "beta.responses.delete",
            "beta.responses.input_items.*",
            "beta.threads.create",
            "beta.threads.delete",
            "beta.threads.messages.*",
            "beta.threads.retrieve",
            "beta.threads.update",
            "chat.completions.delete",
            "chat.completions.list",
            "chat.completions.messages.*",
            "chat.completions.retrieve",
            "chat.completions.update",
            "containers.*",
            "content_provenance_checks.*",
            "conversations.*",
            "files.*",
            "live.create",
            "live.sessions.*",
            "models.*",
            "realtime.calls.*",
            "realtime.client_secrets.*",
            "realtime.translations.client_secrets.*",
            "responses.cancel",
            "responses.delete",
            "responses.input_items.*",
            "safety.*",
            "skills.*",
            "uploads.*",
            "webhooks.*",
        ),
        WEBSOCKET: (
            "beta.realtime.connect",
            "beta.responses.connect",
            "live.connect",
            "live.forks.*",
            "live.sideband.*",
            "realtime.connect",
            "realtime.translations.connect",
            "responses.connect",
        ),
        JOB: (
            "beta.agents.*",
            "beta.threads.create_and_run",
            "beta.threads.create_and_run_poll",
            "beta.threads.create_and_run_stream",
            "beta.threads.runs.*",
            "evals.*",
            "fine_tuning.*",
            "vector_stores.*",
        ),
        BREADTH: (
            "audio.speech.*",
            "audio.transcriptions.*",
            "audio.translations.*",
            "batches.*",
            "decisions.*",
            "images.*",
            "videos.*",
        ),
    },
    "anthropic": {
        NO_MODEL_CALL: (
            "beta.files.*",
            "beta.memory_stores.*",
            # Sends nothing: its turns are calls of beta.messages.create.
            "beta.messages.thread",
            "beta.models.*",
            "beta.organization.*",
            "beta.skills.*",
            "beta.tunnels.*",
            "beta.user_profiles.*",
            "beta.vaults.*",
            "beta.webhooks.*",
            "files.*",
            "models.*",
            "organization.*",
            "skills.*",
            "user_profiles.*",
        ),
        JOB: (
            "beta.agents.*",
            "beta.deployment_runs.*",
            "beta.deployments.*",
            "beta.dreams.*",
            "beta.environments.*",
            "beta.sessions.*",
        ),
        BREADTH: (
            "beta.messages.batches.*",
            # The text completions of models that are retired.
            "completions.*",
            "messages.batches.*",
        ),
    },
}


def reasons_for(sdk: str, name: str) -> list[str]:
    """Why a method is left out; more than one reason is a mistake in the list."""
    return [
        reason
        for reason, patterns in EXCLUDED[sdk].items()
        for pattern in patterns
        if matches(pattern, name)
    ]


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern stands for a method."""
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern
