// Recursive descent over the tokens of a template; expressions here, statements below.
#pragma once

#include <string>
#include <vector>

#include "ast.h"
#include "lexer.h"

namespace gatesweep::jinja {

class ExpressionParser {
public:
    explicit ExpressionParser(std::string_view source) : tokens_(tokenize(source)) {}

protected:
    static constexpr int max_depth = 200;  // of nested tags and of an expression: parsing and rendering recurse

    Token const& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
    Token const& take() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
    bool is_symbol(std::string_view value, std::size_t ahead = 0) const {
        return peek(ahead).kind == Token::symbol && peek(ahead).value == value;
    }
    bool is_name(std::string_view value, std::size_t ahead = 0) const {
        return peek(ahead).kind == Token::name && peek(ahead).value == value;
    }
    bool skip_symbol(std::string_view value) { return is_symbol(value) && ++at_; }
    bool skip_name(std::string_view value) { return is_name(value) && ++at_; }
    [[noreturn]] void refuse_here(std::string_view what) const;
    [[noreturn]] void unexpected() const;
    void expect_symbol(std::string_view value);
    void expect(Token::Kind kind);
    std::string expect_name();

    // One level of nesting, for as long as it lives.
    class Level {
    public:
        explicit Level(ExpressionParser& parser) : parser_(parser) {
            if (++parser_.depth_ > max_depth) parser_.refuse_here("nested too deeply");
        }
        ~Level() { --parser_.depth_; }

    private:
        ExpressionParser& parser_;
    };

    // Whether an inline if may stand outside brackets: it may not where an "if" of the tag's own can follow.
    enum class Inline { allowed, forbidden };
    Node expression(Inline conditions = Inline::allowed);
    Node tuple(Inline conditions);                // a, b; also a alone
    Node filters(Node value, bool only_filters);  // | a(1) | b; also "is" unless only filters may follow
    void call_arguments(Expression& out);         // behind "("
    Node postfix(Node value);
    Node primary();
    Expression start(Expression::Kind kind, std::string name) const;
    Node finish(Expression out) const;
    Node make(Expression::Kind kind, std::string name, std::vector<Node> arguments) const;

    // Names that the bodies being read have asked for: a macro takes a caller if it does.
    std::vector<std::vector<std::string>> used_names_;

private:
    bool ends_tuple() const;
    Node disjunction();
    Node conjunction();
    Node negation();
    Node comparison();
    std::string comparison_operator();
    Node left_to_right(Node (ExpressionParser::*next)(), std::initializer_list<std::string_view> symbols);
    Node sum();
    Node concatenation();
    Node product();
    Node power();
    Node signed_value() { return signed_value(true); }
    Node signed_value(bool with_filters);
    Node number_literal();
    Node text_literal();
    Node in_parentheses();
    Node dictionary();
    Node subscript(Node const& self);
    Node one_filter(Node const& self);
    Node one_test(Node const& self);
    std::vector<Node> list_items(std::string_view closing);

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;

    friend class StatementParser;
};

}  // namespace gatesweep::jinja
