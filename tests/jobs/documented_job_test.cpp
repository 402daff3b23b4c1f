// The job file in the documentation: its keys are all that there are, and what it shows as defaults are the defaults.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "gatesweep/base/file.h"
#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

fs::path const source = GATESWEEP_SOURCE_DIR;

std::string documented_job() {
    std::string const text = read_file(source / "jobs/README.md");
    std::string const begin = "```toml\n[model]\n";
    auto const at = text.find(begin);
    auto const start = at + std::string("```toml\n").size();
    EXPECT_NE(at, text.npos);
    return text.substr(start, text.find("```", start) - start);
}

// What is shown without a default becomes part of the job.
std::string with_everything(std::string const& job) {
    return std::regex_replace(job, std::regex("(^|\n)# (\\[|[a-z_0-9]+ *= )"), "$1$2");
}

class DocumentedJob : public testing::Test {
protected:
    void SetUp() override {
        for (char const* name : {"jobs", "prompts"})
            fs::create_directory_symlink(source / name, folder_ / name);
        fs::create_directories(folder_ / "checkpoints/a-judge");
        fs::create_directories(folder_ / "results/hardened/adapter");
        fs::create_directories(folder_ / "labels");
        for (char const* name : {"labels/labels_to_do.csv", "labels/validation.csv"})
            folder_.write(name, "");
    }
    Job load(std::string const& text) const { return load_job(folder_.write("job.toml", text)); }

    TemporaryFolder folder_;
};

TEST_F(DocumentedJob, ShowsTheDefaults) {
    std::string const least =
        "[model]\npath = 'jobs/demo/model'\n"
        "[[prompts]]\ngroup = 'benign'\nfile = 'prompts/demo/benign.csv'\n"
        "[[prompts]]\ngroup = 'harmful'\nfile = 'prompts/demo/harmful.csv'\n[sweep]\n";
    EXPECT_EQ(to_toml(load(documented_job())), to_toml(load(least)));
}

std::set<std::string> keys_of(std::string const& job) {
    std::set<std::string> keys;
    std::regex const key("(?:^|\n)([a-z_0-9]+) *= ");
    for (auto it = std::sregex_iterator(job.begin(), job.end(), key); it != std::sregex_iterator(); ++it)
        keys.insert((*it)[1]);
    return keys;
}

// What [harden] shows, but for what has no default.
std::string harden_defaults(HardenSpec spec) {
    spec.train = {};
    spec.held_out = {};
    spec.refusals.clear();
    spec.suppress.clear();
    spec.budget.reset();
    spec.enabled = true;
    Job job;
    job.harden = spec;
    return to_toml(job);
}

TEST_F(DocumentedJob, HasEveryKeyAndNoOther) {
    std::string const all = with_everything(documented_job());
    Job const job = load(all);  // an unknown key is an error
    auto const documented = keys_of(all);
    for (auto const& key : keys_of(to_toml(job)))
        EXPECT_TRUE(documented.contains(key)) << key << " is not documented";
    EXPECT_EQ(job.sweep.trials.size(), 3u);
    EXPECT_EQ(job.pairs.size(), 3u);
    EXPECT_FALSE(job.model.adapter.empty());
    EXPECT_TRUE(job.harden.enabled);
    EXPECT_EQ(harden_defaults(job.harden), harden_defaults(HardenSpec()));
    EXPECT_FALSE(job.report.by.empty() || job.report.mark.empty() || job.sweep.labels.human.empty());
}

}  // namespace
}  // namespace gatesweep
