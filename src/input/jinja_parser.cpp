#include <algorithm>
#include <charconv>

#include "gatesweep/base/error.h"
#include "jinja_ast.h"
#include "jinja_lexer.h"

namespace gatesweep::jinja {
namespace {

constexpr int max_depth = 200;  // of nested tags and of an expression: parsing and rendering recurse

class Parser {
public:
    explicit Parser(std::string_view source) : tokens_(tokenize(source)) {}

    Body run() {
        Body body = statements({});
        if (peek().kind != Token::end) refuse(fmt::format("{{% {} %}} closes nothing", peek(1).value));
        return body;
    }

private:
    Token const& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
    Token const& take() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
    bool is_symbol(std::string_view value, std::size_t ahead = 0) const {
        return peek(ahead).kind == Token::symbol && peek(ahead).value == value;
    }
    bool is_name(std::string_view value) const { return peek().kind == Token::name && peek().value == value; }
    bool skip_symbol(std::string_view value) { return is_symbol(value) && ++at_; }
    bool skip_name(std::string_view value) { return is_name(value) && ++at_; }

    [[noreturn]] void refuse(std::string_view what) const {
        fail(ExitCode::bad_data, "line {}: {}", peek().line, what);
    }
    [[noreturn]] void unexpected() const {
        bool const closes =
            peek().kind == Token::print_end || peek().kind == Token::block_end || peek().kind == Token::end;
        refuse(closes ? "an expression ends too early"
                      : fmt::format("\"{}\" is not supported here", printable(peek().value)));
    }
    void expect_symbol(std::string_view value) {
        if (!skip_symbol(value)) unexpected();
    }
    void expect(Token::Kind kind) {
        if (peek().kind != kind) unexpected();
        ++at_;
    }
    std::string expect_name() {
        if (peek().kind != Token::name) unexpected();
        return take().value;
    }

    // One level of nesting, for as long as it lives.
    class Level {
    public:
        explicit Level(Parser& parser) : parser_(parser) {
            if (++parser_.depth_ > max_depth) parser_.refuse("nested too deeply");
        }
        ~Level() { --parser_.depth_; }

    private:
        Parser& parser_;
    };

    // Statements

    bool at_tag(std::initializer_list<std::string_view> names) const {
        return peek().kind == Token::block_begin && peek(1).kind == Token::name &&
               std::find(names.begin(), names.end(), peek(1).value) != names.end();
    }

    // Up to the end, or to a tag of `closing`, or to any tag that closes something.
    Body statements(std::initializer_list<std::string_view> closing) {
        Level const level(*this);
        Body body;
        while (peek().kind != Token::end && !at_tag(closing) &&
               !at_tag({"elif", "else", "endif", "endfor", "endset"})) {
            body.push_back(statement());
        }
        return body;
    }

    Statement statement() {
        Statement out;
        out.line = peek().line;
        Token const& first = take();
        if (first.kind == Token::data) {
            out.text = Text(first.value, Text::by_template);
        } else if (first.kind == Token::print_begin) {
            out.kind = Statement::print;
            out.expression = expression();
            expect(Token::print_end);
        } else if (skip_name("if")) {
            if_statement(out);
        } else if (skip_name("for")) {
            for_statement(out);
        } else if (skip_name("set")) {
            set_statement(out);
        } else {
            refuse(fmt::format("{{% {} %}} is not supported", printable(peek().value)));
        }
        return out;
    }

    void close(std::string_view name) {
        if (!at_tag({name})) refuse(fmt::format("{{% {} %}} is missing", name));
        at_ += 2;
        expect(Token::block_end);
    }

    void if_statement(Statement& out) {
        out.kind = Statement::branches;
        do {
            Node const condition = expression();
            expect(Token::block_end);
            out.bodies.push_back({condition, statements({"elif", "else", "endif"})});
        } while (at_tag({"elif"}) && (at_ += 2));
        if (at_tag({"else"})) {
            at_ += 2;
            expect(Token::block_end);
            out.bodies.push_back({nullptr, statements({"endif"})});
        }
        close("endif");
    }

    void for_statement(Statement& out) {
        out.kind = Statement::loop;
        do
            out.names.push_back(expect_name());
        while (skip_symbol(","));
        if (!skip_name("in")) unexpected();
        out.expression = disjunction();  // not a condition: "if" begins the loop's own
        if (skip_name("if")) out.where = expression();
        expect(Token::block_end);
        out.bodies.push_back({nullptr, statements({"else", "endfor"})});
        if (at_tag({"else"})) {
            at_ += 2;
            expect(Token::block_end);
            out.bodies.push_back({nullptr, statements({"endfor"})});
        }
        close("endfor");
    }

    void set_statement(Statement& out) {
        out.kind = Statement::assign;
        out.names.push_back(expect_name());
        if (skip_symbol(".")) out.names.push_back(expect_name());
        expect_symbol("=");
        out.expression = expression();
        expect(Token::block_end);
    }

    // Expressions, loosest binding first

    Node make(Expression::Kind kind, std::string name, std::vector<Node> arguments) const {
        Expression out;
        out.kind = kind;
        out.name = std::move(name);
        out.line = peek().line;
        for (auto const& argument : arguments)
            out.depth = std::max(out.depth, argument ? argument->depth + 1 : 1);
        if (out.depth > max_depth) refuse("an expression is nested too deeply");
        out.arguments = std::move(arguments);
        return std::make_shared<Expression>(std::move(out));
    }
    Node make_literal(Value value) const {
        Expression out;
        out.value = std::move(value);
        out.line = peek().line;
        return std::make_shared<Expression>(std::move(out));
    }

    Node expression() {
        Level const level(*this);
        Node out = disjunction();
        while (skip_name("if")) {
            Node const condition = disjunction();
            Node const otherwise = skip_name("else") ? expression() : make_literal(Undefined{"else"});
            out = make(Expression::condition, "", {out, condition, otherwise});
        }
        return out;
    }

    Node disjunction() {
        Node out = conjunction();
        while (skip_name("or"))
            out = make(Expression::binary, "or", {out, conjunction()});
        return out;
    }

    Node conjunction() {
        Node out = negation();
        while (skip_name("and"))
            out = make(Expression::binary, "and", {out, negation()});
        return out;
    }

    Node negation() {
        Level const level(*this);
        if (skip_name("not")) return make(Expression::unary, "not", {negation()});
        return comparison();
    }

    std::string comparison_operator() {
        for (std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">"}) {
            if (skip_symbol(symbol)) return std::string(symbol);
        }
        if (skip_name("in")) return "in";
        if (is_name("not") && peek(1).kind == Token::name && peek(1).value == "in") {
            at_ += 2;
            return "not in";
        }
        return "";
    }

    Node comparison() {
        Node const left = sum();
        std::string const symbol = comparison_operator();
        if (symbol.empty()) return left;
        Node const out = make(Expression::binary, symbol, {left, sum()});
        if (!comparison_operator().empty()) refuse("a chain of comparisons is not supported");
        return out;
    }

    Node sum() {
        Node out = concatenation();
        while (is_symbol("+") || is_symbol("-")) {
            std::string const symbol = take().value;
            out = make(Expression::binary, symbol, {out, concatenation()});
        }
        return out;
    }

    Node concatenation() {
        Node out = product();
        while (skip_symbol("~"))
            out = make(Expression::binary, "~", {out, product()});
        return out;
    }

    Node product() {
        Node out = signed_value();
        while (is_symbol("*") || is_symbol("//") || is_symbol("%")) {
            std::string const symbol = take().value;
            out = make(Expression::binary, symbol, {out, signed_value()});
        }
        return out;
    }

    Node signed_value() {
        Level const level(*this);
        if (skip_symbol("-")) return make(Expression::unary, "-", {signed_value()});
        return filtered(postfix(primary()));
    }

    Node primary() {
        Token const& token = peek();
        if (token.kind == Token::text) return text_literal();
        if (token.kind == Token::number) {
            std::int64_t value = 0;
            std::from_chars(token.value.data(), token.value.data() + token.value.size(), value);
            ++at_;
            return make_literal(value);
        }
        if (skip_symbol("(")) {
            Node const out = expression();
            expect_symbol(")");
            return out;
        }
        if (skip_symbol("[")) return make(Expression::list, "", arguments("]"));
        if (token.kind != Token::name) unexpected();
        std::string const name = take().value;
        if (name == "true" || name == "True") return make_literal(true);
        if (name == "false" || name == "False") return make_literal(false);
        if (name == "none" || name == "None") return make_literal(None{});
        if (!is_symbol("(")) return make(Expression::variable, name, {});
        if (!is_function(name)) refuse(fmt::format("{}() is not supported", printable(name)));
        ++at_;
        return function_call(name);
    }

    Node text_literal() {
        std::string value;
        while (peek().kind == Token::text)
            value += take().value;  // 'a' 'b' is 'ab'
        return make_literal(Text(value, Text::by_template));
    }

    Node function_call(std::string const& name) {
        Expression out;
        out.kind = Expression::call;
        out.name = name;
        out.line = peek().line;
        while (!skip_symbol(")")) {
            if (peek().kind == Token::name && is_symbol("=", 1)) {
                std::string const key = take().value;
                ++at_;
                out.named.emplace_back(key, expression());
            } else {
                out.arguments.push_back(expression());
            }
            if (!is_symbol(")")) expect_symbol(",");
        }
        return std::make_shared<Expression>(std::move(out));
    }

    std::vector<Node> arguments(std::string_view closing) {
        std::vector<Node> out;
        while (!skip_symbol(closing)) {
            out.push_back(expression());
            if (!is_symbol(closing)) expect_symbol(",");
        }
        return out;
    }

    Node postfix(Node out) {
        for (;;) {
            if (skip_symbol(".")) {
                std::string const name = expect_name();
                if (!skip_symbol("(")) {
                    out = make(Expression::attribute, name, {out});
                    continue;
                }
                if (!is_method(name)) refuse(fmt::format(".{}() is not supported", printable(name)));
                out = with_arguments(Expression::method, name, out, arguments(")"));
            } else if (skip_symbol("[")) {
                out = subscript(out);
            } else {
                if (is_symbol("(")) refuse("a call of this kind is not supported");
                return out;
            }
        }
    }

    Node with_arguments(Expression::Kind kind, std::string const& name, Node const& self,
                        std::vector<Node> more) const {
        more.insert(more.begin(), self);
        return make(kind, name, std::move(more));
    }

    Node subscript(Node const& self) {
        Node const first = is_symbol(":") ? nullptr : expression();
        if (skip_symbol("]")) return make(Expression::item, "", {self, first});
        expect_symbol(":");
        Node const last = is_symbol("]") ? nullptr : expression();
        expect_symbol("]");
        return make(Expression::slice, "", {self, first, last});
    }

    Node filtered(Node out) {
        for (;;) {
            if (skip_symbol("|")) {
                std::string const name = expect_name();
                if (!is_filter(name)) refuse(fmt::format("the filter \"{}\" is not supported", printable(name)));
                out = with_arguments(Expression::filter, name, out,
                                     skip_symbol("(") ? arguments(")") : std::vector<Node>{});
            } else if (skip_name("is")) {
                bool const negated = skip_name("not");
                std::string const name = expect_name();
                if (!is_test(name)) refuse(fmt::format("the test \"is {}\" is not supported", printable(name)));
                std::vector<Node> more;
                if (skip_symbol("("))
                    more = arguments(")");
                else if (peek().kind == Token::text || peek().kind == Token::number)
                    more.push_back(primary());
                out = with_arguments(Expression::test, name, out, std::move(more));
                if (negated) out = make(Expression::unary, "not", {out});
            } else {
                return out;
            }
        }
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Body parse(std::string_view source) {
    return Parser(source).run();
}

}  // namespace gatesweep::jinja
