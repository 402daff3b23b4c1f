#include "renderer.h"

#include <fmt/format.h>

#include "arguments.h"
#include "attributes.h"
#include "filters.h"
#include "gatesweep/base/error.h"
#include "globals.h"
#include "operators.h"
#include "tests.h"

namespace gatesweep::jinja {

Value Renderer::lookup(std::string const& name) const {
    for (Scope const* scope = scope_.get(); scope; scope = scope->outer.get()) {
        if (Value const* found = find(scope->names, name)) return *found;
    }
    if (name == "self") refuse("\"self\" is not supported");
    if (is_function(name)) return make_object(std::make_shared<Function>(name));
    return Undefined{name};
}

List Renderer::values(std::vector<Node> const& nodes) {
    List out;
    for (Node const& node : nodes)
        out.push_back(evaluate(*node));
    return out;
}

Arguments Renderer::arguments(Expression const& e) {
    Arguments out;
    for (std::size_t i = 1; i < e.arguments.size(); ++i)
        out.values.push_back(evaluate(*e.arguments[i]));
    for (auto const& [name, node] : e.named)
        out.named.emplace_back(name, evaluate(*node));
    return out;
}

Value Renderer::evaluate(Expression const& e) {
    Deeper const deeper;
    try {
        spend(1);
        return evaluate_kind(e);
    } catch (Refusal const& refusal) {
        fail(ExitCode::bad_data, "line {}: {}", e.line, refusal.what());
    }
}

Value Renderer::evaluate_kind(Expression const& e) {
    switch (e.kind) {
        case Expression::literal:
            return e.value;
        case Expression::variable:
            return lookup(e.name);
        case Expression::list:
            return make_list(values(e.arguments));
        case Expression::tuple:
            return make_sequence(Flavour::tuple, values(e.arguments));
        case Expression::dictionary:
            return dictionary(e);
        case Expression::attribute:
            return attribute(evaluate(*e.arguments[0]), e.name);
        case Expression::item: {
            Value const self = evaluate(*e.arguments[0]);
            return item(self, evaluate(*e.arguments[1]));
        }
        case Expression::slice:
            return slice(e);
        case Expression::call:
            return call(e, nullptr);
        case Expression::filter:
            return filtered(e, nullptr);
        case Expression::test: {
            Value const self = evaluate(*e.arguments[0]);
            return apply_test(e.name, self, arguments(e));
        }
        case Expression::unary:
            return unary(e.name, evaluate(*e.arguments[0]));
        case Expression::binary: {
            Value const left = evaluate(*e.arguments[0]);
            if (e.name == "and") return truth(left) ? evaluate(*e.arguments[1]) : left;
            if (e.name == "or") return truth(left) ? left : evaluate(*e.arguments[1]);
            return binary(e.name, left, evaluate(*e.arguments[1]));
        }
        case Expression::comparison:
            return compared(e);
        case Expression::condition:
            return evaluate(truth(evaluate(*e.arguments[1])) ? *e.arguments[0] : *e.arguments[2]);
    }
    refuse("an expression of no kind");
}

// `block` is what a chain of filters without a first value is applied to.
Value Renderer::filtered(Expression const& e, Value const* block) {
    Expression const* inner = e.arguments[0].get();
    Value const self = !inner ? *block : block ? filtered(*inner, block) : evaluate(*inner);
    return apply_filter(e.name, self, arguments(e));
}

Value Renderer::compared(Expression const& e) {
    Value left = evaluate(*e.arguments[0]);
    for (std::size_t i = 0; i < e.symbols.size(); ++i) {
        Value right = evaluate(*e.arguments[i + 1]);
        if (!holds(e.symbols[i], left, right)) return false;
        left = std::move(right);
    }
    return true;
}

Value Renderer::dictionary(Expression const& e) {
    Dict out;
    for (std::size_t i = 0; i + 1 < e.arguments.size(); i += 2) {
        Value key = evaluate(*e.arguments[i]);
        put(out, std::move(key), evaluate(*e.arguments[i + 1]));
    }
    return make_dictionary(std::move(out));
}

Value Renderer::slice(Expression const& e) {
    Value const self = evaluate(*e.arguments[0]);
    std::optional<Value> bounds[3];
    for (std::size_t i = 0; i < 3; ++i) {
        if (e.arguments[i + 1]) bounds[i] = evaluate(*e.arguments[i + 1]);
    }
    auto const at = [&](std::size_t i) { return bounds[i] ? &*bounds[i] : nullptr; };
    return part(self, at(0), at(1), at(2));
}

}  // namespace gatesweep::jinja
