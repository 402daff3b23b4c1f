#include "gatesweep/comm/agreement.h"

#include <algorithm>
#include <map>

#include "gatesweep/base/host_name.h"
#include "gatesweep/comm/fail_once.h"

namespace gatesweep {
namespace {

constexpr std::size_t max_named = 8;
constexpr char separator = '\0';  // not an archive: ranks of different builds must understand each other here

std::vector<std::string> split(std::string const& bytes) {
    std::vector<std::string> parts(1);
    for (char c : bytes) {
        if (c == separator) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

// What most hold; of equally frequent ones the one of the lowest rank.
std::string const& usual(std::vector<std::string> const& values) {
    std::map<std::string, int> counts;
    for (auto const& value : values)
        ++counts[value];
    return *std::max_element(values.begin(), values.end(),
                             [&](auto const& a, auto const& b) { return counts[a] < counts[b]; });
}

}  // namespace

std::string disagreement(NamedValue const& what, std::vector<std::string> const& hosts,
                         std::vector<std::string> const& values) {
    std::string const& right = usual(values);
    std::string odd;
    std::size_t num_odd = 0;
    for (std::size_t r = 0; r < values.size(); ++r) {
        if (values[r] == right || ++num_odd > max_named) continue;
        odd += fmt::format("{}rank {} on node {} has {}", odd.empty() ? "" : ", ", r, hosts[r], printable(values[r]));
    }
    if (num_odd == 0) return {};
    if (num_odd > max_named) odd += fmt::format(" and {} more ranks differ", num_odd - max_named);
    auto const first = std::find(values.begin(), values.end(), right) - values.begin();
    return fmt::format("ranks differ in {}: {}, but rank {} on node {} has {} (results would mix both): {}", what.key,
                       odd, first, hosts[static_cast<std::size_t>(first)], printable(right), what.remedy);
}

void require_agreement(Communicator const& world, std::vector<NamedValue> const& values) {
    std::string bytes = host_name();
    for (NamedValue const& v : values)
        bytes += separator + v.value;
    std::vector<std::string> const of_ranks = world.gather_bytes(bytes, 0);
    fail_once(world, [&] {
        std::vector<std::vector<std::string>> columns(values.size() + 1);
        for (auto const& text : of_ranks) {
            auto parts = split(text);
            parts.resize(columns.size(), "nothing");  // of a build that compares less
            for (std::size_t i = 0; i < columns.size(); ++i)
                columns[i].push_back(parts[i]);
        }
        for (std::size_t i = 0; !of_ranks.empty() && i < values.size(); ++i) {
            std::string const problem = disagreement(values[i], columns[0], columns[i + 1]);
            GATESWEEP_VALIDATE(problem.empty(), values[i].code, "{}", problem);
        }
    });
}

}  // namespace gatesweep
