// What a start may go on with: not with another job, fewer prompts or other weights; with more prompts it does the new
// ones alone; in a complete folder it does nothing.
#include "resume_scene.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// Every file below the folder but the lock and the pulses, which tell of their last holders' ends.
std::map<std::string, std::pair<fs::file_time_type, std::string>> state_of(fs::path const& folder) {
    std::map<std::string, std::pair<fs::file_time_type, std::string>> files;
    for (auto const& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file() || entry.path().filename() == ".gatesweep") continue;
        if (entry.path().filename().string().starts_with("pulse-")) continue;
        files[entry.path().string()] = {entry.last_write_time(), sha256_hex_of_file(entry.path())};
    }
    return files;
}

// Flips the lowest bit of a checkpoint's last element.
void change_weights(fs::path const& model) {
    fs::path const file = model / "model-00003-of-00003.safetensors";
    std::string bytes = read_file(file);
    bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 1);  // 16-bit elements, little-endian
    fs::remove(file);
    write_file_atomically(file, bytes);
}

TEST_F(Resume, RefusesOtherWorkByNameAndLosesNothing) {
    begin(2);
    auto const before = num_committed();

    expect(go_on(1, {"sweep.max_new_tokens=9"}), ExitCode::cannot_create,
           {"sweep.max_new_tokens: was 10, is 9", out().string()});
    expect(go_on(2, {"sweep.sizes=[1, 4]"}), ExitCode::cannot_create, {"sweep.sizes: was [1, 5], is [1, 4]"});

    auto const fewer = folder() / "fewer.toml";
    write_demo_job(fewer, num_prompts - 1);
    expect(run_whole("out", fewer), ExitCode::cannot_create,
           {"prompts: ", "of group", "is gone, changed or elsewhere"});

    auto const model = folder() / "model";
    fs::copy(fs::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model", model, fs::copy_options::recursive);
    auto const elsewhere = folder() / "elsewhere.toml";
    write_demo_job(elsewhere, num_prompts, model);
    change_weights(model);
    expect(run_whole("out", elsewhere, 2), ExitCode::cannot_create, {"weights: was ", ", is "});
    change_weights(model);  // back

    EXPECT_EQ(num_committed(), before);
    expect(run_whole("out", elsewhere, 2), ExitCode::ok, {"start 2 of this run"});  // the same weights in another place
    EXPECT_EQ(digests_of(out()), reference());
}

// A refusal leaves a complete folder complete.
TEST_F(Resume, RefusesOtherWorkInACompleteFolder) {
    fs::copy(folder() / "whole", out(), fs::copy_options::recursive);
    auto const before = state_of(out());
    expect(go_on(1, {"sweep.max_new_tokens=9"}), ExitCode::cannot_create, {"sweep.max_new_tokens: was 10, is 9"});
    auto const fewer = folder() / "fewer.toml";
    write_demo_job(fewer, num_prompts - 1);
    expect(run_whole("out", fewer, 2), ExitCode::cannot_create, {"prompts: "});

    auto const model = folder() / "others";
    fs::copy(fs::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model", model, fs::copy_options::recursive);
    change_weights(model);
    auto const elsewhere = folder() / "others.toml";
    for (int prompts : {num_prompts, num_prompts + 1}) {
        write_demo_job(elsewhere, prompts, model);
        expect(run_whole("out", elsewhere, 2), ExitCode::cannot_create, {"weights: was ", ", is "});
    }
    EXPECT_EQ(state_of(out()), before);
    expect(gatesweep({"status", out().string()}), ExitCode::ok, {"complete"});
}

TEST_F(Resume, DoesNothingInACompleteFolder) {
    fs::copy(folder() / "whole", out(), fs::copy_options::recursive);
    auto const before = state_of(out());
    expect(go_on(2), ExitCode::ok, {"nothing to do"});
    EXPECT_EQ(state_of(out()), before);
}

// Records by kind and key, each with the number of its copies.
std::map<std::pair<std::string, std::string>, int> copies(std::vector<RecordLog> const& logs) {
    std::map<std::pair<std::string, std::string>, int> count;
    for (RecordLog const& log : logs) {
        for (LogRecord const& record : log.records)
            ++count[{record.kind, record.key}];
    }
    return count;
}

TEST_F(Resume, ComputesAppendedPromptsAlone) {
    auto const fewer = folder() / "fewer.toml";
    write_demo_job(fewer, num_prompts - 1);
    expect(run_whole("out", fewer), ExitCode::ok, {});
    auto const before = copies(logs());

    // After COMPLETE, and with prompts that come between the old ones: each group grows.
    ChildResult const result = go_on(3);
    expect(result, ExitCode::ok, {"start 2 of this run", "6 signals", "6 prompts done"});
    EXPECT_EQ(digests_of(out()), reference());
    auto const after = copies(logs());
    std::map<std::string, int> num_new;
    for (auto const& [name, count] : after) {
        if (!before.contains(name)) {
            ++num_new[name.first];
        } else if (name.first == "signal" || name.first == "completion") {
            EXPECT_EQ(count, before.at(name)) << name.first << ' ' << name.second << " was computed again";
        }
    }
    EXPECT_EQ(num_new["signal"], 3);
    EXPECT_GE(num_new["completion"], 3);
    for (auto const& [name, count] : before)
        EXPECT_TRUE(after.contains(name)) << name.first << ' ' << name.second << " was lost";
}

}  // namespace
}  // namespace gatesweep
