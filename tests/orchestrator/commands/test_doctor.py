import json
import os
from types import SimpleNamespace

from infra.home_lock import HomeLock
from infra.settings import load_settings
from orchestrator.commands import EXIT_OK, EXIT_USAGE
from orchestrator.commands import doctor as doctor_module
from orchestrator.commands.doctor import (
    _disk,
    _models,
    _probe,
    _sandbox,
    _stores,
    print_checks,
    run_doctor,
)
from schemas.errors import ConfigurationError, ObjectStoreUnavailable
from schemas.reports import Check, DoctorReport
from schemas.stages import STAGES
from tests.factories import make_model


def statuses(checks) -> dict[str, str]:
    return {check.name: check.status for check in checks}


def test_doctor_checks_everything_for_machines(store, stub_deps, monkeypatch, capsys):
    monkeypatch.setenv("SLUICE_SANDBOX_N_CHILDREN", "1")

    status = run_doctor(as_json=True)

    report = DoctorReport.model_validate_json(capsys.readouterr().out)
    found = statuses(report.checks)
    assert status == EXIT_OK
    assert found.pop("disk") in {"ok", "warning"}
    # Which of these hold is the kernel's choice.
    assert {found.pop(f"sandbox {n}") for n in ("network", "files", "secrets", "signals")} <= {
        "ok",
        "warning",
    }
    assert set(found.values()) == {"ok"}
    assert {"python", "ffmpeg", "sandbox limits", "database", "vectors", "artifacts"} < set(found)
    assert {f"model of {s.name}" for s in STAGES.values() if s.needs_model} < set(found)


def test_doctor_fails_when_something_needed_does_not_work(store, stub_deps, monkeypatch, capsys):
    monkeypatch.setenv("SLUICE_SANDBOX_N_CHILDREN", "1")
    monkeypatch.setenv("SLUICE_MODELS", "nonsense")
    monkeypatch.setenv("SLUICE_DATABASE_URL", "nonsense")

    status = run_doctor(as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert status == EXIT_USAGE
    assert any(line.startswith("error") and "SLUICE_MODELS=nonsense" in line for line in lines)
    assert any(line.startswith("error") and "SLUICE_DATABASE_URL" in line for line in lines)


def test_sandbox_that_is_off_is_told_line_by_line(store, stub_deps, monkeypatch, tmp_path):
    monkeypatch.setenv("SLUICE_SANDBOX", "off")

    checks = list(_sandbox(load_settings()))

    assert statuses(checks) == {
        "sandbox limits": "ok",
        "sandbox network": "warning",
        "sandbox files": "warning",
        "sandbox secrets": "warning",
        "sandbox signals": "warning",
    }
    assert all("docs/security.md" in check.advice for check in checks[1:])


# -- stores ----------------------------------------------------------------------------------


def test_store_in_use_is_worth_a_word_only(store, home, stub_deps):
    with HomeLock(home, "up"):
        (check,) = _stores(load_settings())

    assert (check.status, check.name) == ("warning", "stores")
    assert "in use by `sluice up`" in check.found


def test_store_that_cannot_be_opened_is_an_error_whoever_used_it(store, home, stub_deps):
    HomeLock(home, "up").close()  # its note stays
    settings = load_settings(database_url="nonsense")

    assert statuses(_stores(settings)) == {"stores": "error"}


def test_home_that_cannot_be_made_is_an_error(store, tmp_path, stub_deps):
    (tmp_path / "file").touch()

    (check,) = _stores(load_settings(home=tmp_path / "file" / "home"))

    assert check.status == "error"
    assert check.found.startswith(f"SLUICE_HOME={tmp_path}/file/home")


def test_store_that_does_not_answer_is_an_error(store, home, stub_deps, monkeypatch):
    def ping(_self):
        raise ObjectStoreUnavailable("artifacts: no answer")

    monkeypatch.setattr(stub_deps, "ping", ping)

    (check,) = _stores(load_settings())

    assert (check.status, check.found) == ("error", "artifacts: no answer")


# -- the rest --------------------------------------------------------------------------------


def test_model_that_is_not_trained_is_a_warning_with_advice(home):
    settings = SimpleNamespace(
        model_refs={"ocr": make_model(), "caption": make_model(random_weights=True)}
    )

    ocr, caption = _models(settings)

    assert (ocr.status, ocr.found, ocr.advice) == ("ok", "fake/model @ r1", None)
    assert caption.status == "warning"
    assert caption.found == "fake/model (random weights) @ r1"
    assert "SLUICE_MODELS" in caption.advice


def test_full_disk_is_a_warning_with_advice(home, monkeypatch):
    monkeypatch.setattr(doctor_module, "_LOW_DISK_BYTES", 1 << 62)

    check = _disk(load_settings())

    assert check.status == "warning"
    assert check.advice


def test_disk_is_measured_where_the_home_will_be(home):
    assert _disk(load_settings()).found.endswith(f"free in {home}")


def test_probe_that_is_refused_is_an_error():
    def refuse():
        raise ConfigurationError("ffmpeg: not found")

    assert _probe("ffmpeg", refuse) == Check(
        name="ffmpeg", status="error", found="ffmpeg: not found"
    )


def test_people_read_a_line_per_check_and_advice_once(capsys):
    advice = "name another profile"
    checks = [
        Check(name="python", status="ok", found="3.11"),
        Check(name="model of caption", status="warning", found="[b] \x1b[1m", advice=advice),
        Check(name="model of ocr", status="warning", found="m", advice=advice),
    ]

    print_checks(DoctorReport(checks=tuple(checks)))

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "ok       python            3.11",
        r"warning  model of caption  [b] \x1b[1m",
        "warning  model of ocr      m",
        "model of caption, model of ocr: name another profile",
    ]


def test_document_of_checks_is_json(capsys):
    report = DoctorReport(checks=(Check(name="x", status="ok", found=os.sep),))

    assert json.loads(report.model_dump_json())["checks"][0]["found"] == "/"
