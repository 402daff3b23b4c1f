#include "parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep::jinja {

class StatementParser : private ExpressionParser {
public:
    using ExpressionParser::ExpressionParser;

    Body run() {
        Body body = statements({});
        if (peek().kind != Token::end) refuse_here(fmt::format("{{% {} %}} closes nothing", printable(peek(1).value)));
        return body;
    }

private:
    using Names = std::initializer_list<std::string_view>;

    bool at_tag(Names names) const {
        return peek().kind == Token::block_begin && peek(1).kind == Token::name &&
               std::find(names.begin(), names.end(), peek(1).value) != names.end();
    }

    // Up to the end, or to a tag of `closing`, or to any tag that closes something.
    Body statements(Names closing) {
        Level const level(*this);
        Body body;
        while (peek().kind != Token::end && !at_tag(closing) &&
               !at_tag({"elif", "else", "endif", "endfor", "endset", "endmacro", "endcall", "endfilter", "endwith",
                        "endgeneration"})) {
            body.push_back(statement());
        }
        return body;
    }

    // The body of something that is no loop: {% break %} does not reach through it.
    Body captured(std::string_view closing) {
        int const loops = std::exchange(loops_, 0);
        Body out = statements({closing});
        loops_ = loops;
        close(closing);
        return out;
    }

    Statement statement() {
        Statement out;
        out.line = peek().line;
        Token const& first = take();
        if (first.kind == Token::data) {
            out.text = Text(first.value, Text::by_template);
        } else if (first.kind == Token::print_begin) {
            out.kind = Statement::print;
            out.expression = tuple(Inline::allowed);
            expect(Token::print_end);
        } else {
            tag(out);
        }
        return out;
    }

    void tag(Statement& out) {
        if (skip_name("if")) return if_statement(out);
        if (skip_name("for")) return for_statement(out);
        if (skip_name("set")) return set_statement(out);
        if (skip_name("macro")) return macro_statement(out);
        if (skip_name("call")) return call_statement(out);
        if (skip_name("filter")) return filter_statement(out);
        if (skip_name("with")) return with_statement(out);
        if (skip_name("generation")) {
            out.kind = Statement::generated;
            expect(Token::block_end);
            out.bodies.push_back({nullptr, captured("endgeneration")});
            return;
        }
        bool const leaves = is_name("break");
        if (!leaves && !is_name("continue"))
            refuse_here(fmt::format("{{% {} %}} is not supported", printable(peek().value)));
        if (loops_ == 0) refuse_here(fmt::format("{{% {} %}} outside of a loop", peek().value));
        ++at_;
        out.kind = leaves ? Statement::leave_loop : Statement::next_of_loop;
        expect(Token::block_end);
    }

    void close(std::string_view name) {
        if (!at_tag({name})) refuse_here(fmt::format("{{% {} %}} is missing", name));
        at_ += 2;
        if (name == "endmacro" && peek().kind == Token::name) ++at_;  // {% endmacro name %}
        expect(Token::block_end);
    }

    void if_statement(Statement& out) {
        out.kind = Statement::branches;
        do {
            Node const condition = tuple(Inline::forbidden);
            expect(Token::block_end);
            out.bodies.push_back({condition, statements({"elif", "else", "endif"})});
        } while (at_tag({"elif"}) && (at_ += 2));
        otherwise(out, "endif");
        close("endif");
    }

    void otherwise(Statement& out, std::string_view closing) {
        if (!at_tag({"else"})) return;
        at_ += 2;
        expect(Token::block_end);
        out.bodies.push_back({nullptr, statements({closing})});
    }

    Target one_target() {
        Target out;
        if (skip_symbol("(")) {
            out = targets();
            expect_symbol(")");
            return out;
        }
        out.name = expect_name();
        if (is_one_reserved(out.name)) refuse_here(fmt::format("\"{}\" cannot be assigned to", out.name));
        if (skip_symbol(".")) out.attribute = expect_name();
        return out;
    }

    static bool is_one_reserved(std::string_view name) {
        Names const reserved = {"true", "false", "none", "True", "False", "None"};
        return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
    }

    Target targets() {
        Level const level(*this);
        Target first = one_target();
        if (!is_symbol(",")) return first;
        Target out;
        out.parts.push_back(std::move(first));
        while (skip_symbol(",") && (peek().kind == Token::name || is_symbol("(")) && !is_name("in"))
            out.parts.push_back(one_target());
        return out;
    }

    void for_statement(Statement& out) {
        out.kind = Statement::loop;
        out.target = targets();
        if (!skip_name("in")) unexpected();
        out.expression = tuple(Inline::forbidden);  // not a condition: "if" begins the loop's own
        if (skip_name("if")) out.where = expression();
        out.recursive = skip_name("recursive");
        expect(Token::block_end);
        ++loops_;
        out.bodies.push_back({nullptr, statements({"else", "endfor"})});
        --loops_;
        otherwise(out, "endfor");
        close("endfor");
    }

    void set_statement(Statement& out) {
        out.kind = Statement::assign;
        out.target = targets();
        if (skip_symbol("=")) {
            out.expression = tuple(Inline::allowed);
            expect(Token::block_end);
            return;
        }
        out.kind = Statement::assign_body;
        if (!out.target.parts.empty()) unexpected();
        out.expression = filters(nullptr, true);
        expect(Token::block_end);
        out.bodies.push_back({nullptr, captured("endset")});
    }

    void parameters(Statement& out) {
        while (!skip_symbol(")")) {
            Parameter one;
            one.name = expect_name();
            if (is_one_reserved(one.name)) refuse_here(fmt::format("\"{}\" cannot be assigned to", one.name));
            if (skip_symbol("="))
                one.fallback = expression();
            else if (!out.parameters.empty() && out.parameters.back().fallback)
                refuse_here("a parameter without a default stands behind one with a default");
            out.parameters.push_back(std::move(one));
            if (is_symbol(")")) continue;
            expect_symbol(",");
            if (is_symbol(")")) unexpected();
        }
    }

    void macro_body(Statement& out, std::string_view closing) {
        used_names_.emplace_back();
        out.bodies.push_back({nullptr, captured(closing)});
        auto const uses = [&](std::string_view name) {
            auto const& names = used_names_.back();
            auto const is_name = [&](Parameter const& one) { return one.name == name; };
            return std::find(names.begin(), names.end(), name) != names.end() &&
                   std::none_of(out.parameters.begin(), out.parameters.end(), is_name);
        };
        out.takes_caller = uses("caller");
        out.takes_more = uses("varargs");
        out.takes_more_named = uses("kwargs");
        used_names_.pop_back();
    }

    void macro_statement(Statement& out) {
        out.kind = Statement::macro;
        out.name = expect_name();
        expect_symbol("(");
        parameters(out);
        for (Parameter const& one : out.parameters)
            if (one.name == "caller") refuse_here("a parameter named \"caller\" is not supported");
        expect(Token::block_end);
        macro_body(out, "endmacro");
    }

    void call_statement(Statement& out) {
        out.kind = Statement::call_body;
        if (skip_symbol("(")) parameters(out);
        out.expression = expression();
        if (out.expression->kind != Expression::call) refuse_here("{% call %} without a call");
        expect(Token::block_end);
        macro_body(out, "endcall");
    }

    void filter_statement(Statement& out) {
        out.kind = Statement::filter_body;
        Expression first = start(Expression::filter, expect_name());
        first.arguments.push_back(nullptr);
        if (skip_symbol("(")) call_arguments(first);
        out.expression = filters(finish(std::move(first)), true);
        expect(Token::block_end);
        out.bodies.push_back({nullptr, captured("endfilter")});
    }

    void with_statement(Statement& out) {
        out.kind = Statement::with_body;
        while (peek().kind != Token::block_end) {
            Parameter one;
            one.name = expect_name();
            expect_symbol("=");
            one.fallback = expression();
            out.parameters.push_back(std::move(one));
            if (peek().kind != Token::block_end) expect_symbol(",");
        }
        expect(Token::block_end);
        out.bodies.push_back({nullptr, captured("endwith")});
    }

    int loops_ = 0;  // that a {% break %} here could leave
};

Body parse(std::string_view source) {
    return StatementParser(source).run();
}

}  // namespace gatesweep::jinja
