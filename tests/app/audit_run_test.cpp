// Whole runs of a job with [audit] on golden checkpoints: the routing vectors, divergences and overlaps that an
// independent script took from Hugging Face transformers (tests/golden/make_audit.py), from any layout of ranks, from
// layers on disk, and after an interruption, in the same bytes.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"
#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path const goldens = GATESWEEP_GOLDEN_DIR;
fs::path const source = GATESWEEP_SOURCE_DIR;

std::string job_text(std::string const& checkpoint, std::string const& audit,
                     std::string const& providers = "'routing-sensitivity'") {
    std::string job = "[model]\npath = '" + (goldens / checkpoint / "model").string() +
                      "'\ndtype = \"float32\"\n[parallel]\ndevice = \"cpu\"\nthreads = 1\n";
    for (std::string const group : {"benign", "harmful"})
        job += "[[prompts]]\ngroup = '" + group + "'\nfile = '" + (goldens / "audit_prompts.csv").string() +
               "'\nwhere = { label = '" + group + "' }\n";
    return job + "[scores]\nproviders = [" + providers + "]\nbootstrap = 40\n[audit]\n" + audit;
}

std::string demo_texts() {
    return "refusals = '" + (source / "prompts/demo/refusals.txt").string() + "'\ncompliances = '" +
           (source / "prompts/demo/compliances.txt").string() + "'\n";
}

ChildResult gatesweep(fs::path const& folder, std::vector<std::string> const& arguments, int ranks = 1,
                      std::vector<std::pair<std::string, std::string>> environment = {}) {
    environment.insert(environment.end(), rank_environment.begin(), rank_environment.end());
    return run_child(on_ranks(ranks, arguments), folder, folder / "output.txt", environment, 600);
}

void expect_ok(ChildResult const& result) {
    ASSERT_EQ(result.exit_code, 0) << result.output;
}

using Layers = std::vector<double>;  // [L]

double js(std::vector<double> const& p, std::vector<double> const& q) {
    double sum = 0;
    for (std::size_t e = 0; e < p.size(); ++e) {
        double const m = (p[e] + q[e]) / 2;
        sum += (p[e] > 0 ? p[e] * std::log(p[e] / m) : 0) + (q[e] > 0 ? q[e] * std::log(q[e] / m) : 0);
    }
    return sum / 2;
}

double mean(Layers const& values) {
    double sum = 0;
    for (double const v : values)
        sum += v;
    return sum / static_cast<double>(values.size());
}

class AuditRun : public testing::TestWithParam<char const*> {};

TEST_P(AuditRun, GivesWhatTransformersGivesFromAnyLayout) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text(GetParam(), demo_texts()));
    expect_ok(gatesweep(scene.path(), {"run", "job.toml", "--out", "alone"}));
    fs::path const run = scene / "alone";
    json const expected = json::parse(read_file(goldens / GetParam() / "audit.json"));

    auto const shares = read_npy<double>(run / "arrays" / "routing_shares.npy");
    CsvTable const prompts = read_csv(run / "tables" / "prompts.csv");
    ASSERT_EQ(prompts.rows.size(), expected["prompts"].size());
    std::int64_t const num_layers = shares.shape[1], num_experts = shares.shape[2];
    std::map<std::string, std::vector<std::vector<double>>> vectors;  // by prompt, layer
    for (std::size_t p = 0; p < prompts.rows.size(); ++p) {
        json const& want = expected["prompts"][p];
        EXPECT_EQ(prompts.text(p, "prompt_id"), want["id"]);
        EXPECT_EQ(prompts.integer(p, "num_tokens"), want["num_tokens"].get<std::int64_t>());
        auto const& of_prompt = vectors[prompts.text(p, "prompt_id")] =
            want["shares"].get<std::vector<std::vector<double>>>();
        for (std::int64_t l = 0; l < num_layers; ++l) {
            for (std::int64_t e = 0; e < num_experts; ++e)
                EXPECT_NEAR(shares.at(static_cast<std::int64_t>(p), l, e),
                            of_prompt[static_cast<std::size_t>(l)][static_cast<std::size_t>(e)], 1e-6);
        }
    }

    auto const divergence = read_npy<double>(run / "arrays" / "audit_pairs.npy");  // [pairs, 2, L]
    CsvTable const pairs = read_csv(run / "tables" / "audit_pairs.csv");
    ASSERT_EQ(divergence.shape, (std::vector<std::int64_t>{std::ssize(pairs.rows), 2, num_layers}));
    std::map<std::string, std::vector<Layers>> found_js, found_overlap;
    for (std::size_t p = 0; p < pairs.rows.size(); ++p) {
        std::string const& condition = pairs.text(p, "condition");
        auto const row = divergence.row(static_cast<std::int64_t>(p));
        Layers const of_js(row.begin(), row.begin() + num_layers), of_overlap(row.begin() + num_layers, row.end());
        EXPECT_NEAR(pairs.number(p, "js"), mean(of_js), 1e-15);
        EXPECT_NEAR(pairs.number(p, "overlap"), mean(of_overlap), 1e-15);
        if (condition == "cross-topic") {
            auto const &a = vectors[pairs.text(p, "prompt_id_a")], &b = vectors[pairs.text(p, "prompt_id_b")];
            for (std::size_t l = 0; l < a.size(); ++l)
                EXPECT_NEAR(of_js[l], js(a[l], b[l]), 1e-6);
        } else {
            json const& want = expected[condition].at(found_js[condition].size());
            EXPECT_EQ(pairs.text(p, "prompt_id_a"), want["a"]);
            EXPECT_EQ(pairs.text(p, "prompt_id_b"), want["b"]);
            if (want.contains("counted")) {
                EXPECT_EQ(pairs.integer(p, "counted_a"), want["counted"].get<std::int64_t>());
                EXPECT_EQ(pairs.integer(p, "counted_b"), want["counted"].get<std::int64_t>());
            }
            for (std::size_t l = 0; l < of_js.size(); ++l) {
                EXPECT_NEAR(of_js[l], want["js"][l].get<double>(), 1e-6) << condition << " " << p;
                EXPECT_NEAR(of_overlap[l], want["overlap"][l].get<double>(), 1e-12) << condition << " " << p;
            }
        }
        found_js[condition].push_back(of_js);
        found_overlap[condition].push_back(of_overlap);
    }
    for (char const* const condition : {"topic", "refusal-prefix", "continuation", "matched"})
        EXPECT_EQ(found_js[condition].size(), expected[condition].size()) << condition;
    EXPECT_EQ(found_js["cross-topic"].size(), prompts.rows.size());

    CsvTable const audit = read_csv(run / "tables" / "audit.csv");
    EXPECT_EQ(audit.header, (std::vector<std::string>{"condition", "layer", "num_pairs", "js", "js_low", "js_high",
                                                      "overlap", "overlap_low", "overlap_high"}));
    ASSERT_EQ(audit.rows.size(), 5 * static_cast<std::size_t>(num_layers + 1));
    for (std::size_t row = 0; row < audit.rows.size(); ++row) {
        std::size_t const l = row % static_cast<std::size_t>(num_layers + 1);
        bool const is_all = l == static_cast<std::size_t>(num_layers);
        EXPECT_EQ(audit.text(row, "layer") == "all", is_all);
        auto const& of_js = found_js[audit.text(row, "condition")];
        Layers js_of_pairs, overlap_of_pairs;
        for (std::size_t p = 0; p < of_js.size(); ++p) {
            auto const& overlaps = found_overlap[audit.text(row, "condition")][p];
            js_of_pairs.push_back(is_all ? mean(of_js[p]) : of_js[p][l]);
            overlap_of_pairs.push_back(is_all ? mean(overlaps) : overlaps[l]);
        }
        EXPECT_EQ(audit.integer(row, "num_pairs"), std::ssize(of_js));
        EXPECT_NEAR(audit.number(row, "js"), mean(js_of_pairs), 1e-14);
        EXPECT_NEAR(audit.number(row, "overlap"), mean(overlap_of_pairs), 1e-14);
        EXPECT_LE(audit.number(row, "js_low"), audit.number(row, "js_high"));
    }

    auto const digests = digests_of(run);
    EXPECT_TRUE(digests.contains("routing_sensitivity.csv"));
    std::vector<std::tuple<std::string, int, std::vector<std::string>>> const others = {
        {"shared", 2, {"--set", "parallel.expert_parallel=2"}},
        {"parted", 4, {"--set", "parallel.expert_parallel=4"}},
        {"copies", 4, {"--set", "parallel.expert_parallel=2", "--set", "signals.batch_tokens=60"}},
        {"streamed", 2, {"--set", "signals.stream=true", "--set", "signals.memory=\"20 kB\""}}};
    for (auto const& [name, ranks, settings] : others) {
        std::vector<std::string> arguments = {"run", "job.toml", "--out", name};
        arguments.insert(arguments.end(), settings.begin(), settings.end());
        expect_ok(gatesweep(scene.path(), arguments, ranks));
        EXPECT_EQ(digests_of(scene / name), digests) << name;
    }

    // The page tells of it, and an analysis of the folder gives the same tables.
    EXPECT_NE(read_file(run / "report.html").find("<section id=\"audit\""), std::string::npos);
    expect_ok(gatesweep(scene.path(), {"analyze", "alone"}));
    EXPECT_EQ(digests_of(run), digests);
}

INSTANTIATE_TEST_SUITE_P(Golden, AuditRun, testing::Values("hub-bf16", "olmoe-bf16", "qwen2-dense-bf16"));

// Ended in the middle of the audit, then begun again on other ranks; and a finished run that gets an audit.
TEST(AuditResume, GoesOnFromCommittedTexts) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("hub-bf16", demo_texts()));
    std::vector<std::string> const run = {"run", "job.toml", "--set", "signals.batch_tokens=60", "--out"};
    auto const into = [&](std::string const& name) {
        auto arguments = run;
        arguments.push_back(name);
        return arguments;
    };
    expect_ok(gatesweep(scene.path(), into("whole")));
    ChildResult const planned = gatesweep(scene.path(), {"plan", "job.toml"});
    EXPECT_NE(planned.output.find("43 pairs of 31 texts"), std::string::npos) << planned.output;
    ChildResult const killed = gatesweep(scene.path(), into("ended"), 1, {{"GATESWEEP_FAIL", "kill@audit:12/0"}});
    EXPECT_NE(killed.exit_code, 0) << killed.output;
    ChildResult const again = gatesweep(scene.path(), into("ended"), 2);
    expect_ok(again);
    EXPECT_NE(again.output.find("audit text"), std::string::npos) << again.output;
    EXPECT_EQ(digests_of(scene / "ended"), digests_of(scene / "whole"));

    std::string const job = job_text("hub-bf16", demo_texts());
    scene.write("less.toml", job.substr(0, job.find("[scores]")));
    expect_ok(gatesweep(scene.path(), {"run", "less.toml", "--out", "grown"}));
    EXPECT_FALSE(digests_of(scene / "grown").contains("audit.csv"));
    expect_ok(gatesweep(scene.path(), {"run", "job.toml", "--out", "grown"}));
    EXPECT_EQ(digests_of(scene / "grown"), digests_of(scene / "whole"));
}

// Its provider as a signal of a sweep, by rank.
TEST(AuditSweep, TriesWhatTheCriterionRanksFirst) {
    TemporaryFolder const scene;
    std::string const sweep =
        "[sweep]\nmax_new_tokens = 2\nsignals = ['routing-sensitivity']\nsizes = [2]\n"
        "controls = { random = 2 }\nscreen = { enabled = false }\n";
    scene.write("job.toml", job_text("hub-bf16", "conditions = ['refusal-prefix']\n") + sweep);
    expect_ok(gatesweep(scene.path(), {"run", "job.toml", "--out", "alone"}));
    expect_ok(
        gatesweep(scene.path(), {"run", "job.toml", "--out", "shared", "--set", "parallel.expert_parallel=2"}, 2));
    EXPECT_EQ(digests_of(scene / "alone"), digests_of(scene / "shared"));

    CsvTable const providers = read_csv(scene / "alone" / "tables" / "providers.csv");
    CsvTable const parts = read_csv(scene / "alone" / "tables" / "routing_sensitivity.csv");
    ASSERT_EQ(providers.rows.size(), parts.rows.size());
    std::string first, second;
    for (std::size_t row = 0; row < providers.rows.size(); ++row) {
        EXPECT_NEAR(std::abs(providers.number(row, "score")), parts.number(row, "crs"), 1e-15);
        EXPECT_EQ(std::signbit(providers.number(row, "score")), std::signbit(parts.number(row, "contrast")));
        std::string const id = providers.text(row, "layer") + ":" + providers.text(row, "expert");
        if (providers.integer(row, "rank") == 1) first = id;
        if (providers.integer(row, "rank") == 2) second = id;
    }
    CsvTable const trials = read_csv(scene / "alone" / "tables" / "trials.csv");
    bool has_top = false;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        if (trials.text(row, "kind") != "selected" || trials.text(row, "class") != "top") continue;
        std::string const& set = trials.text(row, "experts");
        has_top = true;
        EXPECT_TRUE(set == first + " " + second || set == second + " " + first) << set;
    }
    EXPECT_TRUE(has_top);
    EXPECT_EQ(read_csv(scene / "alone" / "tables" / "audit.csv").text(0, "condition"), "refusal-prefix");
}

class AuditRefusals : public testing::Test {
protected:
    void expect(std::string const& job, std::string const& words, ExitCode code = ExitCode::job) const {
        scene_.write("job.toml", job);
        ChildResult const result = gatesweep(scene_.path(), {"run", "job.toml", "--out", "out"});
        EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
        EXPECT_NE(result.output.find(words), std::string::npos) << words << '\n' << result.output;
        EXPECT_FALSE(fs::exists(scene_ / "out" / "arrays"));
    }
    TemporaryFolder const scene_;
};

TEST_F(AuditRefusals, NameColumnConditionAndRemedy) {
    expect(job_text("hub-bf16", "topic = 'subject'\n", ""),
           "the condition topic needs it (they have label, topic, pair)");
    expect(job_text("hub-bf16", "conditions = ['continuation']\ntopic = 'subject'\n"),
           "the provider routing-sensitivity needs it");
    expect(job_text("hub-bf16", "conditions = ['edit']\n"), "\"edit\" is none of them");
    expect(job_text("hub-bf16", "topic = 'label'\nconditions = ['topic']\n", ""), "one value alone");
    expect(job_text("hub-bf16", "pair = 'label'\nconditions = ['matched']\n", ""),
           "no pair of prompts for the condition matched");
    scene_.write("empty.txt", "\n\n");
    expect(job_text("hub-bf16", "refusals = 'empty.txt'\n", ""), "empty.txt: holds no answer", ExitCode::bad_data);
}

}  // namespace
}  // namespace gatesweep
