#include "parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep::jinja {

void ExpressionParser::refuse_here(std::string_view what) const {
    fail(ExitCode::bad_data, "line {}: {}", peek().line, what);
}

void ExpressionParser::unexpected() const {
    bool const closes = peek().kind == Token::print_end || peek().kind == Token::block_end || peek().kind == Token::end;
    refuse_here(closes ? "an expression ends too early"
                       : fmt::format("\"{}\" is not supported here", printable(peek().value)));
}

void ExpressionParser::expect_symbol(std::string_view value) {
    if (!skip_symbol(value)) unexpected();
}

void ExpressionParser::expect(Token::Kind kind) {
    if (peek().kind != kind) unexpected();
    ++at_;
}

std::string ExpressionParser::expect_name() {
    if (peek().kind != Token::name) unexpected();
    return take().value;
}

Expression ExpressionParser::start(Expression::Kind kind, std::string name) const {
    Expression out;
    out.kind = kind;
    out.name = std::move(name);
    out.line = peek().line;
    return out;
}

Node ExpressionParser::finish(Expression out) const {
    for (auto const& argument : out.arguments)
        out.depth = std::max(out.depth, argument ? argument->depth + 1 : 1);
    for (auto const& [name, argument] : out.named)
        out.depth = std::max(out.depth, argument->depth + 1);
    if (out.depth > max_depth) refuse_here("an expression is nested too deeply");
    return std::make_shared<Expression>(std::move(out));
}

Node ExpressionParser::make(Expression::Kind kind, std::string name, std::vector<Node> arguments) const {
    Expression out = start(kind, std::move(name));
    out.arguments = std::move(arguments);
    return finish(std::move(out));
}

bool ExpressionParser::ends_tuple() const {
    return peek().kind == Token::print_end || peek().kind == Token::block_end || is_symbol(")") || is_name("recursive");
}

Node ExpressionParser::tuple(Inline conditions) {
    Expression out = start(Expression::tuple, "");
    bool several = false;
    while (!ends_tuple()) {
        out.arguments.push_back(expression(conditions));
        if (!skip_symbol(",")) break;
        several = true;
    }
    if (out.arguments.empty()) unexpected();
    if (!several) return out.arguments[0];
    return finish(std::move(out));
}

// Loosest binding first

Node ExpressionParser::expression(Inline conditions) {
    Level const level(*this);
    Node out = disjunction();
    while (conditions == Inline::allowed && skip_name("if")) {
        Node const condition = disjunction();
        Node otherwise;
        if (skip_name("else")) {
            otherwise = expression();
        } else {
            Expression nothing = start(Expression::literal, "");
            nothing.value = Undefined{"an if without else"};
            otherwise = finish(std::move(nothing));
        }
        out = make(Expression::condition, "", {out, condition, otherwise});
    }
    return out;
}

Node ExpressionParser::disjunction() {
    Node out = conjunction();
    while (skip_name("or"))
        out = make(Expression::binary, "or", {out, conjunction()});
    return out;
}

Node ExpressionParser::conjunction() {
    Node out = negation();
    while (skip_name("and"))
        out = make(Expression::binary, "and", {out, negation()});
    return out;
}

Node ExpressionParser::negation() {
    Level const level(*this);
    if (skip_name("not")) return make(Expression::unary, "not", {negation()});
    return comparison();
}

std::string ExpressionParser::comparison_operator() {
    for (std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">"}) {
        if (skip_symbol(symbol)) return std::string(symbol);
    }
    if (skip_name("in")) return "in";
    if (is_name("not") && is_name("in", 1)) {
        at_ += 2;
        return "not in";
    }
    return "";
}

Node ExpressionParser::comparison() {
    Expression out = start(Expression::comparison, "");
    out.arguments.push_back(sum());
    for (std::string symbol; !(symbol = comparison_operator()).empty();) {
        out.symbols.push_back(symbol);
        out.arguments.push_back(sum());
    }
    if (out.symbols.empty()) return out.arguments[0];
    return finish(std::move(out));
}

Node ExpressionParser::left_to_right(Node (ExpressionParser::*next)(),
                                     std::initializer_list<std::string_view> symbols) {
    Node out = (this->*next)();
    while (peek().kind == Token::symbol && std::find(symbols.begin(), symbols.end(), peek().value) != symbols.end()) {
        std::string const symbol = take().value;
        out = make(Expression::binary, symbol, {out, (this->*next)()});
    }
    return out;
}

Node ExpressionParser::sum() {
    return left_to_right(&ExpressionParser::concatenation, {"+", "-"});
}
Node ExpressionParser::concatenation() {
    return left_to_right(&ExpressionParser::product, {"~"});
}
Node ExpressionParser::product() {
    return left_to_right(&ExpressionParser::power, {"*", "/", "//", "%"});
}
Node ExpressionParser::power() {
    return left_to_right(&ExpressionParser::signed_value, {"**"});
}

Node ExpressionParser::signed_value(bool with_filters) {
    Level const level(*this);
    Node out;
    if (is_symbol("-") || is_symbol("+")) {
        std::string const sign = take().value;
        out = make(Expression::unary, sign, {signed_value(false)});
    } else {
        out = primary();
    }
    out = postfix(out);
    return with_filters ? filters(out, false) : out;
}

}  // namespace gatesweep::jinja
