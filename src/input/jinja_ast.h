#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jinja_value.h"

namespace gatesweep::jinja {

struct Expression;
using Node = std::shared_ptr<Expression const>;

struct Expression {
    enum Kind {
        literal,
        variable,   // name
        list,       // arguments
        attribute,  // arguments[0].name
        item,       // arguments[0][arguments[1]]
        slice,      // arguments[0][arguments[1]:arguments[2]], absent bounds null
        call,       // name(arguments, named)
        method,     // arguments[0].name(arguments[1:])
        filter,     // arguments[0] | name(arguments[1:])
        test,       // arguments[0] is name(arguments[1:])
        unary,      // name in {not, -}
        binary,     // name is the operator
        condition,  // arguments[0] if arguments[1] else arguments[2]
    };
    Kind kind = literal;
    std::string name;
    Value value = None{};
    std::vector<Node> arguments;
    std::vector<std::pair<std::string, Node>> named;
    int line = 0;
    int depth = 1;
};

struct Branch;

struct Statement {
    enum Kind { data, print, branches, loop, assign };
    Kind kind = data;
    Text text;                       // data
    Node expression;                 // print, assign, loop: what is iterated over
    std::vector<std::string> names;  // loop: its variables; assign: the name, and the attribute of a namespace
    Node where;                      // loop: "for x in list if where"
    std::vector<Branch> bodies;      // branches: if, elif, else; loop: body and else
    int line = 0;
};

using Body = std::vector<Statement>;

struct Branch {
    Node condition;  // null: else
    Body body;
};

Body parse(std::string_view source);

// What the subset knows; anything else is refused when a template is read.
bool is_function(std::string_view name);
bool is_method(std::string_view name);
bool is_filter(std::string_view name);
bool is_test(std::string_view name);

Value apply_method(std::string_view name, Value const& self, std::vector<Value> const& arguments);
Value apply_filter(std::string_view name, Value const& self, std::vector<Value> const& arguments);
bool apply_test(std::string_view name, Value const& self, std::vector<Value> const& arguments);

}  // namespace gatesweep::jinja
