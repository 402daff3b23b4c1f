#include "gatesweep/input/pairs.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/input/prompt_tokens.h"
#include "pair_rows.h"

namespace gatesweep {
namespace {

// A conversation as it was rendered, or a text as it is.
struct Placed {
    std::string text;
    std::string authors;  // as in ChatText
    std::vector<std::int32_t> ids;
    std::vector<TokenPlace> places;
};

struct Bytes {
    std::size_t begin = 0, end = 0;
};

std::string stripped(std::string const& text) {
    constexpr std::string_view space = " \t\r\n\v\f";
    std::size_t const begin = text.find_first_not_of(space);
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

// The last place before `limit` where the users wrote `sought`.
std::optional<Bytes> find_last(Placed const& placed, std::string const& sought, std::size_t limit) {
    if (sought.empty() || sought.size() > limit) return std::nullopt;
    for (std::size_t at = limit - sought.size() + 1; at-- > 0;) {
        at = placed.text.rfind(sought, at);
        if (at == placed.text.npos) break;
        if (placed.authors.find_first_not_of(Tokenizer::by_user, at) >= at + sought.size())
            return Bytes{at, at + sought.size()};
    }
    return std::nullopt;
}

// The same, or, since templates trim what they print, without the white space around it.
std::optional<Bytes> find_trimmed(Placed const& placed, std::string const& sought, std::size_t limit) {
    auto const found = find_last(placed, sought, limit);
    return found ? found : find_last(placed, stripped(sought), limit);
}

// Messages stand in the order of the conversation: from the last one back to the one that counts.
std::optional<Bytes> find_counted(Placed const& placed, PairText const& side) {
    std::size_t limit = placed.text.size();
    if (side.counted_message < 0) return find_trimmed(placed, side.counted, limit);
    for (std::int64_t i = std::ssize(side.messages) - 1; i > side.counted_message; --i) {
        auto const later = find_trimmed(placed, side.messages[static_cast<std::size_t>(i)].content, limit);
        if (later) limit = later->begin;
    }
    return find_trimmed(placed, side.counted, limit);
}

class PairTokens {
public:
    PairTokens(Job const& job, TokenLimits const& limits) : model_(job.model), limits_(limits) {}

    PairSide side(PairText const& text) {
        Placed const placed = tokens_of(text);
        auto const bytes = find_counted(placed, text);
        GATESWEEP_VALIDATE(bytes, ExitCode::bad_data,
                           "{} does not stand in the conversation as the chat template writes it (its tokens are to be "
                           "counted): correct it{}",
                           text.what, text.counted.empty() ? ", it is empty" : "");
        PairSide out;
        out.token_ids = placed.ids;
        auto const counts = [&](TokenPlace const& place) {
            return place.begin < bytes->end && place.end > bytes->begin;
        };
        auto const first = std::ranges::find_if(placed.places, counts);
        auto const last = std::find_if_not(first, placed.places.end(), counts);
        GATESWEEP_VALIDATE(first != last, ExitCode::bad_data,
                           "{} has no token of its own (nothing of it could be counted): give it a text", text.what);
        out.first = first - placed.places.begin();
        out.last = last - placed.places.begin();
        check_token_ids(out.token_ids, limits_.vocab_size, limits_.max_tokens, limits_.bos_id);
        return out;
    }

private:
    Tokenizer const& tokenizer() {
        if (!tokenizer_) {
            GATESWEEP_VALIDATE(has_tokenizer(model_), ExitCode::input_missing,
                               "pairs are text and the checkpoint has no tokenizer: add its tokenizer.json or "
                               "tokenizer.model");
            tokenizer_ = std::make_unique<Tokenizer>(load_tokenizer(model_));
        }
        return *tokenizer_;
    }
    ChatTemplate const& chat() {
        if (!chat_) chat_ = std::make_unique<ChatTemplate>(load_chat_template(model_));
        return *chat_;
    }

    Placed tokens_of(PairText const& side) {
        Placed out;
        if (!side.messages.empty()) {
            ChatTokens tokens = chat().tokens(side.messages, tokenizer());
            return {std::move(tokens.text.bytes), std::move(tokens.text.authors), std::move(tokens.ids),
                    std::move(tokens.places)};
        }
        out.text = side.text;
        out.authors.assign(out.text.size(), Tokenizer::by_user);
        out.ids = encode_raw(tokenizer(), side.text, limits_.bos_id, &out.places);
        return out;
    }

    ModelSpec const& model_;
    TokenLimits limits_;
    std::unique_ptr<Tokenizer> tokenizer_;
    std::unique_ptr<ChatTemplate> chat_;
};

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
    PairTokens tokens(job, limits);
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
