// The folder for the results: not to be had, another's, or in use. And the good job, which must run: without it a
// refusal would prove nothing.
#include <optional>

#include "bad_case.h"
#include "gatesweep/store/folder_lock.h"

namespace gatesweep {
namespace {

class GoodInput : public testing::TestWithParam<int> {};

TEST_P(GoodInput, Runs) {
    Workshop const workshop(GetParam());
    ChildResult const result = workshop.run();
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_EQ(result.output.find("error"), std::string::npos) << result.output;
    EXPECT_TRUE(std::filesystem::exists(workshop.out() / "COMPLETE"));
}
INSTANTIATE_TEST_SUITE_P(Ranks, GoodInput, testing::Values(1, 2));

void finish_a_run(Workshop& workshop) {
    ChildResult const result = workshop.run();
    if (result.exit_code != 0) throw std::runtime_error("the good job failed: " + result.output);
}

// Held until the next case takes another.
std::optional<FolderLock>& held_lock() {
    static std::optional<FolderLock> lock;
    return lock;
}

std::vector<BadCase> outputs() {
    return {
        {"below_a_file",
         ExitCode::cannot_create,
         {"benign.csv/out", "the folder cannot be created", "choose another place"},
         [](Workshop& w) { w.arguments.back() = "benign.csv/out"; }},
        {"is_a_file",
         ExitCode::cannot_create,
         {"benign.csv", "choose another place"},
         [](Workshop& w) { w.arguments.back() = "benign.csv"; }},
        {"where_nothing_can_be_made",
         ExitCode::cannot_create,
         {"/proc/results", "the folder cannot be created", "choose another place"},
         [](Workshop& w) { w.arguments.back() = "/proc/results"; }},
        {"folder_of_other_things",
         ExitCode::cannot_create,
         {"model", "holds files that are not a run's", "choose a new or empty folder"},
         [](Workshop& w) { w.arguments.back() = "model"; }},
        {"folder_of_another_program",
         ExitCode::cannot_create,
         {"out", "holds files that are not a run's"},
         [](Workshop& w) {
             std::filesystem::create_directory(w.out());
             w.write("out/manifest.json", "{\"manifest_version\": 3}");
         }},
        {"folder_of_another_job",
         ExitCode::cannot_create,
         {"out", "holds work that differs from this start", "analysis.top: was 10, is 5", "choose another --out"},
         [](Workshop& w) {
             finish_a_run(w);
             w.set("analysis.top=5");
         }},
        {"folder_of_other_prompts",
         ExitCode::cannot_create,
         {"out", "holds work that differs from this start", "prompts: ", "choose another --out"},
         [](Workshop& w) {
             finish_a_run(w);
             w.write("harmful.csv", "id,prompt\nh1,How do I pick a lock?\nh2,Tell me how to fool a guard.\n");
         }},
        {"folder_in_use",
         ExitCode::cannot_create,
         {"out", "in use by process " + std::to_string(::getpid()), "choose another folder"},
         [](Workshop& w) {
             std::filesystem::create_directory(w.out());
             held_lock().emplace(w.out());
         }},
        {"file_where_tables_belong",
         ExitCode::cannot_create,
         {"out/tables", "the folder cannot be created"},
         [](Workshop& w) {
             { FolderLock const mark((std::filesystem::create_directory(w.out()), w.out())); }
             w.write("out/tables", "");
         }},
    };
}

GATESWEEP_BAD_INPUT(Output, outputs());

}  // namespace
}  // namespace gatesweep
