#include "lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "escapes.h"
#include "gatesweep/base/error.h"
#include "letters.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

constexpr std::string_view spaces = " \t\n\v\f\r";

// What Python's rstrip() leaves, in bytes.
std::size_t without_spaces_at_end(std::string const& text) {
    return strip(Text(text, Text::by_template), Side::right).bytes.size();
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string one_kind_of_newline(std::string_view source) {
    std::string out;
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
        out += source[i] == '\r' ? '\n' : source[i];
    }
    if (!out.empty() && out.back() == '\n') out.pop_back();  // Jinja drops one newline at the end
    return out;
}

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(one_kind_of_newline(source)) {}

    std::vector<Token> run() {
        while (at_ < source_.size())
            read_data_and_tag();
        add(Token::end, "");
        return std::move(tokens_);
    }

private:
    int line() {
        std::size_t const here = std::min(at_, source_.size());
        if (here < counted_) counted_ = 0, line_ = 1;
        line_ += static_cast<int>(std::count(source_.data() + counted_, source_.data() + here, '\n'));
        counted_ = here;
        return line_;
    }
    [[noreturn]] void refuse(std::string_view what) { fail(ExitCode::bad_data, "line {}: {}", line(), what); }
    bool looking_at(std::string_view word) const { return std::string_view(source_).substr(at_, word.size()) == word; }
    void add(Token::Kind kind, std::string value) { tokens_.push_back({kind, std::move(value), line()}); }

    std::size_t next_tag() const {
        std::size_t at = at_;
        while ((at = source_.find('{', at)) != std::string::npos) {
            char const c = at + 1 < source_.size() ? source_[at + 1] : '\0';
            if (c == '{' || c == '%' || c == '#') return at;
            ++at;
        }
        return source_.size();
    }

    void read_data_and_tag() {
        std::size_t const begin = at_;
        std::size_t const tag = next_tag();
        std::string data = source_.substr(begin, tag - begin);
        if (tag == source_.size()) {
            add_data(data);
            at_ = tag;
            return;
        }
        char const kind = source_[tag + 1];
        char const sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
        if (sign == '-') {
            data.erase(without_spaces_at_end(data));
        } else if (sign != '+' && kind != '{') {
            strip_line_start(data, begin);
        }
        add_data(data);
        at_ = tag + 2 + (sign == '-' || sign == '+' ? 1 : 0);
        if (kind == '%' && read_raw()) return;
        if (kind == '#')
            skip_comment();
        else if (kind == '{')
            read_expression(Token::print_begin, Token::print_end, "}}");
        else
            read_expression(Token::block_begin, Token::block_end, "%}");
    }

    void add_data(std::string const& data) {
        if (!data.empty()) add(Token::data, data);
    }

    // lstrip_blocks: blanks before a tag go when nothing else stands before it on its line.
    void strip_line_start(std::string& data, std::size_t begin) const {
        std::size_t const newline = data.rfind('\n');
        std::size_t const start = newline == data.npos ? 0 : newline + 1;
        bool const line_begins_here = newline != data.npos || begin == 0 || source_[begin - 1] == '\n';
        if (line_begins_here && data.find_first_not_of(spaces, start) == data.npos) data.erase(start);
    }

    void skip_spaces() {
        for (std::size_t size = 0; at_ < source_.size(); at_ += size) {
            auto const next = characters(std::string_view(source_).substr(at_, 4));
            size = next[0].size;
            if (!is_space(next[0].code)) return;
        }
    }

    void after_tag(char sign, bool trims_newline) {
        if (sign == '-')
            skip_spaces();
        else if (sign != '+' && trims_newline && looking_at("\n"))
            ++at_;
    }

    // Behind "{%" when it begins {% raw %}: what stands before {% endraw %} is data.
    bool read_raw() {
        auto const tag_at = [&](std::size_t at, std::string_view word, char& sign) {
            at = std::min(source_.find_first_not_of(spaces, at), source_.size());
            if (source_.compare(at, word.size(), word) != 0) return std::string::npos;
            at = std::min(source_.find_first_not_of(spaces, at + word.size()), source_.size());
            sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
            if (sign != '\0') ++at;
            return source_.compare(at, 2, "%}") == 0 ? at + 2 : std::string::npos;
        };
        char sign = '\0';
        std::size_t const begin = tag_at(at_, "raw", sign);
        if (begin == std::string::npos || sign == '+') return false;
        at_ = begin;
        after_tag(sign, false);
        std::size_t const from = at_;
        for (std::size_t tag = from; (tag = source_.find("{%", tag)) != std::string::npos; tag += 2) {
            char const before = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
            std::size_t const inside = tag + 2 + (before == '-' || before == '+' ? 1 : 0);
            std::size_t const end = tag_at(inside, "endraw", sign);
            if (end == std::string::npos) continue;
            std::string data = source_.substr(from, tag - from);
            if (before == '-')
                data.erase(without_spaces_at_end(data));
            else if (before != '+')
                strip_line_start(data, from);
            add_data(data);
            at_ = end;
            after_tag(sign, true);
            return true;
        }
        refuse("{% endraw %} is missing");
    }

    void skip_comment() {
        std::size_t const end = source_.find("#}", at_);
        if (end == std::string::npos) refuse("a comment {# has no #}");
        char const sign = end > at_ ? source_[end - 1] : '\0';
        at_ = end + 2;
        after_tag(sign, true);
    }

    void read_expression(Token::Kind begin_kind, Token::Kind end_kind, std::string_view close) {
        add(begin_kind, "");
        std::string open;  // brackets that wait for their partner: "}}" may close two dictionaries
        for (;;) {
            at_ = std::min(source_.find_first_not_of(spaces, at_), source_.size());
            if (at_ == source_.size()) refuse(fmt::format("a tag has no {}", close));
            char const sign = source_[at_];
            bool const signs = sign == '-' || (sign == '+' && end_kind == Token::block_end);
            if (open.empty() && signs && std::string_view(source_).substr(at_ + 1, 2) == close) {
                at_ += 3;
                return finish(end_kind, sign);
            }
            if (open.empty() && looking_at(close)) {
                at_ += 2;
                return finish(end_kind, '\0');
            }
            read_token(open);
        }
    }

    void finish(Token::Kind kind, char sign) {
        add(kind, "");
        after_tag(sign, kind == Token::block_end);
    }

    void read_token(std::string& open) {
        char const c = source_[at_];
        std::size_t const begin = at_;
        if (is_letter(c)) {
            while (at_ < source_.size() && (is_letter(source_[at_]) || is_digit(source_[at_])))
                ++at_;
            return add(Token::name, source_.substr(begin, at_ - begin));
        }
        if (is_digit(c)) return add(Token::number, read_number());
        if (c == '\'' || c == '"') return add(Token::text, read_quoted(c));
        for (std::string_view two : {"==", "!=", "<=", ">=", "//", "**"}) {
            if (!looking_at(two)) continue;
            at_ += 2;
            return add(Token::symbol, std::string(two));
        }
        if (std::string_view("<>+-*/%~|.,:()[]{}=").find(c) == std::string_view::npos) {
            refuse(fmt::format("\"{}\" is not understood", printable(source_.substr(at_, 1))));
        }
        if (std::string_view("([{").find(c) != std::string_view::npos) open += c;
        if (std::string_view(")]}").find(c) != std::string_view::npos) {
            if (open.empty()) refuse(fmt::format("\"{}\" closes nothing", c));
            open.pop_back();
        }
        ++at_;
        add(Token::symbol, std::string(1, c));
    }

    void skip_digits(std::string& out) {
        while (at_ < source_.size() && (is_digit(source_[at_]) || (source_[at_] == '_' && is_digit(digit_behind()))))
            if (source_[at_++] != '_') out += source_[at_ - 1];
    }
    char digit_behind() const { return at_ + 1 < source_.size() ? source_[at_ + 1] : '\0'; }

    // Digits, a point and an exponent as std::from_chars reads them.
    std::string read_number() {
        bool const behind_point = at_ > 0 && source_[at_ - 1] == '.';
        std::string out;
        if (char const kind = static_cast<char>(digit_behind() | 0x20); source_[at_] == '0' && kind == 'x') {
            std::size_t const end =
                std::min(source_.find_first_not_of("0123456789abcdefABCDEF", at_ + 2), source_.size());
            out = source_.substr(at_, end - at_);
            at_ = end;
        }
        if (!out.empty() && (out.size() < 3 || out.size() > 17 || (at_ < source_.size() && is_letter(source_[at_]))))
            refuse("a number that is not supported");
        if (!out.empty()) return std::to_string(std::stoll(out, nullptr, 16));
        skip_digits(out);
        if (out.size() > 1 && out[0] == '0') refuse("a number that begins with zero");
        if (!behind_point && at_ < source_.size() && source_[at_] == '.' && is_digit(digit_behind())) {
            out += source_[at_++];
            skip_digits(out);
        }
        if (!behind_point && at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
            ++at_;
            out += 'e';
            if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) out += source_[at_++];
            if (at_ == source_.size() || !is_digit(source_[at_])) refuse("a number that is not supported");
            skip_digits(out);
        }
        if (at_ < source_.size() && is_letter(source_[at_])) refuse("a number that is not supported");
        return out;
    }

    std::string read_quoted(char quote) {
        std::string out;
        for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
            if (source_[at_] != '\\') {
                out += source_[at_];
                continue;
            }
            ++at_;
            auto const meaning = read_escape(source_, at_);
            if (!meaning) refuse("an escape in a quoted text that is not supported");
            out += *meaning;
        }
        if (at_ == source_.size()) refuse("a quoted text has no end");
        ++at_;
        return out;
    }

    std::string source_;
    std::size_t at_ = 0;
    std::size_t counted_ = 0;  // line_ is the line of this place
    int line_ = 1;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
    return Lexer(source).run();
}

}  // namespace gatesweep::jinja
