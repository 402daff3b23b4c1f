#include "gatesweep/input/pairs.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "pair_rows.h"
#include "span_tokens.h"

namespace gatesweep {
namespace {

// Gives pairs without an id one of their content, and refuses the same id twice.
class PairIds {
public:
    std::string id_of(PairRow const& row) {
        std::string id = row.id;
        if (id.empty()) {
            std::string const base = sha256_hex(content_of(row)).substr(0, 12);
            id = base;
            for (int i = 2; origins_.contains(id); ++i)
                id = fmt::format("{}-{}", base, i);
        }
        auto const [earlier, is_new] = origins_.emplace(id, row.origin);
        GATESWEEP_VALIDATE(is_new, ExitCode::bad_data,
                           "{} and {}: two pairs have the id \"{}\" (results name a pair by it): change one",
                           earlier->second, row.origin, printable(id));
        return id;
    }

private:
    static std::string content_of(PairRow const& row) {
        std::string out;
        for (PairText const& side : row.sides) {
            for (auto const& message : side.messages)
                out += message.role + '\0' + message.content + '\0';
            out += side.text + '\0' + side.counted + '\0';
        }
        return out;
    }
    std::map<std::string, std::string> origins_;
};

}  // namespace

PairSet load_pairs(Job const& job, TokenLimits const& limits) {
    PairSet out;
    SpanTokens tokens(job.model, limits);
    for (PairSource const& source : job.pairs) {
        PairRows const rows = read_pair_rows(source);
        out.file_digests.insert(out.file_digests.end(), rows.file_digests.begin(), rows.file_digests.end());
        PairIds ids;
        for (PairRow const& row : rows.rows) {
            Pair& pair = out.pairs.emplace_back();
            pair.name = source.name;
            pair.id = ids.id_of(row);
            try {
                for (std::size_t side = 0; side < 2; ++side)
                    pair.sides[side] = tokens.side(row.sides[side]);
            } catch (Error const& error) {
                fail(error.code(), "{}: {}", row.origin, error.what());
            }
        }
    }
    return out;
}

std::string digest_of(std::vector<Pair> const& pairs) {
    FastDigest digest;
    for (Pair const& pair : pairs) {
        digest.add(pair.id).add(pair.name);
        for (PairSide const& side : pair.sides) {
            auto const bytes = std::as_bytes(std::span(side.token_ids));
            digest.add(std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
            digest.add(fmt::format("{} {}", side.first, side.last));
        }
    }
    return digest.hex();
}

}  // namespace gatesweep
