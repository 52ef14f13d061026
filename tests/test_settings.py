"""Settings: argument before variable before file before default, each checked where it is set."""

import re
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest
from opentelemetry.sdk.trace import TracerProvider

from costspan import ConfigurationError, Instrumentor, LocalFiles, record_call, settings
from costspan.settings import Settings

OTEL_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def read(environ: dict[str, str] | None = None, **arguments) -> Settings:
    return settings.read(environ=environ or {}, **arguments)


@pytest.fixture
def write(tmp_path: Path):
    """Write the TOML file; gives the environment that names it."""

    def written(text: str, **more: str) -> dict[str, str]:
        file = tmp_path / "costspan.toml"
        file.write_text(text, encoding="utf-8")
        return {"COSTSPAN_CONFIG": str(file), **more}

    return written


def test_the_defaults():
    assert read() == Settings(
        local=None,
        providers=None,
        capture_content="off",
        details_events=False,
        metric_names="current",
        metric_labels=("agent", "endpoint"),
        stream_usage="ask",
        propagate_to_providers=False,
        store="memory",
        call_warn_usd=None,
        slack_webhook_url=None,
        budgets=(),
        alerts=(),
        prices={},
    )


class TestOrder:
    """Each setting that has an argument, a variable and a key in the file."""

    FILE = (
        'local = "of-file"\nproviders = ["anthropic"]\ncapture_content = "on"\n'
        'metric_names = "v1.41"\nmetric_labels = ["user"]\n'
    )
    VARIABLES: ClassVar = {
        "COSTSPAN_LOCAL": "of-variable",
        "COSTSPAN_PROVIDERS": "openai, anthropic,",
        "COSTSPAN_CAPTURE_CONTENT": "on_error",
        "COSTSPAN_METRIC_NAMES": "both",
        "COSTSPAN_METRIC_LABELS": "agent, tag:team, agent",
    }

    def test_the_file(self, write):
        found = read(write(self.FILE))
        assert (found.local, found.capture_content) == ("of-file", "on")
        assert found.providers == ("anthropic",)
        assert (found.metric_names, found.metric_labels) == ("v1.41", ("user",))

    def test_a_variable_before_the_file(self, write):
        found = read(write(self.FILE, **self.VARIABLES))
        assert (found.local, found.capture_content) == ("of-variable", "on_error")
        assert found.providers == ("openai", "anthropic")
        assert (found.metric_names, found.metric_labels) == ("both", ("agent", "tag:team"))

    def test_an_argument_before_both(self, write):
        found = read(
            write(self.FILE, **self.VARIABLES),
            local="of-argument",
            providers=["openai"],
            capture_content="off",
            metric_names="current",
            metric_labels=["session"],
        )
        assert (found.local, found.capture_content) == ("of-argument", "off")
        assert found.providers == ("openai",)
        assert (found.metric_names, found.metric_labels) == ("current", ("session",))

    def test_an_empty_variable_says_nothing(self, write):
        found = read(write(self.FILE, **dict.fromkeys(self.VARIABLES, "")))
        assert (found.local, found.capture_content) == ("of-file", "on")
        assert found.providers == ("anthropic",)

    def test_none_at_all_is_a_choice(self, write):
        found = read(write(self.FILE), providers=(), metric_labels=())
        assert (found.providers, found.metric_labels) == ((), ())

    def test_the_store(self, write):
        file = write('store = "memory"', COSTSPAN_STORE="sqlite:///costs.db")
        assert read(file).store == "sqlite:///costs.db"

    def test_the_environment_of_the_process_is_read(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("COSTSPAN_LOCAL", "of-process")
        assert settings.read().local == "of-process"


class TestContent:
    @pytest.mark.parametrize(
        ("word", "mode", "event"),
        [
            ("SPAN_ONLY", "on", False),
            ("span_and_event", "on", False),
            (" EVENT_ONLY ", "off", True),
            ("NO_CONTENT", "off", False),
            ("true", "off", False),
            ("", "off", False),
        ],
    )
    def test_opentelemetrys_variable_decides_where_ours_is_silent(self, word, mode, event):
        found = read({OTEL_CAPTURE: word})
        assert (found.capture_content, found.details_events) == (mode, event)

    @pytest.mark.parametrize("ours", ["off", "on_error", "on"])
    def test_ours_decides_where_it_is_set(self, ours: str):
        for environ, arguments in (
            ({OTEL_CAPTURE: "SPAN_ONLY", "COSTSPAN_CAPTURE_CONTENT": ours}, {}),
            ({OTEL_CAPTURE: "EVENT_ONLY"}, {"capture_content": ours}),
        ):
            found = read(environ, **arguments)
            assert (found.capture_content, found.details_events) == (ours, False)

    @pytest.mark.parametrize("mode", ["ON", "yes", True, 7])
    def test_another_word_is_refused(self, mode: object):
        with pytest.raises(ConfigurationError, match="use 'off' or 'on_error' or 'on'"):
            read(capture_content=mode)


class TestFile:
    def test_references_to_the_environment(self, write):
        text = 'local = "${BASE}/logs"\n[prices.overrides."m"]\ninput = 1\nnote = ["${A}-${B}"]'
        found = read(write(text, BASE="/srv", A="x", B="y"))
        assert found.local == "/srv/logs"
        assert found.prices == {"overrides": {"m": {"input": 1, "note": ["x-y"]}}}

    def test_a_reference_to_nothing_is_named(self, write):
        with pytest.raises(ConfigurationError, match=r"\$\{BASE\} is not set in the environment"):
            read(write('local = "${BASE}/logs"'))

    def test_tables(self, write):
        found = read(write('[[budgets]]\nname = "a"\n[[budgets]]\nname = "b"\n[[alerts]]'))
        assert found.budgets == ({"name": "a"}, {"name": "b"})
        assert found.alerts == ({},)

    def test_a_table_of_files(self, write):
        file = write('[local]\ndirectory = "${BASE}/logs"\nkeep = ["30d", "1 GB"]', BASE="/srv")
        assert read(file).local == {"directory": "/srv/logs", "keep": ["30d", "1 GB"]}

    @pytest.mark.parametrize("local", ["other", Path("other")])
    def test_another_folder_leaves_what_else_a_table_says(self, write, local: object):
        file = write('[local]\ndirectory = "logs"\nkeep = "30d"')
        assert read(file, local=local).local == {"directory": local, "keep": "30d"}
        of_variable = read({**file, "COSTSPAN_LOCAL": "other"}).local
        assert of_variable == {"directory": "other", "keep": "30d"}
        files = LocalFiles("logs")
        assert read(file, local=files).local is files

    def test_text_is_utf_8(self, write):
        assert read(write('local = "東京"')).local == "東京"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("local = ", "is no TOML"),
            ('locale = "logs"', "unknown key 'locale': did you mean 'local'"),
            ("zzz = 1", "unknown key 'zzz': use local, store"),
            ("budgets = 1", r"write \[\[budgets\]\]"),
            ("[budgets]", r"write \[\[budgets\]\]"),
            ("alerts = [1]", r"write \[\[alerts\]\]"),
            ('prices = "free"', r"write \[prices\]"),
            ("[prices]\noverrides = 1", r"write \[prices\]"),
            ('providers = "openai"', r'providers=.*write a list, such as \["openai"\]'),
            ("providers = 1", "providers=1"),
            ('metric_names = "old"', "use 'current' or 'v1.41' or 'both'"),
            ('metric_labels = "agent"', r'metric_labels=.*write a list, such as \["agent"\]'),
            ('capture_content = "maybe"', r"/costspan.toml: capture_content='maybe' is unknown"),
            ('on_store_error = "x"', r"/costspan.toml: on_store_error='x' is unknown"),
        ],
    )
    def test_what_is_wrong_in_it_is_named(self, write, text: str, said: str):
        with pytest.raises(ConfigurationError, match=said):
            read(write(text))

    @pytest.mark.parametrize("setting", ["capture_content", "metric_names", "metric_labels"])
    def test_a_variable_that_is_wrong_is_named_and_not_the_file(self, write, setting: str):
        variable = f"COSTSPAN_{setting.upper()}"
        with pytest.raises(ConfigurationError, match=rf"^{variable}: {setting}=.*'nope'"):
            read(write('capture_content = "on"', **{variable: "nope"}))

    def test_a_file_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match=r"COSTSPAN_CONFIG=.* cannot be read"):
            read({"COSTSPAN_CONFIG": str(tmp_path / "none.toml")})

    def test_a_file_that_is_no_text(self, tmp_path: Path):
        (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigurationError, match="is no TOML"):
            read({"COSTSPAN_CONFIG": str(tmp_path / "x.toml")})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"providers": "openai"}, "give a tuple"),
        ({"metric_names": "latest"}, "use 'current' or 'v1.41' or 'both'"),
        ({"metric_labels": "agent"}, "give a tuple"),
        (
            {"metric_labels": ("agent", "session_id")},
            "'session_id' is no label",
        ),
        ({"metric_labels": ("model",)}, "model, provider and operation are always there"),
        ({"metric_labels": ("tag:",)}, "or 'tag:KEY'"),
        ({"metric_labels": (7,)}, "7 is no label"),
        ({"stream_usage": "always"}, "use 'ask' or 'never'"),
        ({"propagate_to_providers": "yes"}, "use True or False"),
        ({"propagate_to_providers": 1}, "use True or False"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: dict, said: str):
    with pytest.raises(ConfigurationError, match=said) as caught:
        read({"COSTSPAN_CAPTURE_CONTENT": "on"}, **arguments)
    assert str(caught.value).startswith(next(iter(arguments)))


def test_a_misspelt_variable_is_found_and_a_strange_one_left_alone():
    names = {"COSTSPAN_LOCALE": "x", "COSTSPAN_LOCAL": "x", "COSTSPAN_THEIRS": "x", "LOCALE": "x"}
    (sentence,) = settings.misspelt_variables(names)
    assert sentence == "COSTSPAN_LOCALE is no variable of costspan: did you mean COSTSPAN_LOCAL?"


class TestTracker:
    """The tracker that `instrument()` makes of variables and file."""

    @pytest.fixture
    def environ(self, monkeypatch: pytest.MonkeyPatch):
        def put(environ: dict[str, str]) -> None:
            for name, value in environ.items():
                monkeypatch.setenv(name, value)

        return put

    @pytest.fixture
    def switch_on(self, provider: TracerProvider):
        yield lambda: Instrumentor().instrument(tracer_provider=provider)
        Instrumentor().uninstrument()

    def test_a_limit_for_one_call(self, environ, switch_on):
        environ({"COSTSPAN_CALL_WARN_USD": "0.05"})
        switch_on()
        (budget,) = Instrumentor().costs.budgets
        assert (budget.name, budget.per, budget.limit) == ("single call", "call", 5 * 10**10)

    def test_everything_that_the_file_may_say(self, environ, write, switch_on):
        environ(
            write(
                '[[budgets]]\nname = "dear"\nusd = 0.25\nper = "call"\nwhere = {agent = "a*"}\n'
                '[[alerts]]\ntype = "log"\n'
                '[prices]\nunknown = {input = 3, output = 4}\nmax_age = "never"\n'
                '[prices.overrides]\n"ollama/*" = "free"\n'
                '[prices.overrides."mine"]\ninput = 1\noutput = 2\n'
            )
        )
        switch_on()
        costs = Instrumentor().costs
        (budget,) = costs.budgets
        assert (budget.name, budget.where) == ("dear", {"agent": "a*"})
        for model, provider in (("llama3.2", "ollama"), ("mine", "openai"), ("new", "nobody")):
            with record_call(model=model, provider=provider) as call:
                call.set_usage(input_tokens=1_000_000, output_tokens=1_000_000)
        assert [line.cost_usd for line in costs.records] == [0, Decimal(3), Decimal(7)]

    def test_a_table_of_files(self, environ, write, switch_on, tmp_path: Path):
        environ(write(f'[local]\ndirectory = "{tmp_path}/logs"\nrotate = "hour"'))
        switch_on()
        with record_call(model="gpt-4o-mini") as call:
            call.set_usage(input_tokens=1)
        Instrumentor().uninstrument()
        (file,) = (tmp_path / "logs").iterdir()
        assert re.fullmatch(r"llm_trace_....-..-..T..\.jsonl", file.name)

    def test_budgets_of_the_file(self, environ, write, switch_on):
        environ(
            write(
                '[[budgets]]\nname = "tenant"\nusd = 500\nper = ["user", "model"]\n'
                'window = "month"\ntimezone = "Europe/Berlin"\nthresholds = [0.5, 1.0]\n'
                'action = "block"\nreserve = "max"\nunscoped = "count"\ncut_streams = true\n'
                '[[budgets]]\nname = "loop"\ncalls = 20\nper = "trace"\nwindow = "10s"\n'
            )
        )
        switch_on()
        tenant, loop = Instrumentor().costs.budgets
        assert (tenant.per, tenant.limit, tenant.thresholds) == (
            "user+model",
            500 * 10**12,
            (0.5, 1.0),
        )
        assert (tenant.action, tenant.reserve, tenant.unscoped) == ("block", "max", "count")
        assert (tenant.cut_streams, tenant.window.text) == (True, "month")
        assert (loop.unit, loop.limit, loop.per, loop.window.text) == ("calls", 20, "trace", "10s")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('[[budgets]]\nusd = 1\nper = "call"', r"^\[\[budgets\]\]: table 1 needs a name"),
            ('[[budgets]]\nname = "a"\nusd = true', "a number of US dollars"),
            ('[[budgets]]\nname = "a"\nusd = nan', "a number of US dollars"),
            ('[[budgets]]\nname = "a"\ncalls = 1.5', "a whole number of calls"),
            ('[[budgets]]\nname = "a"\nusd = 1\nper = []', "a word such as 'session'"),
            ('[[budgets]]\nname = "a"\nusd = 1\naction = "stop"', "use 'warn', 'raise', 'block'"),
            ('[[budgets]]\nname = "a"\nusd = 1\nper = "call"\nsize = 7', "size"),
            ("[prices]\nsource = 1", "unknown key 'source': use overrides, unknown, refresh"),
            (
                "[prices]\nmaxage = 1",
                r"prices\.maxage: unknown key 'maxage': did you mean 'max_age'",
            ),
            ("[prices]\nrefresh = 1", "use True for once a day"),
            ("[prices]\nunknown = {price = 1}", "price"),
            ('[prices.overrides]\n"m" = 1', "write { input = 0.10, output = 0.40 }"),
            ('[prices.overrides."m"]\ninput = -1', "US dollars as a number"),
            ('[prices.overrides."m"]\nprice = 1', "price"),
            ('store = "mysql://localhost"', "use one of 'memory', 'sqlite:///costs.db'"),
            ('on_store_error = "ignore"', "use 'allow' or 'block'"),
            ('providers = ["opnai"]', "opnai"),
            ("local = 7", "give a folder's name"),
            ("[local]\nkeep = 7", "it names no folder"),
            ('[local]\ndirectory = "x"\nkeep = 7', "an age such as"),
            ('[local]\ndirectory = "x"\nkept = "7d"', "unknown key 'kept': use directory"),
        ],
    )
    def test_what_is_wrong_is_named_before_anything_is_switched_on(
        self, environ, write, switch_on, text: str, said: str
    ):
        environ(write(text))
        with pytest.raises(ConfigurationError, match=said):
            switch_on()
        assert Instrumentor().settings is None

    def test_a_limit_that_is_none(self, environ, switch_on):
        environ({"COSTSPAN_CALL_WARN_USD": "five cents"})
        with pytest.raises(ConfigurationError, match="CALL_WARN_USD='five cents': write a number"):
            switch_on()
