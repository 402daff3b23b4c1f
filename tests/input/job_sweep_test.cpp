// [sweep] of the job file.
// Long: every part of its one subject stands here.
#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"
#include "input/expect_says.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

class JobSweepTest : public ::testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(folder_.path() / "path/to/checkpoint");
        fs::create_directories(folder_.path() / "judge");
        fs::create_directories(folder_.path() / "prompts");
        folder_.write("prompts/benign.csv", "id,prompt\n1,hi\n");
        folder_.write("prompts/harmful.csv", "id,prompt\n1,ho\n");
        for (auto const name : {"list.csv", "rules.txt", "judge.txt", "human.csv", "known.csv"})
            folder_.write(name, "x\n");
    }

    Job load(std::string const& sweep, std::vector<std::string> const& overrides = {}) {
        return load_job(folder_.write("night.toml", base_ + sweep), overrides);
    }
    Job reload(Job const& job) { return load_job(folder_.write("again.toml", to_toml(job))); }

    TemporaryFolder folder_;
    std::string const base_ =
        "[model]\npath = \"path/to/checkpoint\"\n"
        "[[prompts]]\ngroup = \"benign\"\nfile = \"prompts/benign.csv\"\n"
        "[[prompts]]\ngroup = \"harmful\"\nfile = \"prompts/harmful.csv\"\n"
        "[[prompts]]\ngroup = \"borderline\"\nfile = \"prompts/benign.csv\"\n";
};

TEST_F(JobSweepTest, a_job_without_the_section_has_no_sweep) {
    Job const job = load("");
    EXPECT_FALSE(job.sweep.enabled);
    EXPECT_TRUE(job.sweep.prompts.empty());
    EXPECT_EQ(to_toml(job).find("[sweep"), std::string::npos);
}

TEST_F(JobSweepTest, an_empty_section_is_a_sweep_of_defaults) {
    SweepSpec const sweep = load("[sweep]\n").sweep;
    EXPECT_TRUE(sweep.enabled);
    EXPECT_EQ(sweep.prompts, std::vector<std::string>{"harmful"});
    EXPECT_EQ(sweep.side_effects, std::vector<std::string>{"benign"});
    EXPECT_EQ(sweep.max_new_tokens, 64);
    EXPECT_EQ(sweep.slots, 0);
    EXPECT_EQ(sweep.signals, (std::vector<std::string>{"activation", "gradient"}));
    EXPECT_EQ(sweep.classes, (std::vector<std::string>{"malicious-dominant", "benign-dominant"}));
    EXPECT_FALSE(sweep.sizes.has_value()) << "those that fit each class";
    EXPECT_TRUE(sweep.gap_thresholds.empty());
    EXPECT_EQ(sweep.modes, std::vector{EditMode::mask});
    EXPECT_EQ(sweep.scopes, std::vector{EditScope::both});
    EXPECT_EQ(sweep.controls.random, 20);
    EXPECT_EQ(sweep.controls.match, ControlMatch::layers);
    EXPECT_EQ(sweep.labels.method, LabelMethod::phrases);
    EXPECT_EQ(sweep.labels.mixed, MixedPairs::leave_out);
    EXPECT_TRUE(sweep.screen.enabled);
    EXPECT_TRUE(load("[sweep.screen]\n").sweep.screen.enabled);
    EXPECT_FALSE(load("[sweep.screen]\nenabled = false\n").sweep.screen.enabled);
}

TEST_F(JobSweepTest, a_sweep_that_compares_with_nothing_says_so) {
    EXPECT_EQ(load("[sweep]\ncontrols = { reverse = true }\n").sweep.controls.random, 20);
    EXPECT_EQ(load("[sweep]\ncontrols = { random = 0 }\n").sweep.controls.random, 0);
    EXPECT_TRUE(load("[sweep]\nside_effects = []\n").sweep.side_effects.empty());
    EXPECT_TRUE(load("[sweep]\nprompts = [\"harmful\", \"benign\"]\n").sweep.side_effects.empty());
}

TEST_F(JobSweepTest, sizes_fit_the_classes_unless_they_are_listed) {
    EXPECT_FALSE(load("[sweep]\nsizes = \"auto\"\n").sweep.sizes.has_value());
    EXPECT_EQ(load("[sweep]\nsizes = [3]\n").sweep.sizes, std::vector<std::int64_t>{3});
    Job const job = load("[sweep]\n");
    EXPECT_NE(to_toml(job).find("sizes = \"auto\"\n"), std::string::npos);
    EXPECT_SAYS(refusal(ExitCode::job, [&] { load("[sweep]\nsizes = \"all\"\n"); }), "[] for no grid");
}

TEST_F(JobSweepTest, a_grid_can_be_left_out_where_there_are_sets_of_ones_own) {
    std::string const trial = "[[sweep.trial]]\nname = \"mine\"\nexperts = [[0, 1]]\n";
    EXPECT_FALSE(load("[sweep]\nsignals = []\n" + trial).sweep.has_grid());
    EXPECT_FALSE(load("[sweep]\nsizes = []\n" + trial).sweep.has_grid());
    EXPECT_TRUE(load("[sweep]\n" + trial).sweep.has_grid());
    EXPECT_SAYS(refusal(ExitCode::job, [&] { load("[sweep]\nsignals = []\n"); }), "nothing to try");
    EXPECT_SAYS(refusal(ExitCode::job, [&] { load("[sweep]\nsizes = []\n"); }), "nothing to try");
}

TEST_F(JobSweepTest, the_default_prompts_are_the_malicious_group) {
    std::string const analysis = "[analysis]\nmalicious = \"borderline\"\n";
    EXPECT_EQ(load(analysis + "[sweep]\n").sweep.prompts, std::vector<std::string>{"borderline"});
}

std::string const every_key = R"(
[sweep]
prompts = ["harmful", "borderline"]
side_effects = ["benign"]
max_new_tokens = 4096
slots = 65536
signals = ["gradient-share", "activation"]
classes = ["shared", "weak-benign", "weak-malicious", "malicious-dominant"]
sizes = [7, 1]
gap_thresholds = { activation = [1, 0.30000000000000004], gradient-share = [0.1], "gradient" = [5.0, 1e-5] }
modes = ["bias", "steer", "zero-renormalise", "zero", "mask"]
scopes = ["decode", "prefill", "both"]
bias = [-1.5, 2]
controls = { random = 20, match = "traffic", reverse = true, bottom = true }
seed = 9223372036854775807
allow_fewer = true
[sweep.labels]
method = "judge"
phrases = "rules.txt"
judge = "judge"
judge_template = "judge.txt"
human = "human.csv"
mixed = "allow"
validation = "known.csv"
[sweep.screen]
mode = "steer"
limit = 5
refusals = ["I \"cannot\""]
compliances = ["Sure", "Here"]
[[sweep.trial]]
name = "ünï \"quoted\""
experts = [[7, 5], [0, 1]]
mode = "bias"
scope = "decode"
bias = 0.1
[[sweep.trial]]
name = "steered"
file = "list.csv"
mode = "steer"
activate = true
[[sweep.trial]]
name = "by weight"
file = "list.csv"
mode = "bias"
)";

TEST_F(JobSweepTest, every_key_is_read) {
    SweepSpec const sweep = load(every_key).sweep;
    EXPECT_EQ(sweep.prompts, (std::vector<std::string>{"harmful", "borderline"}));
    EXPECT_EQ(sweep.side_effects, std::vector<std::string>{"benign"});
    EXPECT_EQ(sweep.max_new_tokens, 4096);
    EXPECT_EQ(sweep.slots, 65536);
    EXPECT_EQ(sweep.signals, (std::vector<std::string>{"gradient-share", "activation"}));
    EXPECT_EQ(sweep.classes,
              (std::vector<std::string>{"shared", "weak-benign", "weak-malicious", "malicious-dominant"}));
    EXPECT_EQ(sweep.sizes, (std::vector<std::int64_t>{7, 1}));
    EXPECT_EQ(sweep.gap_thresholds,
              (std::map<std::string, std::vector<double>>{
                  {"activation", {1.0, 0.1 + 0.2}}, {"gradient", {5.0, 1e-5}}, {"gradient-share", {0.1}}}));
    EXPECT_EQ(sweep.modes, (std::vector{EditMode::bias, EditMode::steer, EditMode::zero_renormalise, EditMode::zero,
                                        EditMode::mask}));
    EXPECT_EQ(sweep.scopes, (std::vector{EditScope::decode, EditScope::prefill, EditScope::both}));
    EXPECT_EQ(sweep.bias, (std::vector<double>{-1.5, 2.0}));
    EXPECT_EQ(sweep.controls.random, 20);
    EXPECT_EQ(sweep.controls.match, ControlMatch::traffic);
    EXPECT_TRUE(sweep.controls.reverse);
    EXPECT_TRUE(sweep.controls.bottom);
    EXPECT_EQ(sweep.seed, 9223372036854775807u);
    EXPECT_TRUE(sweep.allow_fewer);
    EXPECT_EQ(sweep.labels.method, LabelMethod::judge);
    EXPECT_EQ(sweep.labels.phrases, folder_ / "rules.txt");
    EXPECT_EQ(sweep.labels.judge, folder_ / "judge");
    EXPECT_EQ(sweep.labels.judge_template, folder_ / "judge.txt");
    EXPECT_EQ(sweep.labels.human, folder_ / "human.csv");
    EXPECT_EQ(sweep.labels.validation, folder_ / "known.csv");
    EXPECT_TRUE(sweep.screen.enabled);
    EXPECT_EQ(sweep.screen.mode, EditMode::steer);
    EXPECT_EQ(sweep.screen.limit, 5);
    EXPECT_EQ(sweep.screen.refusals, std::vector<std::string>{"I \"cannot\""});
    EXPECT_EQ(sweep.screen.compliances, (std::vector<std::string>{"Sure", "Here"}));
    ASSERT_EQ(sweep.trials.size(), 3u);
    EXPECT_EQ(sweep.trials[0].experts, (std::vector<std::vector<std::int64_t>>{{7, 5}, {0, 1}}));
    EXPECT_EQ(sweep.trials[0].mode, EditMode::bias);
    EXPECT_EQ(sweep.trials[0].scope, EditScope::decode);
    EXPECT_EQ(sweep.trials[0].bias, 0.1);
    EXPECT_EQ(sweep.trials[1].file, folder_ / "list.csv");
    EXPECT_TRUE(sweep.trials[1].activate);
    EXPECT_EQ(sweep.trials[2].bias, 0.0);
}

TEST_F(JobSweepTest, the_resolved_sweep_reads_back) {
    for (std::string const& text : {std::string("[sweep]\n"), every_key}) {
        Job const job = load(text);
        Job const again = reload(job);
        EXPECT_EQ(to_toml(again), to_toml(job));
        EXPECT_EQ(again.sweep.seed, job.sweep.seed);
        EXPECT_EQ(again.sweep.gap_thresholds, job.sweep.gap_thresholds);
        EXPECT_EQ(again.sweep.screen.enabled, job.sweep.screen.enabled);
        EXPECT_EQ(again.sweep.screen.refusals, job.sweep.screen.refusals);
        EXPECT_EQ(again.sweep.modes, job.sweep.modes);
        ASSERT_EQ(again.sweep.trials.size(), job.sweep.trials.size());
        for (std::size_t i = 0; i < job.sweep.trials.size(); ++i) {
            EXPECT_EQ(again.sweep.trials[i].name, job.sweep.trials[i].name);
            EXPECT_EQ(again.sweep.trials[i].bias, job.sweep.trials[i].bias);
            EXPECT_EQ(again.sweep.trials[i].activate, job.sweep.trials[i].activate);
            EXPECT_EQ(again.sweep.trials[i].file, job.sweep.trials[i].file);
        }
    }
}

TEST_F(JobSweepTest, the_resolved_sweep_spells_out_every_default) {
    std::string const text = to_toml(load("[sweep]\n"));
    for (std::string const key :
         {"enabled",     "prompts",        "side_effects", "max_new_tokens", "slots",          "signals",  "classes",
          "sizes",       "gap_thresholds", "modes",        "scopes",         "bias",           "controls", "seed",
          "allow_fewer", "method",         "phrases",      "judge",          "judge_template", "human",    "validation",
          "mode",        "limit",          "refusals",     "compliances"}) {
        EXPECT_NE(text.find("\n" + key + " = "), std::string::npos) << key;
    }
}

TEST_F(JobSweepTest, overrides_reach_every_kind_of_value) {
    SweepSpec const sweep =
        load(every_key,
             {"sweep.sizes=[1,2]", "sweep.max_new_tokens=8", "sweep.slots=auto", "sweep.allow_fewer=false",
              "sweep.controls.random=3", "sweep.gap_thresholds.gradient-share=[0.2]", "sweep.modes=[\"mask\"]",
              "sweep.labels.method=phrases", "sweep.trial.0.experts=[[1,1]]", "sweep.screen.enabled=false"})
            .sweep;
    EXPECT_EQ(sweep.sizes, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(sweep.max_new_tokens, 8);
    EXPECT_EQ(sweep.slots, 0);
    EXPECT_FALSE(sweep.allow_fewer);
    EXPECT_EQ(sweep.controls.random, 3);
    EXPECT_TRUE(sweep.controls.reverse);  // only the named key changes
    EXPECT_EQ(sweep.gap_thresholds.at("gradient-share"), std::vector<double>{0.2});
    EXPECT_EQ(sweep.gap_thresholds.at("activation").size(), 2u);
    EXPECT_EQ(sweep.modes, std::vector{EditMode::mask});
    EXPECT_EQ(sweep.labels.method, LabelMethod::phrases);
    EXPECT_EQ(sweep.trials[0].experts, (std::vector<std::vector<std::int64_t>>{{1, 1}}));
    EXPECT_FALSE(sweep.screen.enabled);
    EXPECT_EQ(load("", {"sweep.sizes=[4]"}).sweep.sizes, std::vector<std::int64_t>{4});
}

TEST_F(JobSweepTest, a_disabled_sweep_is_the_job_without_it) {
    EXPECT_EQ(to_toml(load(every_key, {"sweep.enabled=false"})), to_toml(load("")));
    EXPECT_EQ(to_toml(load("", {"sweep.enabled=false"})), to_toml(load("")));
    EXPECT_EQ(to_toml(load("[sweep]\nenabled = true\n")), to_toml(load("[sweep]\n")));
    EXPECT_ERROR(load("[sweep]\nenabled = false\nsize = [1]\n"), ExitCode::job, "did you mean \"sizes\"?");
}

TEST_F(JobSweepTest, unknown_names_suggest_the_nearest) {
    EXPECT_ERROR(load("[sweep]\nsize = [1]\n"), ExitCode::job, "night.toml:13: unknown key \"size\" in [sweep]",
                 "did you mean \"sizes\"?");
    EXPECT_ERROR(load("[sweep]\ngap_thresholds = { activations = [0.1] }\n"), ExitCode::job,
                 "in [sweep] gap_thresholds", "did you mean \"activation\"?");
    EXPECT_ERROR(load("[sweep]\ncontrols = { randomm = 1 }\n"), ExitCode::job, "did you mean \"random\"?");
    EXPECT_ERROR(load("[sweep.labels]\nhumans = \"x\"\n"), ExitCode::job, "in [sweep] labels", "mean \"human\"?");
    EXPECT_ERROR(load("[sweep.screen]\nlimits = 1\n"), ExitCode::job, "in [sweep] screen", "mean \"limit\"?");
    EXPECT_ERROR(load("[[sweep.trial]]\nexpert = []\n"), ExitCode::job, "in [[sweep.trial]]", "mean \"experts\"?");
    EXPECT_ERROR(load("[sweeps]\n"), ExitCode::job, "did you mean \"sweep\"?");
    EXPECT_ERROR(load("[sweep]\nclasses = [\"benign-dominent\"]\n"), ExitCode::job,
                 "did you mean \"benign-dominant\"?");
    EXPECT_ERROR(load("[sweep]\nprompts = [\"harmfull\"]\n"), ExitCode::job, "did you mean \"harmful\"?");
}

TEST_F(JobSweepTest, wrong_values_are_refused_with_what_is_allowed) {
    struct Case {
        std::string text, words;
    };
    for (auto const& [text, words] : std::vector<Case>{
             {"enabled = 1", "true or false"},
             {"prompts = []", "at least one entry"},
             {"prompts = \"harmful\"", "a list of texts"},
             {"prompts = [1]", "(1 is wrong)"},
             {"prompts = [\"nobody\"]", "only [\"benign\", \"harmful\", \"borderline\"]"},
             {"prompts = [\"harmful\", \"harmful\"]", "every entry once"},
             {"side_effects = [\"nobody\"]", "\"nobody\" is none of them"},
             {"side_effects = [\"benign\", \"benign\"]", "every entry once"},
             {"side_effects = [\"harmful\"]", "groups that are not in prompts"},
             {"max_new_tokens = 0", "from 1 to 4096"},
             {"max_new_tokens = 4097", "from 1 to 4096"},
             {"slots = 0", "from 1 to 65536"},
             {"slots = 65537", "from 1 to 65536"},
             {"slots = \"many\"", "\"auto\" or a whole number from 1 to 65536"},
             {"signals = []", "at least one entry"},
             {"signals = [\"activation\", \"activation\"]", "every entry once"},
             {"signals = [\"loss\"]", "only [\"activation\", \"gradient\", \"gradient-share\"]"},
             {"classes = []", "at least one entry"},
             {"classes = [\"uncertain\"]", "\"uncertain\" is none of them"},
             {"sizes = []", "at least one entry"},
             {"sizes = 3", "a list of whole numbers"},
             {"sizes = [0]", "(0 is wrong)"},
             {"sizes = [1.0]", "a list of whole numbers"},
             {"sizes = [2, 1, 2]", "entry 2, counted from 0, is there twice"},
             {"gap_thresholds = 0.1", "give a table with activation, gradient, gradient-share"},
             {"gap_thresholds = { activation = [] }", "at least one entry"},
             {"gap_thresholds = { activation = 0.1 }", "a list of numbers"},
             {"gap_thresholds = { activation = [0.1, 0.1] }", "every entry once"},
             {"gap_thresholds = { activation = [0] }", "numbers above 0 and at most 1 (0 is wrong)"},
             {"gap_thresholds = { activation = [1.1] }", "at most 1 (1.1 is wrong)"},
             {"gap_thresholds = { gradient-share = [2.0] }", "at most 1"},
             {"gap_thresholds = { gradient = [inf] }", "numbers above 0 (inf is wrong)"},
             {"gap_thresholds = { gradient = [nan] }", "(nan is wrong)"},
             {"modes = []", "at least one entry"},
             {"modes = [\"masks\"]", "did you mean \"mask\"?"},
             {"modes = [\"mask\", \"mask\"]", "every entry once"},
             {"modes = \"mask\"", "a list of texts"},
             {"scopes = [\"all\"]", "only [\"prefill\", \"decode\", \"both\"]"},
             {"bias = []", "at least one entry"},
             {"bias = [0]", "numbers other than 0"},
             {"bias = [inf]", "at most 1e6 either way (inf is wrong)"},
             {"bias = [nan]", "(nan is wrong)"},
             {"bias = [1, 1.0]", "every entry once"},
             {"controls = 5", "a table with random"},
             {"controls = { random = -1 }", "from 0 to 10000"},
             {"controls = { match = \"layer\" }", "\"size\" or \"layers\" or \"traffic\""},
             {"controls = { reverse = 1 }", "true or false"},
             {"controls = { bottom = \"yes\" }", "true or false"},
             {"seed = -1", "at least 0"},
             {"allow_fewer = 0", "true or false"},
             {"labels = { method = \"words\" }", "\"phrases\" or \"judge\""},
             {"labels = { method = \"judge\" }", "there is no judge"},
             {"labels = { human = 3 }", "a text"},
             {"screen = { enabled = 1 }", "true or false"},
             {"screen = { mode = \"bias\" }", "\"mask\" or \"zero\""},
             {"screen = { limit = 0 }", "at least 1"},
             {"screen = { refusals = [\"\"] }", "texts that are not empty"},
             {"screen = { compliances = [\"a\", \"a\"] }", "each once"},
             {"trial = [1]", "write [[sweep.trial]]"},
             {"trial = {}", "write [[sweep.trial]]"},
         }) {
        EXPECT_ERROR(load("[sweep]\n" + text + "\n"), ExitCode::job, "night.toml:13: ", words);
    }
    EXPECT_ERROR(load("sweep = 3\n" + base_), ExitCode::job, "night.toml:");
    EXPECT_ERROR(load("", {"sweep.sizes=[0]"}), ExitCode::job, "--set sweep.sizes=[0]: ");
}

TEST_F(JobSweepTest, custom_trials_are_checked) {
    struct Case {
        std::string text, words;
    };
    std::string const pair = "experts = [[0, 1]]";
    for (auto const& [text, words] : std::vector<Case>{
             {pair, "name is missing"},
             {"name = \"\"\n" + pair, "a name without control characters"},
             {"name = \"a\\nb\"\n" + pair, "a name without control characters"},
             {"name = \"x\"", "\"x\" has neither experts nor file"},
             {"name = \"x\"\nfile = \"list.csv\"\n" + pair, "\"x\" has both experts and file"},
             {"name = \"x\"\nexperts = []", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = 7", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = [7, 5]", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = [[7]]", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = [[7, 5, 1]]", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = [[-1, 5]]", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = [[1.0, 5]]", "a list of [layer, expert] pairs"},
             {"name = \"x\"\nexperts = [[7, 5], [7, 5]]", "[7, 5] is there twice"},
             {"name = \"x\"\nfile = \"\"", "the path of a file"},
             {"name = \"x\"\nmode = \"off\"\n" + pair, "\"mask\" or \"zero\""},
             {"name = \"x\"\nscope = \"all\"\n" + pair, "\"prefill\" or \"decode\" or \"both\""},
             {"name = \"x\"\nmode = \"bias\"\n" + pair, "bias is missing"},
             {"name = \"x\"\nmode = \"bias\"\nbias = 0\n" + pair, "a number other than 0"},
             {"name = \"x\"\nmode = \"bias\"\nbias = nan\n" + pair, "a number other than 0"},
             {"name = \"x\"\nmode = \"mask\"\nbias = 1\n" + pair, "together with mode = \"bias\""},
             {"name = \"x\"\nactivate = true\n" + pair, "together with mode = \"steer\""},
             {"name = \"x\"\nmode = \"steer\"\nactivate = 1\n" + pair, "true or false"},
             {"name = \"x\"\n" + pair + "\n[[sweep.trial]]\nname = \"x\"\n" + pair, "no other [[sweep.trial]]"},
         }) {
        EXPECT_ERROR(load("[[sweep.trial]]\n" + text + "\n"), ExitCode::job, "night.toml:", words);
    }
}

TEST_F(JobSweepTest, missing_files_have_their_own_code) {
    EXPECT_ERROR(load("[[sweep.trial]]\nname = \"x\"\nfile = \"no.csv\"\n"), ExitCode::input_missing, "no.csv");
    for (std::string const key : {"phrases", "judge", "judge_template", "human", "validation"}) {
        EXPECT_ERROR(load("[sweep.labels]\n" + key + " = \"nowhere\"\n"), ExitCode::input_missing, "nowhere");
    }
    EXPECT_ERROR(load("[sweep.labels]\njudge = \"list.csv\"\n"), ExitCode::input_missing, "there is no folder");
}

// The example that the documentation gives, word for word.
TEST_F(JobSweepTest, the_documented_example_is_a_job) {
    std::string const text = R"([model]
path  = "path/to/checkpoint"     # config.json, *.safetensors (+ index), tokenizer.model
dtype = "bfloat16"               # float32 | bfloat16 | auto (the checkpoint's)

[parallel]
expert_parallel = 8              # ranks that hold one copy of the experts together; world = copies x expert_parallel
device = "auto"                  # cpu | cuda | auto
threads = "auto"                 # per rank; auto = cores of the node / ranks on it

[[prompts]]
group  = "benign"                # the two groups that analysis compares are named in [analysis]
file   = "prompts/benign.csv"    # csv | jsonl | json, .gz too
column = "prompt"                # optional
where  = { label = "safe" }      # optional row filter: column = value
limit  = 100                     # optional
template = "chat"                # chat (the checkpoint's template) | raw ; jsonl rows may carry "token_ids" instead

[[prompts]]
group = "harmful"
file  = "prompts/harmful.csv"

[signals]
batch_tokens = 8192              # tokens packed into one pass of one group of ranks

[analysis]
benign = "benign"                # which group plays which part
malicious = "harmful"
coverage = [0.80, 0.90, 0.95]
top = 10
activation = { gap = 0.05, min = 0.08 }
gradient   = { gap = 1e-4, min = 1e-4 }

[sweep]
prompts = ["harmful"]            # groups that are generated on and labelled
side_effects = ["benign"]        # groups watched for over-refusal and perplexity
max_new_tokens = 64
signals = ["activation", "gradient"]
classes = ["benign-dominant"]
sizes   = [1, 2, 3, 5, 10]
gap_thresholds = { activation = [0.03, 0.05, 0.08], gradient = [5e-5, 1e-4, 2e-4] }
modes   = ["mask"]               # mask | zero | zero-renormalise | steer | bias
controls = { random = 20, reverse = true, bottom = true }

[[sweep.trial]]                  # sets of the user's own, beside the grid
name = "from-the-paper"
experts = [[7, 5], [12, 1], [15, 1], [27, 3]]     # [layer, expert], 0-based
mode = "mask"
)";
    Job const job = load_job(folder_.write("example.toml", text));
    EXPECT_EQ(job.sweep.gap_thresholds.at("gradient"), (std::vector<double>{5e-5, 1e-4, 2e-4}));
    EXPECT_EQ(job.sweep.controls.random, 20);
    ASSERT_EQ(job.sweep.trials.size(), 1u);
    EXPECT_EQ(job.sweep.trials[0].experts.back(), (std::vector<std::int64_t>{27, 3}));
    EXPECT_EQ(to_toml(reload(job)), to_toml(job));
}

// Whatever the bytes, the answer is a job or an Error.
TEST_F(JobSweepTest, damaged_sweeps_never_do_worse_than_an_error) {
    std::string const whole = to_toml(load(every_key));
    std::size_t const begin = whole.find("[sweep]");
    std::uint64_t state = 1;
    int refused = 0;
    for (int i = 0; i < 400; ++i) {
        std::string text = whole;
        for (int change = 0; change < 3; ++change) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[begin + (state >> 33) % (text.size() - begin)] = static_cast<char>(state >> 25);
        }
        try {
            load_job(folder_.write("damaged.toml", text));
        } catch (Error const&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace gatesweep
