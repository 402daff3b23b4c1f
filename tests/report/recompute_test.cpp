// Tables against recompute.h: of folders written here from random measurements, and of any real run whose folder
// GATESWEEP_RUN_DIR names (its job.toml tells the parameters).
#include "report/recompute.h"

#include <gtest/gtest.h>
#include <toml++/toml.h>

#include "analysis/random_input.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/analysis/tables.h"
#include "gatesweep/base/file.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

void write_run(std::filesystem::path const& folder, AnalysisInput const& input) {
    RunDirectory run(folder);
    write_signals(input, run);
    write_tables(input, analyze(input), run);
    run.complete({});
}

test::RecomputeParameters parameters_of(AnalysisParameters const& parameters) {
    return {parameters.benign, parameters.malicious, parameters.coverage, parameters.top, [&] {
                std::map<std::string, std::pair<double, double>> limits;
                for (SignalFacts const& signal : signal_kinds)
                    limits[std::string(signal.word)] = {parameters.limits(signal.kind).gap,
                                                        parameters.limits(signal.kind).min};
                return limits;
            }()};
}

std::string first_of(std::vector<std::string> const& differences) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(10, differences.size()); ++i)
        text += differences[i] + "\n";
    return text;
}

AnalysisInput random_run(std::mt19937_64& random, int trial) {
    test::InputSpec spec;
    spec.num_layers = 1 + static_cast<std::int64_t>(random() % 9);
    spec.num_experts = 2 + static_cast<std::int64_t>(random() % 15);
    spec.top_k = 1 + static_cast<std::int64_t>(random() %
                                               static_cast<std::uint64_t>(std::min<std::int64_t>(4, spec.num_experts)));
    spec.max_tokens = trial % 2 == 0 ? 6 : 200;  // few tokens make many equal scores
    spec.groups = test::mixed_groups({{"fine", 1 + static_cast<int>(random() % 8)},
                                      {"bad, \"quoted\"", 1 + static_cast<int>(random() % 8)},
                                      {"third", static_cast<int>(random() % 3)}},
                                     random);
    auto input = test::random_input(spec, random);
    auto& parameters = input.parameters;
    parameters.benign = "fine";
    parameters.malicious = "bad, \"quoted\"";
    parameters.top = 1 + static_cast<std::int64_t>(random() % 12);
    parameters.limits(SignalKind::activation) = {0.02 * static_cast<double>(1 + random() % 4),
                                                 0.05 * static_cast<double>(random() % 4)};
    parameters.limits(SignalKind::gradient_share) = {0.02 * static_cast<double>(1 + random() % 4),
                                                     0.05 * static_cast<double>(random() % 4)};
    parameters.limits(SignalKind::gradient) = {2e-5 * static_cast<double>(1 + random() % 4),
                                               5e-5 * static_cast<double>(random() % 4)};
    if (trial % 3 == 1) parameters.coverage = {0.5, 0.9, 0.975, 0.57};
    if (trial % 3 == 2) parameters.coverage = {0.95};
    if (trial % 4 == 1) {
        for (int i = 0; i < 3; ++i) {
            input.marks.push_back({static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spec.num_layers)),
                                   static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spec.num_experts))});
        }
    }
    return input;
}

TEST(Recompute, AgreesInEveryCellOfRandomRuns) {
    std::mt19937_64 random(71);
    std::int64_t num_cells = 0;
    for (int trial = 0; trial < 40; ++trial) {
        TemporaryFolder const scratch;
        auto const input = random_run(random, trial);
        write_run(scratch / "run", input);
        test::Recompute recompute(scratch / "run", parameters_of(input.parameters));
        EXPECT_EQ(first_of(recompute.differences()), "") << "trial " << trial;
        num_cells += recompute.num_cells();
    }
    EXPECT_GT(num_cells, 100'000);
}

TEST(Recompute, AgreesOnAModelOfTheUsualSize) {
    TemporaryFolder const scratch;
    std::mt19937_64 random(72);
    auto input =
        test::random_input({32, 8, 2, test::mixed_groups({{"benign", 10}, {"harmful", 10}}, random), 60}, random);
    input.marks = {{7, 5}, {12, 1}, {31, 7}};
    write_run(scratch / "run", input);
    test::Recompute recompute(scratch / "run", parameters_of(input.parameters));
    EXPECT_EQ(first_of(recompute.differences()), "");
}

// Without this the agreement above would prove nothing.
TEST(Recompute, NoticesAnyChangedCell) {
    TemporaryFolder const scratch;
    std::mt19937_64 random(73);
    auto input = test::random_input({3, 4, 2, test::mixed_groups({{"benign", 4}, {"harmful", 4}}, random)}, random);
    input.marks = {{1, 2}};
    auto const folder = scratch / "run";
    write_run(folder, input);
    int num_changes = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder / "tables")) {
        if (entry.path().stem() == "prompts") continue;
        auto const good = read_csv(entry.path());
        for (std::size_t c = 0; c < good.header.size(); ++c) {
            bool const names_the_expert = entry.path().stem() == "marked_experts" && (c == 1 || c == 2);
            if (names_the_expert) continue;
            auto table = good;
            std::string& cell = table.rows[random() % table.rows.size()][c];
            bool const is_number = !cell.empty() && cell.find_first_not_of("-0123456789.e") == std::string::npos;
            cell = is_number ? to_cell(std::strtod(cell.c_str(), nullptr) * (1 + 1e-9) + 1e-12) : cell + "x";
            write_file_atomically(entry.path(), to_csv(table));
            test::Recompute recompute(folder, parameters_of(input.parameters));
            EXPECT_EQ(recompute.differences().size(), 1u) << entry.path() << " column " << good.header[c];
            ++num_changes;
        }
        write_file_atomically(entry.path(), to_csv(good));
    }
    EXPECT_EQ(num_changes, 6 + 8 + 10 + 10 + 7 + 7 + 7 + 3 + 4 + 14 + 6 + 5 + 6);
}

TEST(Recompute, AgreesWithARealRun) {
    char const* const folder = std::getenv("GATESWEEP_RUN_DIR");
    if (folder == nullptr) GTEST_SKIP() << "GATESWEEP_RUN_DIR is not set";
    test::RecomputeParameters parameters;
    toml::table const job = toml::parse_file((std::filesystem::path(folder) / "job.toml").string());
    auto const analysis = job["analysis"];
    parameters.benign = analysis["benign"].value_or(parameters.benign);
    parameters.malicious = analysis["malicious"].value_or(parameters.malicious);
    parameters.top = analysis["top"].value_or(parameters.top);
    if (auto const* levels = analysis["coverage"].as_array()) {
        parameters.levels.clear();
        for (auto const& level : *levels)
            parameters.levels.push_back(level.value_or(0.0));
    }
    for (auto& [signal, limits] : parameters.limits) {
        std::string key = signal;
        std::replace(key.begin(), key.end(), '_', '-');
        limits.first = analysis[key]["gap"].value_or(limits.first);
        limits.second = analysis[key]["min"].value_or(limits.second);
    }
    test::Recompute recompute(folder, parameters);
    EXPECT_EQ(first_of(recompute.differences()), "");
    EXPECT_TRUE(changed_files(folder, read_manifest(folder)).empty());
    std::printf("%s: %lld cells agree\n", folder, static_cast<long long>(recompute.num_cells()));
}

}  // namespace
}  // namespace gatesweep
