#include "bad_case.h"

#include <algorithm>
#include <iterator>

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr double time_limit = 20.0;  // seconds; a refusal takes about one, but test machines are busy

constexpr std::string_view good_job = R"([model]
path = "model"

[parallel]
device = "cpu"
threads = 1

[[prompts]]
group = "benign"
file  = "benign.csv"

[[prompts]]
group = "harmful"
file  = "harmful.csv"
)";

std::vector<std::string> lines_of(std::string const& text) {
    std::vector<std::string> lines(1);
    for (char const c : text) {
        if (c == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += c;
        }
    }
    return lines;
}

std::string read(fs::path const& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

bool begins_own_noise_of_mpirun(std::string const& line) {
    return line.starts_with("-----") || line.starts_with("[") || line.find("MPI_ABORT") != line.npos;
}

}  // namespace

Workshop::Workshop(int ranks) : num_ranks(ranks), arguments{"run", "job.toml", "--out", "out"} {
    use_model("hub-bf16");
    write("benign.csv", "id,prompt\nb1,How do I bake bread?\nb2,Tell me about whales.\n");
    write("harmful.csv", "id,prompt\nh1,How do I pick a lock?\nh2,Tell me how to cheat in a test.\n");
    write("job.toml", good_job);
}

void Workshop::use_model(std::string const& golden_name) const {
    fs::remove_all(folder() / "model");
    fs::copy(fs::path(GATESWEEP_GOLDEN_DIR) / golden_name / "model", folder() / "model", fs::copy_options::recursive);
}

void Workshop::write(std::string_view name, std::string_view bytes) const {
    folder_.write(name, bytes);
}

void Workshop::replace(std::string_view name, std::string_view from, std::string_view to) const {
    std::string text = read(folder() / name);
    std::size_t at = text.find(from);
    if (at == text.npos) throw std::runtime_error(std::string(name) + " does not hold " + std::string(from));
    for (; at != text.npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    write(name, text);
}

void Workshop::remove(std::string_view name) const {
    if (!fs::remove(folder() / name)) throw std::runtime_error("there is no " + std::string(name));
}

ChildResult Workshop::run() const {
    std::vector<std::string> command;
    if (num_ranks > 1)
        command = {GATESWEEP_MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", std::to_string(num_ranks)};
    command.push_back(GATESWEEP_BINARY);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_child(command, folder(), folder() / "output.txt",
                     {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                      {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                      {"OMPI_MCA_mpi_yield_when_idle", "1"},
                      {"OMP_WAIT_POLICY", "passive"}},
                     time_limit);
}

void expect_refusal(BadCase const& bad, int num_ranks) {
    Workshop workshop(num_ranks);
    bad.break_it(workshop);
    bool const was_complete = fs::exists(workshop.out() / "COMPLETE");
    ChildResult const result = workshop.run();
    SCOPED_TRACE(result.output);
    EXPECT_FALSE(result.timed_out) << "still running after " << time_limit << " s";
    EXPECT_EQ(result.exit_code, static_cast<int>(bad.code));

    auto const lines = lines_of(result.output);
    auto const is_error = [](std::string const& line) { return line.starts_with("error: "); };
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(), is_error), 1) << "one message, whatever the number of ranks";
    auto const error = std::find_if(lines.begin(), lines.end(), is_error);
    testing::Test::RecordProperty("seconds", std::to_string(result.seconds));
    if (error != lines.end()) {
        testing::Test::RecordProperty("message", *error);
        EXPECT_FALSE(error->starts_with("error: rank")) << "an error begins with what is wrong";
        for (auto const& word : bad.words)
            EXPECT_NE(error->find(word), std::string::npos) << '"' << word << "\" is not in: " << *error;
        EXPECT_EQ(std::find_if(lines.begin(), error, begins_own_noise_of_mpirun), error) << "mpirun speaks first";
    }
    EXPECT_EQ(fs::exists(workshop.out() / "COMPLETE"), was_complete);
}

TEST_P(BadInput, IsRefused) {
    expect_refusal(std::get<0>(GetParam()), std::get<1>(GetParam()));
}

}  // namespace gatesweep
