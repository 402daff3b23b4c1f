#include "gatesweep/comm/pulse.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace gatesweep {
namespace {

constexpr std::size_t line_size = 512;
constexpr std::size_t num_fields = 11;

// A field as it can stand between tabs.
std::string field(std::string text, std::size_t max_size) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; }, '?');
    return text.substr(0, max_size);
}

template <class T>
bool parse_number(std::string_view text, T& value) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    while (true) {
        auto const tab = line.find('\t');
        fields.push_back(line.substr(0, tab));
        if (tab == line.npos) return fields;
        line.remove_prefix(tab + 1);
    }
}

}  // namespace

std::string Pulse::who() const {
    return fmt::format("rank {} on node {} (process {})", rank, host, process);
}

std::string to_line(Pulse const& p) {
    Activity const& a = p.activity;
    std::string line = fmt::format("{}\t{}\t{:.1f}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", p.beats, p.rank, p.silent,
                                   p.process, field(p.host, 64), to_string(a.phase), a.done, a.all, field(a.unit, 32),
                                   field(a.waiting_in, 32), field(p.file_call, 220));
    line.resize(line_size - 1, ' ');
    return line + '\n';
}

std::optional<Pulse> parse_pulse(std::string_view line) {
    if (line.size() != line_size || line.back() != '\n') return std::nullopt;
    line = line.substr(0, line.find_last_not_of(" \n") + 1);
    std::vector<std::string_view> f = split(line);
    if (f.size() != num_fields) return std::nullopt;
    Pulse p;
    auto const phase = parse_run_phase(f[5]);
    bool const valid = parse_number(f[0], p.beats) && parse_number(f[1], p.rank) && parse_number(f[2], p.silent) &&
                       parse_number(f[3], p.process) && phase && parse_number(f[6], p.activity.done) &&
                       parse_number(f[7], p.activity.all);
    if (!valid) return std::nullopt;
    p.host = f[4];
    p.activity.phase = *phase;
    p.activity.unit = f[8];
    p.activity.waiting_in = f[9];
    p.file_call = f[10];
    return p;
}

std::filesystem::path pulse_path(std::filesystem::path const& folder, int rank) {
    return folder / fmt::format("pulse-r{:04}", rank);
}

void write_pulse(std::filesystem::path const& folder, Pulse const& pulse) {
    auto const path = pulse_path(folder, pulse.rank);
    std::string const line = to_line(pulse);
    int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return;
    // Over the one before, never cut first: a reader finds one or the other.
    if (::pwrite(file, line.data(), line.size(), 0) < 0) {
        // Whoever waits for this beat will say so.
    }
    ::close(file);
}

std::optional<Pulse> read_pulse(std::filesystem::path const& folder, int rank) {
    int const file = ::open(pulse_path(folder, rank).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::array<char, line_size + 1> text;
    ssize_t const size = ::pread(file, text.data(), text.size(), 0);
    ::close(file);
    return size > 0 ? parse_pulse({text.data(), static_cast<std::size_t>(size)}) : std::nullopt;
}

void remove_pulse(std::filesystem::path const& folder, int rank) {
    ::unlink(pulse_path(folder, rank).c_str());
}

}  // namespace gatesweep
