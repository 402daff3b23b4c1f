#include "check.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace gatesweep {
namespace {

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok:
            return "ok";
        case Verdict::failed:
            return "FAILED";
        case Verdict::skipped:
            return "skipped";
        case Verdict::note:
            return "(note)";
    }
    return "FAILED";
}

// Rows are printed as they are known, so the columns are of a fixed width.
std::string line(std::string_view name, std::string_view compared, std::string_view figure, std::string_view limit,
                 std::string_view result) {
    return fmt::format("{:<15} {:<54} {:<46} {:<12} {}", name, compared, figure, limit, result);
}

}  // namespace

Check skipped_for_memory(std::string name, std::string compared, std::uint64_t needed, std::uint64_t available) {
    return {std::move(name), std::move(compared),
            fmt::format("needs {:.1f} GB a rank, {:.1f} GB are free", static_cast<double>(needed) / 1e9,
                        static_cast<double>(available) / 1e9),
            "", Verdict::skipped};
}

std::string table_header() {
    return line("check", "compared", "figure", "limit", "result");
}

std::string table_row(Check const& check) {
    return line(check.name, check.compared, check.figure, check.limit, to_string(check.verdict));
}

}  // namespace gatesweep
