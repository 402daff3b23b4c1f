#include "regex.h"

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep::bpe {
namespace {

constexpr std::uint64_t base_steps = 1 << 16;
constexpr std::uint64_t steps_per_byte = 256;  // real patterns take a few; they look at a run of blanks twice

// Backtracking over the program. Every choice that is open is an entry of a stack.
class Matcher {
public:
    Matcher(Regex::Program const& program, std::string_view text)
        : program_(program), text_(text), steps_left_(base_steps + steps_per_byte * text.size()) {}

    // Where a match that begins at `at` ends.
    std::optional<std::size_t> match_at(std::size_t at) { return run(0, at); }

private:
    struct Choice {
        std::uint32_t step;
        std::size_t at;
        std::size_t least;  // `repeat` may give characters back until here
    };

    std::optional<std::size_t> run(std::uint32_t step, std::size_t at) {
        std::size_t const floor = choices_.size();
        while (true) {
            GATESWEEP_VALIDATE(steps_left_-- > 0, ExitCode::bad_data,
                               "the tokenizer's pattern needs more than {} steps for a text of {} bytes (no real one "
                               "does): is it the checkpoint's tokenizer.json?",
                               base_steps + steps_per_byte * text_.size(), text_.size());
            Regex::Step const& s = program_.steps[step];
            bool goes_on = true;
            switch (s.op) {
                case Regex::Op::set:
                    if ((goes_on = at < text_.size())) {
                        Character const c = character_at(text_, at);
                        goes_on = program_.sets[s.a].holds(c.code);
                        at += c.size;
                        ++step;
                    }
                    break;
                case Regex::Op::repeat:
                case Regex::Op::possess:
                    goes_on = repeat(s, step, at);
                    break;
                case Regex::Op::split:
                    choices_.push_back({s.b, at, at});
                    step = s.a;
                    break;
                case Regex::Op::jump:
                    step = s.a;
                    break;
                case Regex::Op::begin:
                    goes_on = at == 0;
                    ++step;
                    break;
                case Regex::Op::end:
                    goes_on = at == text_.size();
                    ++step;
                    break;
                case Regex::Op::look_ahead:
                case Regex::Op::look_past:
                    goes_on = run(step + 1, at).has_value() == (s.op == Regex::Op::look_ahead);
                    step = program_.steps[step].a;
                    break;
                case Regex::Op::atomic: {
                    auto const end = run(step + 1, at);
                    if ((goes_on = end.has_value())) at = *end;
                    step = program_.steps[step].a;
                    break;
                }
                case Regex::Op::matched:
                    choices_.resize(floor);
                    return at;
            }
            if (goes_on) continue;
            if (choices_.size() == floor) return std::nullopt;
            Choice& last = choices_.back();
            step = last.step;
            at = last.at;
            if (last.at > last.least) {
                do {
                    --last.at;
                } while (!begins_character(text_[last.at]));
            } else {
                choices_.pop_back();
            }
        }
    }

    bool repeat(Regex::Step const& s, std::uint32_t& step, std::size_t& at) {
        CharacterSet const& set = program_.sets[s.a];
        std::size_t least = at;
        std::uint32_t count = 0;
        while (count < s.c && at < text_.size()) {
            Character const c = character_at(text_, at);
            if (!set.holds(c.code)) break;
            at += c.size;
            if (++count == s.b) least = at;
        }
        steps_left_ -= std::min<std::uint64_t>(steps_left_, count / 8);
        if (count < s.b) return false;
        ++step;
        if (s.op == Regex::Op::repeat && at > least) {
            std::size_t back = at - 1;
            while (!begins_character(text_[back]))
                --back;
            choices_.push_back({step, back, least});
        }
        return true;
    }

    Regex::Program const& program_;
    std::string_view text_;
    std::uint64_t steps_left_;
    std::vector<Choice> choices_;
};

}  // namespace

void CharacterSet::add(char32_t first, char32_t last) {
    ranges_.push_back({first, last});
}

void CharacterSet::finish() {
    std::sort(ranges_.begin(), ranges_.end(), [](Range a, Range b) { return a.first < b.first; });
    std::vector<Range> merged;
    for (Range const range : ranges_) {
        if (!merged.empty() && range.first <= merged.back().last)
            merged.back().last = std::max(merged.back().last, range.last);
        else
            merged.push_back(range);
    }
    ranges_ = std::move(merged);
    for (char32_t c = 0; c < num_ascii; ++c)
        ascii_[c] = holds_slowly(c);
}

bool CharacterSet::holds_slowly(char32_t c) const {
    bool found = (categories_ >> static_cast<int>(category_of(c)) & 1) != 0;
    if (!found && (has_spaces_ || has_all_but_spaces_)) found = is_space(c) ? has_spaces_ : has_all_but_spaces_;
    if (!found && !ranges_.empty()) {
        auto const behind = std::upper_bound(ranges_.begin(), ranges_.end(), c,
                                             [](char32_t value, Range range) { return value < range.first; });
        found = behind != ranges_.begin() && c <= std::prev(behind)->last;
    }
    return found != is_inverted_;
}

Regex::Regex(std::string_view pattern, std::string const& place) : program_(parse_regex(pattern, place)) {}

Regex Regex::literal(std::string_view text) {
    Regex out;
    for (std::size_t at = 0; at < text.size();) {
        Character const c = character_at(text, at);
        CharacterSet set;
        set.add(c.code, c.code);
        set.finish();
        out.program_.steps.push_back({Op::set, static_cast<std::uint32_t>(out.program_.sets.size())});
        out.program_.sets.push_back(set);
        at += c.size;
    }
    out.program_.steps.push_back({Op::matched});
    return out;
}

std::vector<Match> Regex::find_all(std::string_view text) const {
    std::vector<Match> out;
    Matcher matcher(program_, text);
    std::size_t at = 0, last_end = static_cast<std::size_t>(-1);
    while (at <= text.size()) {
        auto const end = matcher.match_at(at);
        if (end && (*end > at || at != last_end)) {
            out.push_back({at, *end});
            last_end = *end;
            if (*end > at) {
                at = *end;
                continue;
            }
        }
        if (at == text.size()) break;
        at += character_at(text, at).size;
    }
    return out;
}

}  // namespace gatesweep::bpe
