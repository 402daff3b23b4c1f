// From the text of a pattern to its nodes. Long: each piece of syntax has its own lines.
#include "regex.h"

#include <algorithm>
#include <limits>

#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"

namespace gatesweep::bpe {
namespace {

constexpr std::uint32_t unbounded = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t max_count = 1000;            // of {m,n}
constexpr std::size_t max_steps = 1 << 16;           // of a program; real ones have under 200
constexpr std::size_t max_pattern_bytes = 16 << 10;  // real ones have under 3,000
constexpr int max_depth = 50;

using Op = Regex::Op;
using Steps = std::vector<Regex::Step>;

// A part of the program, with jumps relative to its first step; and whether it may match nothing.
struct Part {
    Steps steps;
    bool may_be_empty = true;
};

void append(Steps& to, Steps const& part) {
    auto const base = static_cast<std::uint32_t>(to.size());
    for (Regex::Step step : part) {
        bool const jumps = step.op == Op::split || step.op == Op::jump || step.op == Op::look_ahead ||
                           step.op == Op::look_past || step.op == Op::atomic;
        if (jumps) step.a += base;
        if (step.op == Op::split) step.b += base;
        to.push_back(step);
    }
}

class Parser {
public:
    Parser(std::string_view pattern, std::string const& place) : pattern_(pattern), place_(place) {}

    Regex::Program run() {
        if (find_invalid_utf8(pattern_) != std::string::npos) refuse("bytes that are not UTF-8");
        if (pattern_.size() > max_pattern_bytes) refuse("more than 16,384 bytes");
        Part const whole = alternatives(0);
        if (!at_end()) refuse("\")\" without its \"(\"");
        program_.steps = whole.steps;
        program_.steps.push_back({Op::matched});
        return std::move(program_);
    }

private:
    [[noreturn]] void refuse(std::string const& what) const {
        fail(ExitCode::bad_data,
             "{}: the pattern {} has {} at byte {} (this version does not read that): use a checkpoint whose pattern "
             "does without, or add its tokenizer.model and set tokenization = \"mistral\"",
             place_, printable(pattern_, 200), what, at_);
    }

    bool at_end() const { return at_ >= pattern_.size(); }
    bool sees(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
    bool skip(std::string_view text) {
        if (!sees(text)) return false;
        at_ += text.size();
        return true;
    }
    char32_t take() {
        if (at_end()) refuse("an end in the middle");
        Character const c = character_at(pattern_, at_);
        at_ += c.size;
        return c.code;
    }

    Part alternatives(int depth) {
        if (depth > max_depth) refuse("groups too deep");
        Part out = sequence(depth);
        while (skip("|")) {
            Part const other = sequence(depth);
            Steps steps = {{Op::split, 1, static_cast<std::uint32_t>(out.steps.size() + 2)}};
            append(steps, out.steps);
            steps.push_back({Op::jump, static_cast<std::uint32_t>(steps.size() + 1 + other.steps.size())});
            append(steps, other.steps);
            out = {std::move(steps), out.may_be_empty || other.may_be_empty};
        }
        return out;
    }

    Part sequence(int depth) {
        Part out;
        while (!at_end() && !sees("|") && !sees(")")) {
            Part const next = repeated(depth);
            append(out.steps, next.steps);
            out.may_be_empty = out.may_be_empty && next.may_be_empty;
            if (out.steps.size() > max_steps) refuse("too much to repeat");
        }
        return out;
    }

    std::uint32_t count() {
        std::uint32_t value = 0;
        std::size_t const begin = at_;
        while (!at_end() && pattern_[at_] >= '0' && pattern_[at_] <= '9' && value <= max_count)
            value = value * 10 + static_cast<std::uint32_t>(pattern_[at_++] - '0');
        if (at_ == begin || value > max_count) refuse("a count that is no number up to 1000");
        return value;
    }

    Part repeated(int depth) {
        std::size_t const begin = at_;
        Part part = atom(depth);
        std::uint32_t least = 1, most = 1;
        bool const is_counted = sees("{");
        if (skip("*"))
            least = 0, most = unbounded;
        else if (skip("+"))
            most = unbounded;
        else if (skip("?"))
            least = 0;
        else if (skip("{")) {
            least = most = count();
            if (skip(",")) most = sees("}") ? unbounded : count();
            if (!skip("}") || most < least) refuse("a wrong count");
        } else
            return part;
        if (sees("?")) refuse("a reluctant repetition");
        bool const is_possessive = !is_counted && skip("+");
        if (sees("*") || sees("+") || sees("?") || sees("{")) refuse("a repetition of a repetition");
        if (part.may_be_empty) {
            at_ = begin;
            refuse("a repetition of what may match nothing");
        }
        return repeat(part, least, most, is_possessive);
    }

    Part repeat(Part const& part, std::uint32_t least, std::uint32_t most, bool is_possessive) {
        if (part.steps.size() == 1 && part.steps[0].op == Op::set)
            return {{{is_possessive ? Op::possess : Op::repeat, part.steps[0].a, least, most}}, least == 0};
        std::size_t const copies = most == unbounded ? least + 1 : most;
        if (copies * (part.steps.size() + 2) > max_steps) refuse("too much to repeat");
        Steps steps;
        for (std::uint32_t i = 0; i < least; ++i)
            append(steps, part.steps);
        auto const size = static_cast<std::uint32_t>(part.steps.size());
        if (most == unbounded) {
            auto const loop = static_cast<std::uint32_t>(steps.size());
            steps.push_back({Op::split, loop + 1, loop + size + 2});
            append(steps, part.steps);
            steps.push_back({Op::jump, loop});
        } else {
            std::uint32_t const end = static_cast<std::uint32_t>(steps.size()) + (most - least) * (size + 1);
            for (std::uint32_t i = least; i < most; ++i) {
                steps.push_back({Op::split, static_cast<std::uint32_t>(steps.size() + 1), end});
                append(steps, part.steps);
            }
        }
        if (is_possessive) steps = enclosed(Op::atomic, steps);
        return {std::move(steps), least == 0};
    }

    static Steps enclosed(Op op, Steps const& inner) {
        Steps steps = {{op, static_cast<std::uint32_t>(inner.size() + 2)}};
        append(steps, inner);
        steps.push_back({Op::matched});
        return steps;
    }

    Part group(int depth) {
        bool const ignores_case = ignores_case_;
        Op look = Op::matched;
        if (skip("?:")) {
        } else if (skip("?i:"))
            ignores_case_ = true;
        else if (skip("?="))
            look = Op::look_ahead;
        else if (skip("?!"))
            look = Op::look_past;
        else if (sees("?"))
            refuse("a group of the kind (?" + std::string(pattern_.substr(at_ + 1, 2)));
        Part inner = alternatives(depth + 1);
        if (!skip(")")) refuse("\"(\" without its \")\"");
        ignores_case_ = ignores_case;
        if (look == Op::matched) return inner;
        return {enclosed(look, inner.steps), true};
    }

    Part atom(int depth) {
        if (skip("(")) return group(depth);
        if (skip("\\A")) return {{{Op::begin}}, true};
        if (skip("\\z")) return {{{Op::end}}, true};
        CharacterSet set;
        if (skip("["))
            read_class(set);
        else if (skip(".")) {
            set.add('\n', '\n');
            set.invert();
        } else if (skip("\\")) {
            if (auto const c = escape(set)) add_literal(set, *c);
        } else {
            for (std::string_view const sign : {"*", "+", "?", "{", "^", "$"})
                if (sees(sign)) refuse("\"" + std::string(sign) + "\"");
            add_literal(set, take());
        }
        set.finish();
        program_.sets.push_back(std::move(set));
        return {{{Op::set, static_cast<std::uint32_t>(program_.sets.size() - 1)}}, false};
    }

    // Simple folding of ASCII letters, with the two letters outside it that fold to one.
    void add_literal(CharacterSet& set, char32_t c) {
        set.add(c, c);
        if (!ignores_case_) return;
        if (c >= 0x80) refuse("a letter outside ASCII in (?i:");
        bool const is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!is_letter) return;
        set.add(c ^ 0x20, c ^ 0x20);
        if ((c | 0x20) == 's') set.add(0x17F, 0x17F);    // long s
        if ((c | 0x20) == 'k') set.add(0x212A, 0x212A);  // Kelvin
    }

    // What stands behind a backslash: a character, or a class that is added to `set`.
    std::optional<char32_t> escape(CharacterSet& set) {
        if (at_end()) refuse("a backslash at its end");
        std::size_t const begin = at_ - 1;
        char32_t const c = take();
        switch (c) {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 's':
                set.add_spaces();
                return std::nullopt;
            case 'S':
                set.add_all_but_spaces();
                return std::nullopt;
            case 'd':
                set.add_categories(bit(Category::Nd));
                return std::nullopt;
            case 'D':
                set.add_categories(~bit(Category::Nd));
                return std::nullopt;
            case 'p':
            case 'P':
                add_property(set, c == 'P');
                return std::nullopt;
            default:
                break;
        }
        bool const is_word = c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (is_word) {
            at_ = begin;
            refuse("\\" + std::string(pattern_.substr(begin + 1, 1)));
        }
        return c;
    }

    void add_property(CharacterSet& set, bool is_inverted) {
        std::size_t const begin = at_;
        bool found = skip("{");
        if (skip("^")) is_inverted = !is_inverted;
        std::size_t const end = found ? pattern_.find('}', at_) : std::string_view::npos;
        auto const categories =
            end == std::string_view::npos ? std::nullopt : categories_named(pattern_.substr(at_, end - at_));
        if (!categories) {
            at_ = begin;
            refuse("a property that is no general category");
        }
        at_ = end + 1;
        set.add_categories(is_inverted ? ~*categories : *categories);
    }

    void read_class(CharacterSet& set) {
        if (skip("^")) set.invert();
        if (sees("]")) refuse("an empty class");
        while (!skip("]")) {
            if (at_end()) refuse("\"[\" without its \"]\"");
            if (sees("[") || sees("&&")) refuse("a class inside a class");
            std::optional<char32_t> first;
            if (skip("\\"))
                first = escape(set);
            else
                first = take();
            if (!first) {
                if (sees("-") && !sees("-]")) refuse("a range that begins with a class");
                continue;
            }
            char32_t last = *first;
            if (sees("-") && !sees("-]")) {
                ++at_;
                if (sees("[")) refuse("a class inside a class");
                auto const end = skip("\\") ? escape(set) : std::optional(take());
                if (!end || *end < *first) refuse("a wrong range");
                last = *end;
            }
            if (ignores_case_) refuse("a class in (?i:");
            set.add(*first, last);
        }
    }

    std::string_view pattern_;
    std::string const& place_;
    std::size_t at_ = 0;
    bool ignores_case_ = false;
    Regex::Program program_;
};

}  // namespace

Regex::Program parse_regex(std::string_view pattern, std::string const& place) {
    return Parser(pattern, place).run();
}

}  // namespace gatesweep::bpe
