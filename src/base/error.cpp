#include "gatesweep/base/error.h"

#include <algorithm>
#include <vector>

namespace gatesweep {

void contract_failed(char const* kind, char const* condition, char const* file, int line) {
    fail(ExitCode::internal, "{} violated: {} ({}:{}): this is a mistake in gatesweep; please report it", kind,
         condition, file, line);
}

std::string printable(std::string_view text, std::size_t max_bytes) {
    std::string out;
    bool const cut = text.size() > max_bytes;
    for (unsigned char c : text.substr(0, max_bytes)) {
        if (c < 0x20 || c == 0x7F) {
            out += fmt::format("\\x{:02x}", c);
        } else if (c >= 0x80) {
            out += fmt::format("\\x{:02x}", c);
        } else {
            out += static_cast<char>(c);
        }
    }
    return cut ? out + "..." : out;
}

std::string nearest(std::string_view word, std::span<std::string const> candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2) + 1;
    for (auto const& candidate : candidates) {
        std::vector<std::size_t> row(candidate.size() + 1);
        for (std::size_t j = 0; j <= candidate.size(); ++j)
            row[j] = j;
        for (std::size_t i = 1; i <= word.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j <= candidate.size(); ++j) {
                std::size_t const substituted = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = candidate;
        }
    }
    return best;
}

}  // namespace gatesweep
