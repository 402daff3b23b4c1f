#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "value.h"

namespace gatesweep::jinja {

struct Expression;
using Node = std::shared_ptr<Expression const>;

struct Expression {
    enum Kind {
        literal,
        variable,    // name
        list,        // arguments
        tuple,       // arguments
        dictionary,  // arguments: key, value, key, value, ...
        attribute,   // arguments[0].name
        item,        // arguments[0][arguments[1]]
        slice,       // arguments[0][arguments[1]:arguments[2]:arguments[3]], absent bounds null
        call,        // arguments[0](arguments[1:], named)
        filter,      // arguments[0] | name(arguments[1:], named); of a filter block arguments[0] is null
        test,        // arguments[0] is name(arguments[1:], named)
        unary,       // name in {not, -, +}
        binary,      // name is the operator; also and, or
        comparison,  // arguments[0] symbols[0] arguments[1] symbols[1] arguments[2] ...
        condition,   // arguments[0] if arguments[1] else arguments[2]
    };
    Kind kind = literal;
    std::string name;
    Value value = None{};
    std::vector<Node> arguments;
    std::vector<std::pair<std::string, Node>> named;
    std::vector<std::string> symbols;
    int line = 0;
    int depth = 1;
};

// What a value is assigned to: a name, an attribute of a namespace, or several of these in a row.
struct Target {
    std::string name;
    std::string attribute;
    std::vector<Target> parts;
};

struct Parameter {
    std::string name;
    Node fallback;  // null: undefined when it is not given
};

struct Branch;

struct Statement {
    enum Kind {
        data,
        print,
        branches,
        loop,
        assign,
        assign_body,   // {% set x %}...{% endset %}, through the filters of `expression`
        macro,         // also what a call block hands over as its caller
        call_body,     // expression is the call; bodies[0] the caller's
        filter_body,   // expression is the filter
        with_body,     // {% with a = 1 %}
        generated,     // {% generation %}
        leave_loop,    // {% break %}
        next_of_loop,  // {% continue %}
    };
    Kind kind = data;
    Text text;                          // data
    Node expression;                    // print, assign, loop: what is iterated over
    Target target;                      // loop, assign
    Node where;                         // loop: "for x in list if where"
    bool recursive = false;             // loop
    std::vector<Branch> bodies;         // branches: if, elif, else; loop: body and else; others: the body
    std::string name;                   // macro
    std::vector<Parameter> parameters;  // macro, call_body; with_body: what it sets
    bool takes_caller = false, takes_more = false, takes_more_named = false;  // macro: caller, varargs, kwargs
    int line = 0;
};

using Body = std::vector<Statement>;

struct Branch {
    Node condition;  // null: else
    Body body;
};

// Errors: bad_data with the line, without the template's name.
Body parse(std::string_view source);

}  // namespace gatesweep::jinja
