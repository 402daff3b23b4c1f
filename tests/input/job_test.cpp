// Job files, but for [sweep]. Long: each key has its own cases.
#include "gatesweep/input/job.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gatesweep/base/error.h"
#include "gatesweep/input/job_writer.h"
#include "input/expect_says.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// A folder with a model folder, two prompt files and one job.
class JobTest : public ::testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(folder_.path() / "model");
        folder_.write("benign.csv", "id,prompt\n1,hi\n");
        folder_.write("harmful.csv", "id,prompt\n1,ho\n");
    }

    Job load(std::string const& text, std::vector<std::string> const& overrides = {}) {
        return load_job(folder_.write("night.toml", text), overrides);
    }

    // The message of the error that loading must raise.
    std::string refusal(std::string const& text, ExitCode code, std::vector<std::string> const& overrides = {}) {
        try {
            load(text, overrides);
        } catch (Error const& error) {
            EXPECT_EQ(error.code(), code) << error.what();
            return error.what();
        }
        ADD_FAILURE() << "no error for\n" << text;
        return "";
    }

    TemporaryFolder folder_;
    std::string const minimal_ =
        "[model]\npath = \"model\"\n"
        "[[prompts]]\ngroup = \"benign\"\nfile = \"benign.csv\"\n"
        "[[prompts]]\ngroup = \"harmful\"\nfile = \"harmful.csv\"\n";
};

TEST_F(JobTest, minimal_job_has_the_documented_defaults) {
    Job const job = load(minimal_);
    EXPECT_EQ(job.name, "night");
    EXPECT_EQ(job.model.path, folder_.path() / "model");
    EXPECT_EQ(job.model.dtype, WeightType::automatic);
    EXPECT_EQ(job.model.tokenization, Tokenization::huggingface);
    EXPECT_EQ(job.model.special_in_text, SpecialInText::text);
    EXPECT_EQ(job.parallel.expert_parallel, 1);
    EXPECT_EQ(job.parallel.threads, 0);
    ASSERT_EQ(job.prompts.size(), 2u);
    EXPECT_EQ(job.prompts[1].file, folder_.path() / "harmful.csv");
    EXPECT_EQ(job.prompts[1].limit, 0);
    EXPECT_EQ(job.signals.batch_tokens, 8192);
    EXPECT_EQ(job.analysis.coverage, (std::vector<double>{0.80, 0.90, 0.95}));
    EXPECT_EQ(job.analysis.limits(SignalKind::activation).min, 0.08);
    EXPECT_EQ(job.analysis.limits(SignalKind::gradient).gap, 1e-4);
    EXPECT_TRUE(job.report.mark.empty());
}

TEST_F(JobTest, every_key_is_read) {
    folder_.write("mark.csv", "layer,expert\n7,5\n");
    Job const job = load(R"(
[model]
path = "model"
dtype = "bfloat16"
tokenization = "huggingface"
special_in_text = "parse"
[parallel]
expert_parallel = 8
device = "cuda"
threads = 3
[[prompts]]
group = "plain"
file = "benign.csv"
column = "prompt"
where = { label = "safe", type = "a b" }
limit = 100
template = "raw"
[[prompts]]
group = "red"
file = "harmful.csv"
[[prompts]]
group = "red"
file = "benign.csv"
[signals]
batch_tokens = 64
memory = "4 GB"
stream = true
[analysis]
benign = "plain"
malicious = "red"
coverage = [0.5]
top = 3
activation = { gap = 0.1, min = 0 }
gradient = { min = 2e-5 }
[report]
title = "A night"
mark = "mark.csv"
)");
    EXPECT_EQ(job.model.dtype, WeightType::bfloat16);
    EXPECT_EQ(job.model.special_in_text, SpecialInText::parse);
    EXPECT_EQ(job.parallel.expert_parallel, 8);
    EXPECT_EQ(job.parallel.device, DeviceKind::cuda);
    EXPECT_EQ(job.parallel.threads, 3);
    ASSERT_EQ(job.prompts.size(), 3u);
    EXPECT_EQ(job.prompts[0].column, "prompt");
    EXPECT_EQ(job.prompts[0].where, (std::map<std::string, std::string>{{"label", "safe"}, {"type", "a b"}}));
    EXPECT_EQ(job.prompts[0].limit, 100);
    EXPECT_EQ(job.prompts[0].prompt_template, TemplateKind::raw);
    EXPECT_EQ(job.prompts[1].prompt_template, TemplateKind::chat);
    EXPECT_EQ(job.signals.memory, 4'000'000'000u);
    EXPECT_EQ(job.signals.stream, StreamMode::always);
    EXPECT_EQ(job.analysis.coverage, std::vector<double>{0.5});
    EXPECT_EQ(job.analysis.limits(SignalKind::activation).gap, 0.1);
    EXPECT_EQ(job.analysis.limits(SignalKind::activation).min, 0.0);
    EXPECT_EQ(job.analysis.limits(SignalKind::gradient).gap, 1e-4);  // not given: the default stays
    EXPECT_EQ(job.analysis.limits(SignalKind::gradient).min, 2e-5);
    EXPECT_EQ(job.report.title, "A night");
    EXPECT_EQ(job.report.mark, folder_.path() / "mark.csv");
}

TEST_F(JobTest, sizes_are_read) {
    for (auto const& [text, bytes] : std::vector<std::pair<std::string, std::uint64_t>>{{"\"512 MiB\"", 512ull << 20},
                                                                                        {"\"1.5GiB\"", 3ull << 29},
                                                                                        {"\"7 kB\"", 7000},
                                                                                        {"\"2 tb\"", 2'000'000'000'000},
                                                                                        {"\"12\"", 12},
                                                                                        {"1000", 1000},
                                                                                        {"\"auto\"", 0}}) {
        EXPECT_EQ(load(minimal_ + "[signals]\nmemory = " + text).signals.memory, bytes) << text;
    }
    for (std::string const text :
         {"\"lots\"", "0", "-5", "\"4 QB\"", "\"4 iB\"", "\"-1 GB\"", "\"1e300 GB\"", "\"nan\"", "4.5", "\"\"", "[]"}) {
        EXPECT_SAYS(refusal(minimal_ + "[signals]\nmemory = " + text, ExitCode::job), "512 MiB");
    }
}

TEST_F(JobTest, streaming_is_a_flag_or_automatic_and_excludes_a_sweep) {
    EXPECT_EQ(load(minimal_).signals.stream, StreamMode::automatic);
    for (auto const& [text, mode] : std::vector<std::pair<std::string, StreamMode>>{
             {"\"auto\"", StreamMode::automatic}, {"true", StreamMode::always}, {"false", StreamMode::never}}) {
        Job const job = load(minimal_ + "[signals]\nstream = " + text);
        EXPECT_EQ(job.signals.stream, mode) << text;
        EXPECT_SAYS(to_toml(job), "stream = " + text + "\n");
    }
    for (std::string const text : {"\"yes\"", "1", "\"true\"", "[]"})
        EXPECT_SAYS(refusal(minimal_ + "[signals]\nstream = " + text, ExitCode::job), "\"auto\", true or false");
    std::string const both = minimal_ + "[signals]\nstream = true\n[sweep]\nsizes = [1]\n";
    EXPECT_SAYS(refusal(both, ExitCode::job), "night.toml:9");
    EXPECT_SAYS(refusal(both, ExitCode::job), "all weights in memory");
    EXPECT_EQ(load(both, {"sweep.enabled=false"}).signals.stream, StreamMode::always);
    EXPECT_EQ(load(both, {"signals.stream=auto"}).signals.stream, StreamMode::automatic);
}

TEST_F(JobTest, the_resolved_job_is_a_job_again) {
    folder_.write("odd \"name\" \\ ünï\t.csv", "prompt\nx\n");
    std::string const text = minimal_ + R"(
[[prompts]]
group = "ünï \"quoted\" \\ #"
file = "harmful.csv"
column = "the 'column'"
where = { "a.b = \"c\"" = "line\none\u0001\u007F", "" = "" }
limit = 9007199254740993
[signals]
memory = 123456789012345678
[analysis]
coverage = [0.1, 0.30000000000000004, 1e-300, 0.9999999999999999]
gradient = { gap = 1, min = 5e-324 }
[report]
title = "]]\ntitle = \"x\""
)";
    Job const job = load(text, {"model.dtype=float32", "parallel.device=cpu"});
    fs::path const again_file = folder_.write("again.toml", to_toml(job));
    Job const again = load_job(again_file);
    EXPECT_EQ(to_toml(again), to_toml(job));
    EXPECT_EQ(again.model.path, job.model.path);
    EXPECT_EQ(again.model.dtype, WeightType::float32);
    EXPECT_EQ(again.parallel.device, DeviceKind::cpu);
    ASSERT_EQ(again.prompts.size(), 3u);
    EXPECT_EQ(again.prompts[2].group, "ünï \"quoted\" \\ #");
    EXPECT_EQ(again.prompts[2].where,
              (std::map<std::string, std::string>{{"a.b = \"c\"", "line\none\x01\x7F"}, {"", ""}}));
    EXPECT_EQ(again.prompts[2].limit, 9007199254740993);
    EXPECT_EQ(again.signals.memory, 123456789012345678u);
    EXPECT_EQ(again.analysis.coverage, job.analysis.coverage);
    EXPECT_EQ(again.analysis.limits(SignalKind::gradient).gap, 1.0);
    EXPECT_EQ(again.analysis.limits(SignalKind::gradient).min, 5e-324);
    EXPECT_EQ(again.report.title, job.report.title);
}

TEST_F(JobTest, the_resolved_job_spells_out_every_default) {
    std::string const text = to_toml(load(minimal_));
    for (std::string const key :
         {"path",          "dtype",        "tokenization", "special_in_text", "expert_parallel", "device",
          "threads",       "group",        "file",         "column",          "where",           "limit",
          "template",      "batch_tokens", "memory",       "stream",          "benign",          "malicious",
          "coverage",      "top",          "activation",   "gradient",        "title",           "mark",
          "gemm",          "dispatch",     "overlap",      "graphs",          "batch_invariant", "gpu_kernels",
          "gradient-share"}) {
        EXPECT_SAYS(text, "\n" + key + " = ");
    }
}

TEST_F(JobTest, settings_are_keys_that_the_environment_overrides) {
    Job const job = load(minimal_, {"parallel.dispatch=gathered", "parallel.gemm=portable", "parallel.graphs=on"});
    EXPECT_EQ(job.parallel.settings.word(Setting::dispatch), "gathered");
    EXPECT_EQ(job.parallel.settings.word(Setting::gemm), "portable");
    EXPECT_EQ(job.parallel.settings.word(Setting::overlap), "off");
    EXPECT_ERROR(load(minimal_, {"parallel.dispatch=padded"}), ExitCode::job, "dispatch", "auto, counted or gathered");
    ASSERT_EQ(::setenv("GATESWEEP_DECODE_DISPATCH", "counted", 1), 0);
    EXPECT_SAYS(to_toml(load(minimal_, {"parallel.dispatch=gathered"})), "\ndispatch = \"counted\"\n");
    EXPECT_SAYS(to_toml(load(minimal_)), "\ndispatch = \"counted\"\n");
    ASSERT_EQ(::unsetenv("GATESWEEP_DECODE_DISPATCH"), 0);
}

TEST_F(JobTest, the_tokenizer_is_chosen_by_name) {
    EXPECT_EQ(load(minimal_, {"model.tokenization=mistral"}).model.tokenization, Tokenization::mistral);
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"model.tokenization=mistrall"}), "mistral");
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"model.tokenization=mistral", "model.special_in_text=parse"}),
                "special_in_text");
}

TEST_F(JobTest, overrides_replace_what_the_file_says) {
    folder_.write("other.csv", "prompt\nx\n");
    Job const job =
        load(minimal_ + "[analysis]\nactivation = { gap = 0.2, min = 0.3 }\n",
             {"parallel.expert_parallel=2", "signals.batch_tokens=64", "model.dtype=float32", "prompts.0.limit=10",
              "prompts.1.file=other.csv", "prompts.1.where={ label = \"safe\" }", "analysis.coverage=[0.5, 0.6]",
              "analysis.activation.gap=0.4", "analysis.gradient={gap=0.5}", "report.title=two words, \"quoted\"",
              "signals.memory=2 GB", "prompts.0.where.\"a=b\"=\"1\""});
    EXPECT_EQ(job.parallel.expert_parallel, 2);
    EXPECT_EQ(job.signals.batch_tokens, 64);
    EXPECT_EQ(job.model.dtype, WeightType::float32);
    EXPECT_EQ(job.prompts[0].limit, 10);
    EXPECT_EQ(job.prompts[0].where, (std::map<std::string, std::string>{{"a=b", "1"}}));
    EXPECT_EQ(job.prompts[1].limit, 0);
    EXPECT_EQ(job.prompts[1].file, folder_.path() / "other.csv");
    EXPECT_EQ(job.prompts[1].where, (std::map<std::string, std::string>{{"label", "safe"}}));
    EXPECT_EQ(job.analysis.coverage, (std::vector<double>{0.5, 0.6}));
    EXPECT_EQ(job.analysis.limits(SignalKind::activation).gap, 0.4);
    EXPECT_EQ(job.analysis.limits(SignalKind::activation).min, 0.3);  // only the named key changes
    EXPECT_EQ(job.analysis.limits(SignalKind::gradient).gap, 0.5);
    EXPECT_EQ(job.report.title, "two words, \"quoted\"");
    EXPECT_EQ(job.signals.memory, 2'000'000'000u);
}

TEST_F(JobTest, later_overrides_win) {
    EXPECT_EQ(load(minimal_, {"analysis.top=3", "analysis.top=4"}).analysis.top, 4);
}

TEST_F(JobTest, errors_of_overrides_name_the_argument) {
    std::string message = refusal(minimal_, ExitCode::job, {"signals.batch_tokens=0"});
    EXPECT_SAYS(message, "--set signals.batch_tokens=0: ");
    EXPECT_SAYS(message, "at least 1");
    message = refusal(minimal_, ExitCode::job, {"signals.batch_token=1"});
    EXPECT_SAYS(message, "did you mean \"batch_tokens\"");
    message = refusal(minimal_, ExitCode::job, {"prompts.2.limit=1"});
    EXPECT_SAYS(message, "--set prompts.2.limit=1");
    EXPECT_SAYS(message, "it has 2");
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"prompts.x.limit=1"}), "no entry \"x\"");
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"prompts=[]"}), "[[prompts]]");
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"model=7"}), "[model] is 7");
    for (std::string const& wrong :
         std::vector<std::string>{"batch_tokens", "", "=1", "a.b=", "analysis.coverage=[0.1,", "a..b=1", "a=\"x",
                                  "a=1\nb=2", std::string(100, '.') + "=1"}) {
        EXPECT_SAYS(refusal(minimal_, ExitCode::usage, {wrong}), "--set section.key=value");
    }
}

TEST_F(JobTest, unknown_names_suggest_the_nearest) {
    std::string message = refusal(minimal_ + "\n[signals]\n\nbatch_token = 1\n", ExitCode::job);
    EXPECT_SAYS(message, "night.toml:12: unknown key \"batch_token\" in [signals]");
    EXPECT_SAYS(message, "did you mean \"batch_tokens\"?");
    message = refusal(minimal_ + "[analisys]\ntop = 1\n", ExitCode::job);
    EXPECT_SAYS(message, "night.toml:9: unknown section \"analisys\"");
    EXPECT_SAYS(message, "did you mean \"analysis\"?");
    EXPECT_SAYS(refusal(minimal_ + "[analysis]\nactivation = { gapp = 1 }\n", ExitCode::job),
                "in [analysis] activation");
    EXPECT_SAYS(refusal(minimal_ + "templat = \"raw\"\n", ExitCode::job), "did you mean \"template\"?");
    EXPECT_SAYS(refusal("zzzzzzzzzz = 1\n" + minimal_, ExitCode::job), "known are model, parallel");
}

TEST_F(JobTest, wrong_values_are_refused_with_what_is_allowed) {
    struct Case {
        std::string text, words;
    };
    for (auto const& [text, words] : std::vector<Case>{
             {"[parallel]\nexpert_parallel = 0", "from 1 to 4096"},
             {"[parallel]\nexpert_parallel = 4097", "from 1 to 4096"},
             {"[parallel]\nexpert_parallel = \"2\"", "[parallel] expert_parallel = \"2\""},
             {"[parallel]\nexpert_parallel = 2.0", "from 1 to 4096"},
             {"[parallel]\ndevice = \"gpu\"", "\"cpu\" or \"cuda\" or \"auto\""},
             {"[parallel]\ndevice = true", "device = true"},
             {"[parallel]\nthreads = 0", "from 1 to 1024"},
             {"[parallel]\nthreads = \"many\"", "\"auto\" or a whole number from 1 to 1024"},
             {"[signals]\nbatch_tokens = -1", "at least 1"},
             {"[signals]\nbatch_tokens = 1979-05-27", "a date or time"},
             {"[analysis]\ncoverage = []", "at least one"},
             {"[analysis]\ncoverage = 0.5", "a list of numbers"},
             {"[analysis]\ncoverage = [0.5, \"x\"]", "without \"x\""},
             {"[analysis]\ncoverage = [0.5, 1.0]", "between 0 and 1"},
             {"[analysis]\ncoverage = [0.0]", "between 0 and 1"},
             {"[analysis]\ncoverage = [nan]", "between 0 and 1"},
             {"[analysis]\ncoverage = [0.5, 0.5]", "each once"},
             {"[analysis]\ntop = 0", "from 1 to"},
             {"[analysis]\nactivation = { gap = 0.0 }", "above 0"},
             {"[analysis]\nactivation = { gap = 1.5 }", "at most 1"},
             {"[analysis]\nactivation = { gap = nan }", "at most 1"},
             {"[analysis]\nactivation = { min = -0.1 }", "at least 0"},
             {"[analysis]\ngradient = { gap = inf }", "above 0"},
             {"[analysis]\ngradient = { min = inf }", "at least 0"},
             {"[analysis]\ngradient = 3", "gradient is 3: give a table with gap, min"},
             {"[analysis]\nbenign = 3", "a text"},
             {"[signals]\n[[signals.x]]", "unknown key \"x\""},
             {"[report]\ntitle = 3", "a text"},
         }) {
        std::string const message = refusal(minimal_ + text + "\n", ExitCode::job);
        EXPECT_SAYS(message, words);
        EXPECT_SAYS(message, "night.toml:");
    }
}

TEST_F(JobTest, prompt_sections_are_checked) {
    std::string const model = "[model]\npath = \"model\"\n";
    EXPECT_SAYS(refusal(model, ExitCode::job), "there is no [[prompts]]");
    EXPECT_SAYS(refusal(model + "[prompts]\ngroup = \"x\"\n", ExitCode::job), "write [[prompts]]");
    EXPECT_SAYS(refusal("prompts = [1]\n" + model, ExitCode::job), "write [[prompts]]");
    EXPECT_SAYS(refusal(model + "[[prompts]]\ngroup = \"x\"\n", ExitCode::job), "night.toml:3: file is missing");
    EXPECT_SAYS(refusal(model + "[[prompts]]\nfile = \"benign.csv\"\n", ExitCode::job),
                "night.toml:3: group is missing");
    for (std::string const group : {"", "\\u0007", "a\\nb", "\\u0085", "\\u007f"}) {
        EXPECT_SAYS(refusal(model + "[[prompts]]\nfile = \"benign.csv\"\ngroup = \"" + group + "\"\n", ExitCode::job),
                    "control characters");
    }
    EXPECT_SAYS(refusal(minimal_ + "limit = -1\n", ExitCode::job), "at least 0");
    EXPECT_SAYS(refusal(minimal_ + "where = \"label\"\n", ExitCode::job), "{ column = \"value\" }");
    EXPECT_SAYS(refusal(minimal_ + "where = { label = 1 }\n", ExitCode::job), "write it in quotes");
}

TEST_F(JobTest, the_two_groups_must_exist_and_differ) {
    std::string const text =
        "[model]\npath = \"model\"\n[[prompts]]\ngroup = \"safe\"\nfile = \"benign.csv\"\n[[prompts]]\ngroup = "
        "\"unsafe\"\nfile = "
        "\"benign.csv\"\n";
    EXPECT_SAYS(refusal(text, ExitCode::job), "the groups are \"safe\", \"unsafe\"");
    EXPECT_SAYS(refusal(text, ExitCode::job), "set [analysis] benign");
    EXPECT_SAYS(refusal(text + "[analysis]\nbenign = \"safe\"\n", ExitCode::job), "set [analysis] malicious");
    EXPECT_SAYS(refusal(text + "[analysis]\nbenign = \"safe\"\nmalicious = \"safe\"\n", ExitCode::job),
                "both \"safe\"");
    EXPECT_EQ(load(text + "[analysis]\nbenign = \"safe\"\nmalicious = \"unsafe\"\n").analysis.malicious, "unsafe");
}

TEST_F(JobTest, inputs_are_looked_for_beside_the_job_then_in_the_working_folder) {
    TemporaryFolder const elsewhere;
    elsewhere.write("only-here.csv", "prompt\nx\n");
    elsewhere.write("benign.csv", "prompt\ny\n");
    fs::path const before = fs::current_path();
    fs::current_path(elsewhere.path());
    std::string const text = minimal_ + "[[prompts]]\ngroup = \"third\"\nfile = \"only-here.csv\"\n";
    Job const job = load(text);
    std::string const missing = refusal(minimal_, ExitCode::input_missing, {"prompts.0.file=nowhere.csv"});
    fs::current_path(before);
    EXPECT_EQ(job.prompts[0].file, folder_.path() / "benign.csv");
    EXPECT_TRUE(fs::equivalent(job.prompts[2].file, elsewhere.path() / "only-here.csv"));
    EXPECT_TRUE(job.prompts[2].file.is_absolute());
    EXPECT_SAYS(missing, (folder_.path() / "nowhere.csv").string());
    EXPECT_SAYS(missing, (fs::canonical(elsewhere.path()) / "nowhere.csv").string());
}

TEST_F(JobTest, paths_lose_their_dots_unless_a_link_gives_them_meaning) {
    fs::create_directories(folder_.path() / "deep/er");
    EXPECT_EQ(load(minimal_, {"model.path=deep/../model"}).model.path, folder_.path() / "model");
    fs::create_directory_symlink(folder_.path() / "deep/er", folder_.path() / "link");
    fs::create_directories(folder_.path() / "deep/model");
    EXPECT_TRUE(fs::equivalent(load(minimal_, {"model.path=link/../model"}).model.path, folder_.path() / "deep/model"));
}

TEST_F(JobTest, missing_inputs_have_their_own_code) {
    EXPECT_SAYS(refusal(minimal_, ExitCode::input_missing, {"model.path=nowhere"}), "there is no folder nowhere");
    EXPECT_SAYS(refusal(minimal_, ExitCode::input_missing, {"model.path=benign.csv"}), "there is no folder");
    EXPECT_SAYS(refusal(minimal_, ExitCode::input_missing, {"prompts.0.file=model"}), "there is no file");
    EXPECT_SAYS(refusal(minimal_, ExitCode::input_missing, {"report.mark=x.csv"}), "there is no file x.csv");
    EXPECT_SAYS(refusal("[parallel]\n", ExitCode::job), "no [model]");
    EXPECT_SAYS(refusal("[model]\n", ExitCode::job), "path is missing");
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"model.path=\"\""}), "the path of a folder");
    EXPECT_SAYS(refusal(minimal_, ExitCode::job, {"model.path=\"a\\u0000b\""}), "the path of a folder");
    try {
        load_job(folder_.path() / "no.toml");
        FAIL();
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::input_missing);
        EXPECT_SAYS(std::string(error.what()), "no.toml");
    }
}

TEST_F(JobTest, what_is_no_toml_is_refused_with_its_line) {
    EXPECT_SAYS(refusal("[model]\npath = \"x\n", ExitCode::job), "night.toml:2: not valid TOML");
    EXPECT_SAYS(refusal("[model]\npath = 1\npath = 2\n", ExitCode::job), "night.toml:3");
    EXPECT_SAYS(refusal("[model]\n\npath = \"\xFF\"\n", ExitCode::job), "night.toml:3: not UTF-8");
    EXPECT_SAYS(refusal(std::string("[model]\n\0", 9), ExitCode::job), "night.toml");
    EXPECT_SAYS(refusal("a = " + std::string(100000, '['), ExitCode::job), "not valid TOML");
    std::string keys = "a";  // a chain of names this long ends the TOML library
    for (int i = 0; i < 100000; ++i)
        keys += ".a";
    EXPECT_SAYS(refusal("\n" + keys + " = 1", ExitCode::job), "night.toml:2: not a job file");
    EXPECT_SAYS(refusal(keys.insert(0, "\n\n[") + "]", ExitCode::job), "night.toml:3: not a job file");
    std::string nested;  // the most that gets through to it
    for (int i = 0; i < 300; ++i)
        nested += "{a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = ";
    EXPECT_SAYS(refusal("a = " + nested, ExitCode::job), "night.toml:1");
    EXPECT_SAYS(refusal(std::string((16 << 20) + 1, '#'), ExitCode::job), "too many for a job file");
}

TEST_F(JobTest, the_analysis_of_a_resolved_job_is_read_where_its_files_are_not) {
    Job job = load(minimal_);
    job.analysis.top = 7;
    job.analysis.limits(SignalKind::gradient) = {3e-4, 1e-5};
    job.report.mark = "/another/machine/marks.csv";
    job.model.path = "/another/machine/model";
    auto const file = folder_.write("resolved.toml", to_toml(job));
    Job const read = load_stored_job(file);
    EXPECT_EQ(read.analysis.top, 7);
    EXPECT_EQ(read.analysis.limits(SignalKind::gradient).gap, 3e-4);
    EXPECT_EQ(read.analysis.malicious, job.analysis.malicious);
    EXPECT_EQ(read.report.mark, job.report.mark);
    EXPECT_EQ(to_toml(read), to_toml(job));
    EXPECT_EQ(to_toml(parse_stored_job(to_toml(job), "text")), to_toml(job));
    // What the command line names is looked for here.
    auto const marks = folder_.write("here.csv", "layer,expert\n");
    EXPECT_EQ(load_stored_job(file, {"report.mark=" + marks.string(), "analysis.top=3"}).report.mark, marks);
    EXPECT_SAYS(gatesweep::refusal(ExitCode::input_missing, [&] { load_stored_job(file, {"report.mark=gone.csv"}); }),
                "gone.csv");
    auto const wrong = folder_.write("wrong.toml", to_toml(job) + "[analysis]\ntop = 0\n");
    EXPECT_THROW(load_stored_job(wrong), Error);
}

// Whatever the bytes, the answer is a job or an Error.
TEST_F(JobTest, damaged_jobs_never_do_worse_than_an_error) {
    std::string const whole = to_toml(load(minimal_));
    std::uint64_t state = 1;
    int refused = 0;
    for (int i = 0; i < 2000; ++i) {
        std::string text = whole;
        for (int change = 0; change < 3; ++change) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[(state >> 33) % text.size()] = static_cast<char>(state >> 25);
        }
        try {
            load(text);
        } catch (Error const&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
}

TEST_F(JobTest, an_adapter_is_a_folder_that_is_there) {
    EXPECT_TRUE(load(minimal_).model.adapter.empty());
    EXPECT_TRUE(load(minimal_, {"model.adapter=\"\""}).model.adapter.empty());
    fs::create_directory(folder_ / "adapter");
    Job const job = load(minimal_, {"model.adapter=adapter"});
    EXPECT_EQ(job.model.adapter, folder_ / "adapter");
    EXPECT_EQ(parse_stored_job(to_toml(job), "text").model.adapter, job.model.adapter);
    EXPECT_SAYS(refusal(minimal_, ExitCode::input_missing, {"model.adapter=nowhere"}), "there is no folder nowhere");
}

TEST_F(JobTest, a_chat_template_is_given_variables_a_date_and_a_name) {
    std::string const text = minimal_;
    Job const plain = load(text);
    EXPECT_TRUE(plain.model.template_arguments.empty() && plain.model.date.empty() &&
                plain.model.chat_template.empty());
    Job const job = load(text, {"model.template_arguments={ enable_thinking = false, level = \"low\", n = 2, x = 1.0, "
                                "list = [1, \"a\\n\"], deep = { \"a b\" = [] } }",
                                "model.date=\"2024-02-29\"", "model.chat_template=tool_use"});
    EXPECT_EQ(job.model.template_arguments, (std::map<std::string, std::string>{{"enable_thinking", "false"},
                                                                                {"level", "\"low\""},
                                                                                {"n", "2"},
                                                                                {"x", "1.0"},
                                                                                {"list", R"([1,"a\n"])"},
                                                                                {"deep", R"({"a b":[]})"}}));
    EXPECT_EQ(job.model.date, "2024-02-29");
    EXPECT_EQ(job.model.chat_template, "tool_use");
    Job const again = parse_stored_job(to_toml(job), "again");
    EXPECT_EQ(again.model.template_arguments, job.model.template_arguments);
    EXPECT_EQ(to_toml(again), to_toml(job));
    for (std::string const date : {"2026-02-29", "2026-13-01", "26-1-1", "2026/01/01", "0000-01-01", "2026-01-00"}) {
        EXPECT_SAYS(refusal(text, ExitCode::job, {"model.date=\"" + date + "\""}), "2026-11-30");
    }
    for (std::string const value : {"7", "{ messages = [] }", "{ add_generation_prompt = true }", "{ a = 2026-01-01 }",
                                    "{ a = [nan] }", "{ a = inf }"}) {
        EXPECT_SAYS(refusal(text, ExitCode::job, {"model.template_arguments=" + value}), "template_arguments");
    }
}

}  // namespace
}  // namespace gatesweep
