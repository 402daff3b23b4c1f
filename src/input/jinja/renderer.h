// Walks a template's statements and expressions.
#pragma once

#include <optional>
#include <string>

#include "arguments.h"
#include "ast.h"
#include "objects.h"
#include "one_of.h"

namespace gatesweep::jinja {

class Renderer {
public:
    Renderer(Names const& globals, std::string const& date);
    ~Renderer();
    Renderer(Renderer const&) = delete;
    Renderer& operator=(Renderer const&) = delete;

    Text run(Body const& body);

private:
    // How a body ended: at its end, or by {% break %} or {% continue %} for the loop around it.
    enum class Flow { onward, leave, next };

    // Statements
    Flow render(Body const& body);
    Flow render(Statement const& statement);
    Flow render_branches(Statement const& statement);
    Flow render_loop(Statement const& statement);
    void render_with(Statement const& statement);
    void assign(Target const& target, Value const& value);
    Text capture(Body const& body);  // in a scope of its own

    // Macros
    void define(Statement const& statement);
    void render_call(Statement const& statement);
    Value call(Expression const& expression, Value const* caller);
    Value call_macro(Macro const& macro, Arguments arguments, Value const* caller);
    Value call_object(Value const& callee, Arguments const& arguments);
    std::shared_ptr<Macro> make_macro(Statement const& statement);

    // Expressions. The line of the innermost one that fails is told.
    Value evaluate(Expression const& expression);
    Value evaluate_kind(Expression const& expression);
    Value filtered(Expression const& expression, Value const* block);
    Value compared(Expression const& expression);
    Value dictionary(Expression const& expression);
    Value slice(Expression const& expression);
    Value lookup(std::string const& name) const;
    Arguments arguments(Expression const& expression);
    List values(std::vector<Node> const& nodes);

    // Another scope inside the present one, for as long as it lives.
    class Inside {
    public:
        Inside(Renderer& renderer, std::shared_ptr<Scope> outer)
            : renderer_(renderer), before_(std::exchange(renderer.scope_, std::make_shared<Scope>())) {
            renderer_.scope_->outer = std::move(outer);
        }
        explicit Inside(Renderer& renderer) : Inside(renderer, renderer.scope_) {}
        ~Inside() { renderer_.scope_ = std::move(before_); }
        Inside(Inside const&) = delete;
        Inside& operator=(Inside const&) = delete;

    private:
        Renderer& renderer_;
        std::shared_ptr<Scope> before_;
    };

    std::string const& date_;
    std::shared_ptr<Scope> scope_;
    std::vector<Value> kept_;                          // namespaces, which can hold themselves
    std::vector<std::shared_ptr<Scope>> closed_over_;  // scopes that macros know, which they are in themselves
    Text out_;
};

}  // namespace gatesweep::jinja
