"""The program without a window: what it prints, what it returns, and that it never shows a traceback."""

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from slimgui.cli import exits
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.engine.load import load
from slimgui.engine.verify import Proof

EXAMPLE = str(Path(__file__).parents[2] / "resources" / "example" / "fashion_cnn.pt")


def test_groups_lists_what_can_be_cut_and_why_not(run):
    status, out, _ = run("groups", EXAMPLE)
    assert status == 0
    assert "stem" in out
    assert "locked: It is an output of the model." in out


def test_groups_as_json_is_one_object(run):
    status, out, _ = run("groups", EXAMPLE, "--json")
    found = json.loads(out)
    assert status == 0
    stem = next(group for group in found["groups"] if group["id"] == "stem")
    assert stem["size"] == 24
    assert {"parameter": "stem.weight", "dim": 0, "per_channel": 1} in stem["members"]
    assert found["params"] == sum(p.numel() for p in load(EXAMPLE).model.parameters())


def test_slim_saves_a_proven_model_and_says_it_in_words(run, tmp_path):
    status, out, _ = run("slim", EXAMPLE, "--ratio", "0.5", "--out", tmp_path / "small.pt")
    assert status == 0
    assert "Removes 50 % of every group's channels." in out
    assert "% of the parameters" in out
    assert "Proven equal" in out


def test_slim_as_json_says_what_it_cost_before_and_after(run, tmp_path):
    status, out, _ = run("slim", EXAMPLE, "--ratio", "0.5", "--out", tmp_path / "small.pt", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["proof"]["passed"] is True
    assert found["params"]["after"] == sum(p.numel() for p in load(tmp_path / "small.pt").model.parameters())
    assert found["macs"]["after"] < found["macs"]["before"]
    assert found["bytes"]["after"] < found["bytes"]["before"]
    assert found["groups"] > 0
    assert Path(found["out"]) == tmp_path / "small.pt"


def test_slim_follows_a_plan_in_a_file(run, tmp_path):
    (tmp_path / "plan.json").write_text(Plan().with_count("stem", 10).to_json())
    status, out, _ = run(
        "slim", EXAMPLE, "--plan", tmp_path / "plan.json", "--out", tmp_path / "s.pt", "--json"
    )
    assert status == 0
    assert json.loads(out)["plan"]["counts"] == [["stem", 10]]
    assert load(tmp_path / "s.pt").model.stem.out_channels == 10


def dry(run, *words):
    status, out, _ = run("slim", EXAMPLE, *words, "--dry-run", "--json")
    assert status == 0
    return json.loads(out)


def test_a_dry_run_says_the_plan_in_words_and_writes_no_model(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("slim", EXAMPLE, "--ratio", "0.5", "--round-to", "8", "--dry-run")
    assert status == 0
    assert "Removes 50 % of every group's channels. Rounds counts up to a multiple of 8." in out
    assert "Saved" not in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "stem"),
    [
        (("--ratio", "0.5"), 12),  # of 24
        (("--ratio", "0.5", "--lock", "stem"), 24),
        (("--ratio", "0.5", "--whole", "stem"), 24),
        (("--ratio", "0.5", "--round-to", "16"), 16),
        (("--ratio", "0.6", "--bins", "2"), 12),  # 10 up to a half
        (("--ratio", "0.9", "--min-count", "7"), 7),
        (("--ratio", "0.9", "--min-ratio", "0.25"), 6),
        (("--ratio-of", "stem=0.25"), 18),
        (("--count", "stem=5"), 5),
        (("--channels", "stem=0-2,9"), 4),
        (("--minimum",), 1),
        (
            ("--minimum", "--bins", "3", "--lock", "stage1"),
            24,
        ),  # the residual stage is part of the stem's group
    ],
)
def test_every_option_shapes_the_counts(run, words, stem):
    assert dry(run, *words)["counts"]["stem"] == stem


def test_options_go_over_what_the_plan_in_a_file_says(run, tmp_path):
    (tmp_path / "plan.json").write_text(Plan(ratio=0.5, round_to=2).with_count("stem", 10).to_json())
    found = dry(run, "--plan", tmp_path / "plan.json", "--round-to", "8", "--count", "stem=11")
    assert found["counts"]["stem"] == 11
    assert found["counts"]["stage2.0.conv1"] == 24  # 24 of 48 are a multiple of 8
    assert (found["plan"]["ratio"], found["plan"]["round_to"]) == (0.5, 8)


def test_a_sample_is_the_same_for_the_same_seed(run):
    one, again, other = (dry(run, "--sample", seed)["counts"] for seed in (3, 3, 4))
    assert one == again != other


def test_a_global_plan_cuts_groups_by_different_shares(run):
    counts = dry(run, "--ratio", "0.5", "--scope", "global", "--importance", "l2")["counts"]
    assert counts != dry(run, "--ratio", "0.5", "--importance", "l2")["counts"]


def test_one_of_several_plans_is_chosen_by_name(run, tmp_path):
    plans = PlanSet().added("deep", Plan(ratio=0.75)).added("light", Plan(ratio=0.25))
    (tmp_path / "plans.json").write_text(plans.to_json())
    assert dry(run, "--plan", tmp_path / "plans.json")["counts"]["stem"] == 18
    assert dry(run, "--plan", tmp_path / "plans.json", "--plan-name", "deep")["counts"]["stem"] == 6


def test_what_was_chosen_is_written_out_and_gives_the_same_again(run, tmp_path):
    written = ("--export-plan", tmp_path / "plan.json", "--export-config", tmp_path / "widths.yaml")
    found = dry(run, "--ratio", "0.5", *written, "--export-kept", tmp_path / "kept.json")
    for name in ("plan.json", "widths.yaml"):
        assert dry(run, "--plan", tmp_path / name)["counts"] == found["counts"]
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert len(kept["groups"]["stem"]) == 12
    assert kept["weights"]["stem.weight"]["0"] == kept["groups"]["stem"]
    assert kept["weights"]["stage1.0.conv1.weight"]["1"] == kept["groups"]["stem"]


def test_steps_are_written_as_named_plans(run, tmp_path):
    dry(run, "--ratio", "0.75", "--steps", "3", "--export-plan", tmp_path / "steps.json")
    plans = PlanSet.from_json((tmp_path / "steps.json").read_text())
    assert plans.names == ("Step 1", "Step 2", "Step 3")
    assert [dict(plan.counts)["stem"] for _, plan in plans.plans] == [18, 12, 6]


def test_verify_proves_a_saved_file_again(run, tmp_path):
    run("slim", EXAMPLE, "--ratio", "0.3", "--out", tmp_path / "small.pt")
    status, out, _ = run("verify", EXAMPLE, tmp_path / "small.pt", "--json")
    assert status == 0
    assert json.loads(out)["proof"]["passed"] is True


def test_verify_compares_the_numbers_of_approximate_cuts_too(run, tmp_path):
    net = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 3))
    torch.save(net, tmp_path / "net.pt")
    words = ("--input", "4x6")
    run("slim", tmp_path / "net.pt", *words, "--ratio", "0.5", "--out", tmp_path / "small.pt")
    status, out, _ = run("verify", tmp_path / "net.pt", tmp_path / "small.pt", "--json")
    proof = json.loads(out)["proof"]
    assert (status, proof["passed"], proof["level"]) == (0, True, "numeric")
    assert proof["max_error"] < 1e-9

    found = torch.load(tmp_path / "small.pt", weights_only=False)  # a whole module of torch.nn
    with torch.no_grad():
        found["module"][1].weight[2] += 1
    torch.save(found, tmp_path / "small.pt")
    status, out, _ = run("verify", tmp_path / "net.pt", tmp_path / "small.pt")
    assert status == 3
    assert "The outputs part in 1." in out


def test_verify_fails_when_a_weight_was_changed(run, tmp_path):
    run("slim", EXAMPLE, "--ratio", "0.3", "--out", tmp_path / "small.pt")
    found = torch.load(tmp_path / "small.pt", weights_only=True)
    found["state_dict"]["stem.weight"][0] += 1
    torch.save(found, tmp_path / "small.pt")
    status, out, _ = run("verify", EXAMPLE, tmp_path / "small.pt")
    assert status == 3
    assert "Not equal" in out
    assert "The outputs part in stem." in out
    assert json.loads(run("verify", EXAMPLE, tmp_path / "small.pt", "--json")[1])["proof"]["parted"] == "stem"


def test_a_users_own_net_is_slimmed_and_verified(run, tmp_path):
    (tmp_path / "cli_net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))\n"
        "        print('this line must not reach the JSON')\n"
    )
    source = f"{tmp_path / 'cli_net.py'}:Net"
    status, out, _ = run(
        "slim", source, "--input", "1x3x16x16", "--ratio", ".5", "--out", tmp_path / "s.pt", "--json"
    )
    assert status == 0
    assert json.loads(out)["model"] == source
    assert run("verify", source, tmp_path / "s.pt", "--json")[0] == 0
    sys.modules.pop("cli_net", None)


def test_weights_are_slimmed_with_a_named_model(run, tmp_path):
    torch.save(load(EXAMPLE).model.state_dict(), tmp_path / "weights.pt")
    words = ("--model", "slimgui.example:build", "--input", "1x1x28x28")
    status, _, _ = run("slim", tmp_path / "weights.pt", *words, "--ratio", "0.5", "--out", tmp_path / "s.pt")
    assert status == 0
    assert load(tmp_path / "s.pt", allow_code=False).provenance.original == "slimgui.example:build"
    assert run("verify", tmp_path / "weights.pt", tmp_path / "s.pt", *words)[0] == 0


def test_safetensors_and_sets_of_weights_are_slimmed_with_a_named_model(run, tmp_path):
    state = load(EXAMPLE).model.state_dict()
    save_file(state, tmp_path / "weights.safetensors")
    torch.save({"model": {name: value * 0 for name, value in state.items()}, "ema": state}, tmp_path / "t.pt")
    words = ("--model", "slimgui.example:build", "--input", "1x1x28x28")
    for source in (tmp_path / "weights.safetensors", f"{tmp_path / 't.pt'}#ema"):
        status, out, err = run("slim", source, *words, "--ratio", "0.5", "--out", tmp_path / "s.pt")
        assert (status, "Proven equal" in out) == (0, True), err
        assert run("verify", source, tmp_path / "s.pt", *words)[0] == 0
    assert run("verify", f"{tmp_path / 't.pt'}#model", tmp_path / "s.pt", *words)[0] == 3


def test_inspect_says_what_is_in_a_file_and_what_it_would_run(run, tmp_path):
    status, out, _ = run("inspect", EXAMPLE)
    assert status == 0
    assert "a checkpoint of torch.save, 805,079 bytes" in out
    assert "weights 'state_dict': 128 tensors (111 of float32, 17 of int64)" in out
    assert "also holds slimgui_factory: 'slimgui.example:build'" in out
    assert "  collections.OrderedDict: plain data" in out


def test_inspect_as_json_is_one_object_also_for_what_cannot_be_opened(run, tmp_path):
    found = json.loads(run("inspect", EXAMPLE, "--json")[1])
    (weights,) = found["weights"]
    assert (found["opens"], found["refusal"], weights["tensors"]) == (True, None, 128)
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + bytes(50))
    status, out, _ = run("inspect", tmp_path / "a.gguf", "--json")
    found = json.loads(out)
    assert (status, found["opens"]) == (1, False)
    assert "is a GGUF file" in found["refusal"]["what"]
    assert "is a GGUF file" in run("inspect", tmp_path / "a.gguf")[1]


def test_what_a_file_says_cannot_steer_the_terminal(run, tmp_path):
    torch.save({"a.weight\x1b[2J": torch.zeros(2, 2), "b.weight": torch.zeros(2)}, tmp_path / "a.pt")
    _, out, _ = run("inspect", tmp_path / "a.pt")
    assert "\x1b" not in out
    assert "a.weight\\x1b[2J: 2x2 float32" in out


def test_a_refused_cut_says_which_counts_would_work(run, tmp_path):
    (tmp_path / "odd_net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.up, self.down = nn.Linear(4, 32), nn.Linear(32, 3)\n"
        "    def forward(self, x):\n"
        "        x = self.up(x)\n"
        "        if x.shape[1] % 8:\n"
        "            raise ValueError('not divisible by 8')\n"
        "        return self.down(x)\n"
    )
    words = ("slim", f"{tmp_path / 'odd_net.py'}:Net", "--input", "2x4", "--ratio", "0.4", "--out")
    status, out, err = run(*words, tmp_path / "s.pt")
    assert (status, out) == (1, "")
    assert "24 or 16 channels of up would work." in err  # 20 of 32 were wanted
    error = json.loads(run(*words, tmp_path / "s.pt", "--json")[1])["error"]
    assert (error["kind"], error["counts"]) == ("DeployError", {"up": [24, 16]})
    assert not (tmp_path / "s.pt").exists()
    sys.modules.pop("odd_net", None)


def test_a_refusal_is_a_sentence_on_stderr(run, tmp_path):
    (tmp_path / "a.pt").write_text("hello")
    status, out, err = run("groups", tmp_path / "a.pt")
    assert (status, out) == (1, "")
    assert "a.pt is a text file, not a model." in err


def test_a_refusal_with_json_is_one_object_on_stdout(run, tmp_path):
    status, out, _ = run("groups", tmp_path / "none.pt", "--json")
    assert status == 1
    assert json.loads(out)["error"]["kind"] == "LoadError"


@pytest.mark.parametrize("words", [(), ("--input", "3x5:9")])
def test_a_model_that_reads_words_is_given_whole_numbers(words, run, tmp_path):
    layers = (nn.Embedding(9, 4), nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    torch.save(nn.Sequential(*layers), tmp_path / "words.pt")
    small = tmp_path / "small.pt"
    assert run("slim", tmp_path / "words.pt", *words, "--ratio", "0.5", "--out", small)[0] == 0
    (given,) = load(small).example_inputs
    assert (given.dtype, tuple(given.shape)) == (torch.int64, (3, 5) if words else (1, 16))
    assert int(given.max()) < 9
    assert run("verify", tmp_path / "words.pt", small)[0] == 0


def test_a_model_that_takes_no_common_shape_asks_for_the_input(run, tmp_path):
    torch.save(nn.Sequential(nn.Flatten(), nn.Bilinear(2, 3, 4)), tmp_path / "a.pt")
    status, _, err = run("groups", tmp_path / "a.pt")
    assert status == 1
    assert "--input" in err


@pytest.mark.parametrize(
    "words",
    [
        ("slim", EXAMPLE),
        ("slim", EXAMPLE, "--ratio", "0.5", "--plan", "x", "--out", "y.pt"),
        ("slim", EXAMPLE, "--ratio", "half", "--out", "y.pt"),
        ("slim", EXAMPLE, "--plan", "no such plan", "--out", "y.pt"),
        ("slim", EXAMPLE, "--out", "y.pt"),
        ("slim", EXAMPLE, "--ratio", "0.5"),
        ("slim", EXAMPLE, "--count", "stem", "--out", "y.pt"),
        ("slim", EXAMPLE, "--count", "stem=many", "--out", "y.pt"),
        ("slim", EXAMPLE, "--ratio", "0.5", "--steps", "3", "--out", "y.pt"),
        ("slim", EXAMPLE, "--ratio", "0.5", "--steps", "0", "--dry-run"),
        ("groups",),
        ("verify", EXAMPLE),
        ("--nonsense",),
    ],
)
def test_wrong_usage_returns_two(words, run):
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err
    assert "error" in json.loads(run(*words, "--json")[1])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--channels", "stem=a"), "no list of channels"),
        (("--ratio", "0.5", "--lock", "stm"), "Did you mean 'stem'"),
        (("--ratio", "0.5", "--scope", "everywhere"), "local, global or isomorphic"),
        (("--ratio", "0.5", "--importance", "luck"), "Choose one of: l1"),
        (("--ratio", "0.5", "--export-config", "no/such/folder.yaml"), "was not saved"),
    ],
)
def test_a_plan_that_does_not_fit_is_a_sentence(words, says, run):
    status, _, err = run("slim", EXAMPLE, *words, "--dry-run")
    assert status == 1
    assert says in err


@pytest.mark.parametrize("ratio", ["1", "-0.1", "7"])
def test_a_ratio_out_of_range_is_a_sentence(ratio, run, tmp_path):
    status, _, err = run("slim", EXAMPLE, f"--ratio={ratio}", "--out", tmp_path / "y.pt")
    assert status == 1
    assert "out of range" in err


def test_an_unexpected_fault_is_a_sentence_too(run, monkeypatch):
    def fault(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("slimgui.cli.commands.opened", fault)
    status, _, err = run("groups", EXAMPLE)
    assert status == 70
    assert "ZeroDivisionError: division by zero (test_commands.py:" in err


def test_an_interrupted_command_says_so_and_returns_what_shells_return(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("slimgui.cli.commands.opened", interrupt)
    status, out, err = run("groups", EXAMPLE)
    assert (status, out, err) == (130, "", "Cancelled; no model was written.\n")


@pytest.mark.parametrize("proof", [Proof(False, 0.5, "numeric"), Proof(True, math.nan, "structural")])
def test_what_is_not_proven_is_saved_only_when_that_is_accepted(proof, run, tmp_path, monkeypatch):
    monkeypatch.setattr("slimgui.engine.verify", lambda *_: proof)
    words = ("slim", EXAMPLE, "--ratio", ".5", "--out", tmp_path / "s.pt")
    status, out, _ = run(*words)
    assert (status, "Nothing was saved." in out, (tmp_path / "s.pt").exists()) == (3, True, False)
    assert json.loads(run(*words, "--json")[1])["out"] is None
    status, out, _ = run(*words, "--accept-unproven")
    assert (status, (tmp_path / "s.pt").exists()) == (3, True)


def test_help_and_readme_say_what_every_exit_status_means(run):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for words in (("--help",), ("slim", "--help"), ("inspect", "--help")):
        status, out, _ = run(*words)
        assert status == 0
        assert exits.table() in out
    for code, meaning in exits.MEANINGS.items():
        assert f"| {int(code)} | {meaning} |" in readme
    assert set(exits.MEANINGS) == set(exits.Exit)


def test_a_reader_that_has_seen_enough_is_no_fault():
    command = f"{sys.executable} -m slimgui groups {EXAMPLE} 2>&1 | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "0\n"


def test_a_file_opens_the_window_without_importing_torch():
    code = (
        "import sys, types; app = types.ModuleType('slimgui.gui.app'); sys.modules['slimgui.gui.app'] = app\n"
        "app.main = lambda words: print(words, 'torch' in sys.modules, 'numpy' in sys.modules) or 0\n"
        "from slimgui.cli import main; raise SystemExit(main(['model.pt']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "['model.pt'] False False"), done.stderr


def test_python_m_slimgui_is_the_same_program():
    done = subprocess.run(
        [sys.executable, "-m", "slimgui", "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("slimgui ")


def test_a_model_of_an_own_class_is_refused_with_what_to_say_and_opens_when_it_is_said(
    run, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "cli_net.py").write_text(
        "from torch import nn\nclass Net(nn.Sequential): ...\n"
        "def build(): return Net(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1))\n"
    )
    torch.save(load(tmp_path / "cli_net.py").model, tmp_path / "whole.pt")
    words = ("groups", tmp_path / "whole.pt", "--input", "1x3x8x8")
    status, out, err = run(*words)
    assert (status, out) == (4, "")
    assert "cli_net.Net: this file needs your class" in err
    digest = hashlib.sha256((tmp_path / "whole.pt").read_bytes()).hexdigest()
    assert f"--trust-code {digest}" in err
    assert run(*words, "--trust-code", "0" * 64)[0] == 4
    assert json.loads(run(*words, "--json")[1])["error"]["sha256"] == digest
    status, out, _ = run(*words, "--trust-code", digest)
    assert status == 0
    assert "groups, " in out
    del sys.modules["cli_net"]


@pytest.mark.parametrize("name", ["s.safetensors", "s.pt2", "s.onnx"])
def test_slim_writes_the_format_of_the_suffix_and_says_what_it_needs(name, run, tmp_path):
    status, out, _ = run("slim", EXAMPLE, "--ratio", "0.5", "--out", tmp_path / name, "--json")
    found = json.loads(out)
    assert status == 0
    assert Path(found["out"]) == tmp_path / name
    assert found["needs"].endswith(".")
    assert found["model"] == ""
    if name.endswith(".safetensors"):
        assert run("verify", EXAMPLE, tmp_path / name)[0] == 0


def test_slim_pickles_a_module_only_when_told_and_warns(run, tmp_path):
    status, out, _ = run(
        "slim", EXAMPLE, "--ratio", ".5", "--out", tmp_path / "s.pt", "--format", "pickle", "--json"
    )
    assert status == 0
    assert "runs code when it is opened" in json.loads(out)["file_notes"][0]
    status, _, err = run("slim", EXAMPLE, "--ratio", ".5", "--out", tmp_path / "s.xyz")
    assert status == 1
    assert "cannot write .xyz" in err


def test_slim_replaces_its_source_only_when_told(run, tmp_path):
    (tmp_path / "net.pt").write_bytes(Path(EXAMPLE).read_bytes())
    words = ("slim", tmp_path / "net.pt", "--ratio", ".5", "--out", tmp_path / "net.pt")
    status, _, err = run(*words)
    assert status == 1
    assert "--replace-original" in err
    assert (tmp_path / "net.pt").read_bytes() == Path(EXAMPLE).read_bytes()
    assert run(*words, "--replace-original")[0] == 0


def test_a_target_is_met_and_said_in_words(run, tmp_path):
    status, out, _ = run("slim", EXAMPLE, "--target", "macs=50%", "--out", tmp_path / "small.pt")
    assert status == 0
    assert "Asked for a model that keeps 50 % of the MACs" in out
    assert "Proven equal" in out


def test_targets_go_with_limits_and_say_what_they_leave_as_json(run):
    status, out, _ = run(
        "slim", EXAMPLE, "--target", "macs=-40%", "--target", "params=70%", "--lock", "stem",
        "--round-to", "4", "--importance", "l2", "--dry-run", "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert status == 0
    assert found["targets"]["macs"]["asked"] == "keeps 60 % of the MACs"
    assert found["macs"]["after"] == found["targets"]["macs"]["left"] <= 0.6 * found["macs"]["before"]
    assert found["params"]["after"] <= 0.7 * found["params"]["before"]
    assert 0 < found["importance_kept"] < 1
    assert found["counts"]["stem"] == 24
    assert {count % 4 for name, count in found["plan"]["counts"]} == {0}


def test_a_target_out_of_reach_is_refused_with_what_can_be_reached(run, tmp_path):
    words = ("slim", EXAMPLE, "--target", "macs=1%", "--min-ratio", "0.5", "--out", tmp_path / "small.pt")
    status, out, err = run(*words)
    assert (status, out) == (1, "")
    assert "No plan leaves only 1 % of the MACs." in err
    status, out, _ = run(*words, "--json")
    error = json.loads(out)["error"]
    assert (status, error["kind"]) == (1, "TargetError")
    assert 0.01 * error["reach"]["macs"]["maximum"] < error["reach"]["macs"]["minimum"]
    assert error["reach"]["macs"]["now"] == error["reach"]["macs"]["maximum"]
    assert not (tmp_path / "small.pt").exists()


@pytest.mark.parametrize(
    "words", [("--target", "flops=50%"), ("--target", "half"), ("--target", "macs=50%", "--ratio", "0.5")]
)
def test_a_target_written_wrongly_is_wrong_usage(run, words):
    status, _, err = run("slim", EXAMPLE, *words, "--dry-run")
    assert status == 2
    assert err


def test_channels_are_judged_by_the_users_data(run):
    heldout = str(Path(EXAMPLE).with_name("heldout.npz"))
    words = ("slim", EXAMPLE, "--target", "macs=60%", "--importance", "input", "--dry-run", "--json")
    status, out, _ = run(*words, "--samples", heldout, "--limit", "64")
    found = json.loads(out)
    assert status == 0
    assert "64 samples" in found["samples"]
    assert found["macs"]["after"] <= 0.6 * found["macs"]["before"]
    assert found["plan"]["indices"]  # whoever follows this plan needs no samples
    status, out, _ = run(*words)
    error = json.loads(out)["error"]
    assert (status, error["kind"]) == (1, "DataError")
    assert "--samples" in error["hint"]


def test_help_says_when_to_use_which_criterion(run):
    status, out, _ = run("slim", "--help")
    assert status == 0
    assert "taylor: With data" in " ".join(out.split())
