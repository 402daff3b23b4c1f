#include "gatesweep/store/record_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

#include "gatesweep/base/error.h"
#include "gatesweep/store/record_reader.h"

namespace gatesweep {
namespace {

// "a0012" after its letter; nothing else passes.
std::optional<std::int64_t> padded_number(std::string_view text, char letter) {
    if (text.size() < 5 || text[0] != letter) return std::nullopt;
    std::int64_t number = 0;
    auto const [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    bool const whole = error == std::errc{} && end == text.data() + text.size() && number >= 0;
    return whole && fmt::format("{}{:04}", letter, number) == text ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string describe_differences(RunIdentity const& was, RunIdentity const& is) {
    using Field = std::tuple<std::string_view, std::string const&, std::string const&>;
    std::array<Field, 4> const fields = {Field{"job", was.job, is.job}, Field{"prompts", was.prompts, is.prompts},
                                         Field{"weights", was.weights, is.weights},
                                         Field{"numerics", was.numerics, is.numerics}};
    std::string text;
    for (auto const& [name, before, now] : fields) {
        if (before == now) continue;
        text += fmt::format("{}{}: was {}, is {}", text.empty() ? "" : "; ", name, printable(before, 200),
                            printable(now, 200));
    }
    return text;
}

std::string LogName::file_name() const {
    return fmt::format("{}-a{:04}-r{:04}.log", kind, attempt, rank);
}

std::optional<LogName> parse_log_name(std::string_view file_name) {
    constexpr std::string_view extension = ".log";
    if (!file_name.ends_with(extension)) return std::nullopt;
    file_name.remove_suffix(extension.size());
    auto const rank_at = file_name.rfind('-');
    if (rank_at == file_name.npos || rank_at == 0) return std::nullopt;
    auto const attempt_at = file_name.rfind('-', rank_at - 1);
    if (attempt_at == file_name.npos || attempt_at == 0) return std::nullopt;
    auto const attempt = padded_number(file_name.substr(attempt_at + 1, rank_at - attempt_at - 1), 'a');
    auto const rank = padded_number(file_name.substr(rank_at + 1), 'r');
    if (!attempt || !rank) return std::nullopt;
    return LogName{std::string(file_name.substr(0, attempt_at)), *attempt, *rank};
}

std::vector<std::filesystem::path> list_logs(std::filesystem::path const& folder, std::string_view kind) {
    if (file_kind(folder) == FileKind::missing) return {};
    std::vector<std::tuple<std::int64_t, std::int64_t, std::filesystem::path>> found;
    for (auto const& entry : list_folder(folder)) {
        auto const name = parse_log_name(entry.filename().string());
        if (name && name->kind == kind) found.emplace_back(name->attempt, name->rank, entry);
    }
    std::sort(found.begin(), found.end());
    std::vector<std::filesystem::path> logs;
    for (auto& [attempt, rank, path] : found)
        logs.push_back(std::move(path));
    return logs;
}

std::int64_t next_attempt(std::filesystem::path const& folder) {
    std::int64_t next = 0;
    if (file_kind(folder) == FileKind::missing) return next;
    for (auto const& entry : list_folder(folder)) {
        if (auto const name = parse_log_name(entry.filename().string())) next = std::max(next, name->attempt + 1);
    }
    return next;
}

std::string RecordLog::notice() const {
    if (torn_bytes == 0) return "";
    return fmt::format(
        "{}: the last {} bytes, from offset {}, are no whole commit (the process or the node ended while writing "
        "them): "
        "dropped, {} records stand; what is missing is computed again",
        path.string(), torn_bytes, num_bytes, records.size());
}

void require_identity(RecordLog const& log, RunIdentity const& expected) {
    bool const has_none = log.num_bytes == 0;
    GATESWEEP_VALIDATE(
        has_none || log.identity == expected, ExitCode::bad_data,
        "{}: written by another run (its records do not fit this one): {}: choose another folder, or run "
        "with what the folder was begun with",
        log.path.string(), describe_differences(log.identity, expected));
}

}  // namespace gatesweep
