// What a template can hold and call: namespaces, functions, macros, loops.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "value.h"

namespace gatesweep::jinja {

struct Statement;

// Variables of a body; what is not among them is looked for in the body around it.
struct Scope {
    Names names;
    std::shared_ptr<Scope> outer;
};

struct Space : Object {
    Space() : Object(space, 1) {}
    Names names;
};

// A function of the template's globals, or a method of a value.
struct Function : Object {
    explicit Function(std::string_view what) : Object(function, 1), name(what) {}
    Function(Value of, std::string_view what) : Object(function, of.depth() + 1), name(what), self(std::move(of)) {}
    std::string name;
    std::optional<Value> self;
};

struct Macro : Object {
    Macro(Statement const& what, std::shared_ptr<Scope> where)
        : Object(macro, 1), statement(&what), scope(std::move(where)) {}
    Statement const* statement;
    std::shared_ptr<Scope> scope;
};

struct Cycler : Object {
    explicit Cycler(List what) : Object(cycler, 2), items(std::move(what)) {
        for (Value const& item : items)
            depth = std::max(depth, item.depth() + 1);
    }
    List items;
    std::size_t at = 0;
};

struct Joiner : Object {
    explicit Joiner(Value what) : Object(joiner, what.depth() + 1), separator(std::move(what)) {}
    Value separator;
    bool used = false;
};

}  // namespace gatesweep::jinja
