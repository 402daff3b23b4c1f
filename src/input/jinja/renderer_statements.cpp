#include "renderer.h"

#include <fmt/format.h>

#include <algorithm>

#include "gatesweep/base/error.h"
#include "jinja.h"
#include "loop.h"
#include "repr.h"
#include "text.h"

namespace gatesweep::jinja {
namespace {

// Authors are upper case inside {% generation %}, so that the marks follow the text through macros and filters.
void mark_generated(Text& text) {
    for (char& author : text.authors)
        if (author >= 'a') author = static_cast<char>(author - 'a' + 'A');
}

std::vector<Span> take_marks(Text& text) {
    std::vector<Span> spans;
    for (std::size_t i = 0; i < text.authors.size(); ++i) {
        char& author = text.authors[i];
        if (author >= 'a') continue;
        author = static_cast<char>(author - 'A' + 'a');
        if (spans.empty() || spans.back().end != i) spans.push_back({i, i});
        spans.back().end = i + 1;
    }
    return spans;
}

}  // namespace

Renderer::Renderer(Names const& globals, std::string const& date) : date_(date), scope_(std::make_shared<Scope>()) {
    scope_->names = globals;
    auto const own = std::make_shared<Scope>();
    own->outer = scope_;
    scope_ = own;
}

// Namespaces and macros may hold each other in a ring.
Renderer::~Renderer() {
    for (auto const& scope : closed_over_)
        scope->names.clear();
    for (Value const& value : kept_)
        value.object_as<Space>(Object::space)->names.clear();
}

Text Renderer::run(Body const& body) {
    render(body);
    return std::move(out_);
}

Renderer::Flow Renderer::render(Body const& body) {
    Deeper const deeper;
    for (auto const& statement : body) {
        try {
            spend(1);
            if (Flow const flow = render(statement); flow != Flow::onward) return flow;
        } catch (Refusal const& refusal) {
            fail(ExitCode::bad_data, "line {}: {}", statement.line, refusal.what());
        }
    }
    return Flow::onward;
}

Renderer::Flow Renderer::render(Statement const& statement) {
    switch (statement.kind) {
        case Statement::data:
            append(out_, statement.text);
            break;
        case Statement::print:
            append(out_, to_text(evaluate(*statement.expression)));
            break;
        case Statement::branches:
            return render_branches(statement);
        case Statement::loop:
            return render_loop(statement);
        case Statement::assign:
            assign(statement.target, evaluate(*statement.expression));
            break;
        case Statement::assign_body: {
            Value const body = capture(statement.bodies[0].body);
            assign(statement.target, statement.expression ? filtered(*statement.expression, &body) : body);
            break;
        }
        case Statement::macro:
            define(statement);
            break;
        case Statement::call_body:
            render_call(statement);
            break;
        case Statement::filter_body: {
            Value const body = capture(statement.bodies[0].body);
            Value const out = filtered(*statement.expression, &body);
            if (!out.text() && !out.markup()) refuse(fmt::format("a filter block gives {}", type_name(out)));
            append(out_, to_text(out));
            break;
        }
        case Statement::with_body:
            render_with(statement);
            break;
        case Statement::generated: {
            Text body = capture(statement.bodies[0].body);
            mark_generated(body);
            append(out_, body);
            break;
        }
        case Statement::leave_loop:
            return Flow::leave;
        case Statement::next_of_loop:
            return Flow::next;
    }
    return Flow::onward;
}

Renderer::Flow Renderer::render_branches(Statement const& statement) {
    for (auto const& branch : statement.bodies) {
        if (!branch.condition || truth(evaluate(*branch.condition))) return render(branch.body);
    }
    return Flow::onward;
}

Renderer::Flow Renderer::render_loop(Statement const& statement) {
    if (statement.recursive) refuse("a recursive loop is not supported");
    Value const over = evaluate(*statement.expression);
    List const items = iterate(over);
    std::shared_ptr<Scope> const outer = scope_;
    std::size_t at = 0;
    auto const next = [&]() -> std::optional<Value> {
        while (at < items.size()) {
            Value const& item = items[at++];
            if (!statement.where) return item;
            Inside const inside(*this, outer);
            assign(statement.target, item);
            if (truth(evaluate(*statement.where))) return item;
        }
        return std::nullopt;
    };
    auto const loop = std::make_shared<Loop>(next, over.depth() + 1);
    // A loop that a template kept must not ask for more once this function is left.
    struct Closes {
        Loop& loop;
        ~Closes() { loop.pull = nullptr; }
    } const closes{*loop};
    bool ended_once = false;
    while (loop->advance()) {
        spend(1);
        Inside const inside(*this, outer);
        assign(statement.target, *loop->current);
        put(scope_->names, "loop", make_object(loop));
        Flow const flow = render(statement.bodies[0].body);
        ended_once = ended_once || flow == Flow::onward;
        if (flow == Flow::leave) break;
    }
    // As jinja2 has it: {% else %} stands for a loop no turn of which came to its end.
    if (ended_once || statement.bodies.size() < 2) return Flow::onward;
    Inside const inside(*this, outer);
    return render(statement.bodies[1].body);
}

void Renderer::render_with(Statement const& statement) {
    List values;
    for (Parameter const& one : statement.parameters)
        values.push_back(evaluate(*one.fallback));
    Inside const inside(*this);
    for (std::size_t i = 0; i < values.size(); ++i)
        put(scope_->names, statement.parameters[i].name, values[i]);
    render(statement.bodies[0].body);
}

void Renderer::assign(Target const& target, Value const& value) {
    if (!target.parts.empty()) {
        List const items = iterate(value);
        if (items.size() != target.parts.size())
            refuse(fmt::format("{} is not {} values", type_name(value), target.parts.size()));
        for (std::size_t i = 0; i < items.size(); ++i)
            assign(target.parts[i], items[i]);
        return;
    }
    if (target.attribute.empty()) return put(scope_->names, target.name, value);
    Value const holder = lookup(target.name);
    Space* space = holder.object_as<Space>(Object::space);
    if (!space) refuse(fmt::format("\"{}\" is no namespace()", printable(target.name)));
    if (target.attribute.starts_with('_')) refuse("an attribute of a namespace that begins with _");
    put(space->names, target.attribute, value);
}

Text Renderer::capture(Body const& body) {
    Inside const inside(*this);
    Text const before = std::exchange(out_, {});
    render(body);
    return std::exchange(out_, before);
}

Template::Template(std::string_view source) : body_(std::make_shared<Body const>(parse(source))) {}

Rendering Template::render(Names const& globals, std::string const& date) const {
    Budget const budget;
    Rendering out;
    out.text = Renderer(globals, date).run(*body_);
    out.generated = take_marks(out.text);
    return out;
}

}  // namespace gatesweep::jinja
