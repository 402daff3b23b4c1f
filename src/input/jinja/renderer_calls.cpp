#include "renderer.h"

#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "gatesweep/base/error.h"
#include "globals.h"
#include "methods.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {

std::shared_ptr<Macro> Renderer::make_macro(Statement const& statement) {
    spend(1);
    closed_over_.push_back(scope_);
    return std::make_shared<Macro>(statement, scope_);
}

void Renderer::define(Statement const& statement) {
    put(scope_->names, statement.name, make_object(make_macro(statement)));
}

void Renderer::render_call(Statement const& statement) {
    Value const caller = make_object(make_macro(statement));
    append(out_, to_text(call(*statement.expression, &caller)));
}

Value Renderer::call(Expression const& e, Value const* caller) {
    Value const callee = evaluate(*e.arguments[0]);
    if (callee.undefined())
        refuse(fmt::format("\"{}\" is undefined, so it cannot be called", printable(callee.name())));
    Arguments const given = arguments(e);
    if (Macro const* macro = callee.object_as<Macro>(Object::macro)) return call_macro(*macro, given, caller);
    if (caller) refuse("{% call %} of what is no macro");
    return call_object(callee, given);
}

Value Renderer::call_object(Value const& callee, Arguments const& given) {
    if (Joiner* joiner = callee.object_as<Joiner>(Object::joiner)) {
        Bound const none("joiner", given, {});
        return std::exchange(joiner->used, true) ? joiner->separator : Value(Text());
    }
    Function const* function = callee.object_as<Function>(Object::function);
    if (!function) refuse(fmt::format("{} cannot be called here", type_name(callee)));
    if (function->self) return call_method(*function->self, function->name, given);
    Value const out = call_function(function->name, given, date_);
    if (out.object_as<Space>(Object::space)) kept_.push_back(out);
    return out;
}

Value Renderer::call_macro(Macro const& macro, Arguments given, Value const* caller) {
    Deeper const deeper;
    Statement const& statement = *macro.statement;
    std::string const name = statement.name.empty() ? "caller" : statement.name;
    auto const take_named = [&](std::string_view wanted) -> std::optional<Value> {
        auto const it = std::find_if(given.named.begin(), given.named.end(),
                                     [&](auto const& argument) { return argument.first == wanted; });
        if (it == given.named.end()) return std::nullopt;
        Value const out = it->second;
        given.named.erase(it);
        return out;
    };
    if (caller && !statement.takes_caller)
        refuse(fmt::format("the macro \"{}\" has no use for a caller", printable(name)));

    Inside const inside(*this, macro.scope);
    auto const& parameters = statement.parameters;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        std::optional<Value> value;
        if (i < given.values.size())
            value = given.values[i];
        else
            value = take_named(parameters[i].name);
        if (!value && parameters[i].fallback) value = evaluate(*parameters[i].fallback);
        put(scope_->names, parameters[i].name, value ? *value : Value(Undefined{parameters[i].name}));
    }
    if (statement.takes_caller) {
        auto const by_name = take_named("caller");
        if (by_name && caller) refuse("a macro with two callers");
        put(scope_->names, "caller", caller ? *caller : by_name ? *by_name : Value(Undefined{"caller"}));
    }
    if (statement.takes_more_named) put(scope_->names, "kwargs", make_dict(std::exchange(given.named, {})));
    if (!given.named.empty()) {
        refuse(fmt::format("the macro \"{}\" has no parameter \"{}\", or it is given twice", printable(name),
                           printable(given.named[0].first)));
    }
    std::size_t const count = std::min(parameters.size(), given.values.size());
    List more(given.values.begin() + static_cast<std::ptrdiff_t>(count), given.values.end());
    if (!statement.takes_more && !more.empty())
        refuse(fmt::format("the macro \"{}\" takes at most {} arguments", printable(name), parameters.size()));
    if (statement.takes_more) put(scope_->names, "varargs", make_sequence(Flavour::tuple, std::move(more)));

    Text const before = std::exchange(out_, {});
    render(statement.bodies[0].body);
    return std::exchange(out_, before);
}

}  // namespace gatesweep::jinja
