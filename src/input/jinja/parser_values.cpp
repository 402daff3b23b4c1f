// The values that operators join: literals, names, brackets, and what may follow each of them.
#include "parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gatesweep/base/error.h"

namespace gatesweep::jinja {

Node ExpressionParser::primary() {
    Token const& token = peek();
    if (token.kind == Token::text) return text_literal();
    if (token.kind == Token::number) return number_literal();
    if (skip_symbol("(")) return in_parentheses();
    if (skip_symbol("[")) return make(Expression::list, "", list_items("]"));
    if (skip_symbol("{")) return dictionary();
    if (token.kind != Token::name) unexpected();
    std::string const name = take().value;
    Expression out = start(Expression::literal, "");
    if (name == "true" || name == "True") {
        out.value = true;
    } else if (name == "false" || name == "False") {
        out.value = false;
    } else if (name == "none" || name == "None") {
        out.value = None{};
    } else {
        out.kind = Expression::variable;
        out.name = name;
        for (auto& names : used_names_)
            names.push_back(name);
    }
    return finish(std::move(out));
}

Node ExpressionParser::number_literal() {
    Expression out = start(Expression::literal, "");
    std::string const text = take().value;
    auto const* end = text.data() + text.size();
    if (text.find_first_of(".e") != std::string::npos) {
        double value = 0;
        if (std::from_chars(text.data(), end, value).ec != std::errc()) refuse_here("a number that is not supported");
        out.value = value;
    } else {
        std::int64_t value = 0;
        if (std::from_chars(text.data(), end, value).ec != std::errc()) refuse_here("a number that is not supported");
        out.value = value;
    }
    return finish(std::move(out));
}

Node ExpressionParser::text_literal() {
    Expression out = start(Expression::literal, "");
    std::string value;
    while (peek().kind == Token::text)
        value += take().value;  // 'a' 'b' is 'ab'
    out.value = Text(value, Text::by_template);
    return finish(std::move(out));
}

Node ExpressionParser::in_parentheses() {
    if (skip_symbol(")")) return make(Expression::tuple, "", {});
    Node const out = tuple(Inline::allowed);
    expect_symbol(")");
    return out;
}

std::vector<Node> ExpressionParser::list_items(std::string_view closing) {
    std::vector<Node> out;
    while (!skip_symbol(closing)) {
        out.push_back(expression());
        if (!is_symbol(closing)) expect_symbol(",");
    }
    return out;
}

Node ExpressionParser::dictionary() {
    Expression out = start(Expression::dictionary, "");
    while (!skip_symbol("}")) {
        out.arguments.push_back(expression());
        expect_symbol(":");
        out.arguments.push_back(expression());
        if (!is_symbol("}")) expect_symbol(",");
    }
    return finish(std::move(out));
}

void ExpressionParser::call_arguments(Expression& out) {
    while (!skip_symbol(")")) {
        if (is_symbol("*") || is_symbol("**")) refuse_here("* and ** before an argument are not supported");
        if (peek().kind == Token::name && is_symbol("=", 1)) {
            std::string const name = take().value;
            ++at_;
            bool const twice = std::any_of(out.named.begin(), out.named.end(),
                                           [&](auto const& argument) { return argument.first == name; });
            if (twice) refuse_here(fmt::format("the argument \"{}\" is given twice", printable(name)));
            out.named.emplace_back(name, expression());
        } else {
            if (!out.named.empty()) refuse_here("an argument without a name stands behind one with a name");
            out.arguments.push_back(expression());
        }
        if (!is_symbol(")")) expect_symbol(",");
    }
}

Node ExpressionParser::postfix(Node value) {
    for (;;) {
        if (skip_symbol(".")) {
            if (peek().kind == Token::number && peek().value.find_first_not_of("0123456789") == std::string::npos)
                value = make(Expression::item, "", {value, number_literal()});
            else
                value = make(Expression::attribute, expect_name(), {value});
        } else if (skip_symbol("[")) {
            value = subscript(value);
        } else if (skip_symbol("(")) {
            Expression out = start(Expression::call, "");
            out.arguments.push_back(value);
            call_arguments(out);
            value = finish(std::move(out));
        } else {
            return value;
        }
    }
}

Node ExpressionParser::subscript(Node const& self) {
    std::vector<Node> keys;
    if (skip_symbol("]")) return make(Expression::item, "", {self, make(Expression::tuple, "", {})});
    Node const first = is_symbol(":") ? nullptr : expression();
    if (skip_symbol("]")) return make(Expression::item, "", {self, first});
    if (is_symbol(",")) {
        std::vector<Node> all = {first};
        while (skip_symbol(",") && !is_symbol("]"))
            all.push_back(expression());
        expect_symbol("]");
        return make(Expression::item, "", {self, make(Expression::tuple, "", all)});
    }
    expect_symbol(":");
    auto const ends = [&] { return is_symbol("]") || is_symbol(":"); };
    Node const last = ends() ? nullptr : expression();
    Node const step = skip_symbol(":") && !ends() ? expression() : nullptr;
    expect_symbol("]");
    return make(Expression::slice, "", {self, first, last, step});
}

Node ExpressionParser::filters(Node value, bool only_filters) {
    for (;;) {
        if (skip_symbol("|")) {
            value = one_filter(value);
        } else if (!only_filters && skip_name("is")) {
            value = one_test(value);
        } else if (!only_filters && is_symbol("(")) {
            value = postfix(value);
        } else {
            return value;
        }
    }
}

Node ExpressionParser::one_filter(Node const& self) {
    Expression out = start(Expression::filter, expect_name());
    out.arguments.push_back(self);
    if (skip_symbol("(")) call_arguments(out);
    return finish(std::move(out));
}

Node ExpressionParser::one_test(Node const& self) {
    bool const negated = skip_name("not");
    Expression out = start(Expression::test, expect_name());
    out.arguments.push_back(self);
    auto const kind = peek().kind;
    bool const starts_value =
        kind == Token::name || kind == Token::text || kind == Token::number || is_symbol("[") || is_symbol("{");
    bool const goes_on = is_name("else") || is_name("or") || is_name("and");
    if (skip_symbol("(")) {
        call_arguments(out);
    } else if (starts_value && !goes_on) {
        if (is_name("is")) refuse_here("a test of a test");
        out.arguments.push_back(postfix(primary()));
    }
    Node const test = finish(std::move(out));
    return negated ? make(Expression::unary, "not", {test}) : test;
}

}  // namespace gatesweep::jinja
