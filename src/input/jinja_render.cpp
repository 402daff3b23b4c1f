#include <algorithm>

#include "gatesweep/base/error.h"
#include "jinja.h"
#include "jinja_ast.h"

namespace gatesweep::jinja {
namespace {

constexpr std::int64_t max_steps = 1'000'000;  // a template that loops for minutes is a mistake or an attack
constexpr std::size_t max_text_bytes = std::size_t{1} << 28;

[[noreturn]] void refuse(int line, std::string_view what) {
    fail(ExitCode::bad_data, "line {}: {}", line, what);
}

class Renderer {
public:
    explicit Renderer(Dict const& globals) : scopes_{globals} {}

    Text run(Body const& body) {
        render(body);
        return std::move(out_);
    }

private:
    // Statements

    void step(int line, std::size_t count = 1) {
        if ((steps_ += static_cast<std::int64_t>(count)) > max_steps) refuse(line, "the template takes too many steps");
    }

    void render(Body const& body) {
        for (auto const& statement : body) {
            step(statement.line);
            switch (statement.kind) {
                case Statement::data:
                    append(out_, statement.text, statement.line);
                    break;
                case Statement::print:
                    append(out_, printed(*statement.expression), statement.line);
                    break;
                case Statement::branches:
                    render_branches(statement);
                    break;
                case Statement::loop:
                    render_loop(statement);
                    break;
                case Statement::assign:
                    assign(statement);
                    break;
            }
        }
    }

    void append(Text& target, Text const& more, int line) {
        step(line, more.bytes.size() / 256);  // what copying it costs
        if (target.bytes.size() + more.bytes.size() > max_text_bytes)
            refuse(line, "the template makes too long a text");
        target += more;
    }

    Text printed(Expression const& expression) {
        Value const value = evaluate(expression);
        if (value.list() || value.dict()) refuse(expression.line, fmt::format("{} is printed", type_name(value)));
        return to_text(value);
    }

    void render_branches(Statement const& statement) {
        for (auto const& branch : statement.bodies) {
            if (!branch.condition || truth(evaluate(*branch.condition))) return render(branch.body);
        }
    }

    void bind(Statement const& statement, Value const& item, Dict& scope) {
        if (statement.names.size() == 1) {
            scope.emplace_back(statement.names[0], item);
            return;
        }
        if (!item.list() || item.list()->size() != statement.names.size()) {
            refuse(statement.line, fmt::format("{} is not {} values", type_name(item), statement.names.size()));
        }
        for (std::size_t i = 0; i < statement.names.size(); ++i)
            scope.emplace_back(statement.names[i], (*item.list())[i]);
    }

    void render_loop(Statement const& statement) {
        Value const over = evaluate(*statement.expression);
        List items;
        if (over.list())
            items = *over.list();
        else if (over.dict())
            items = *apply_method("keys", over, {}).list();
        else if (!over.undefined())
            refuse(statement.line, fmt::format("a loop over {}", type_name(over)));
        std::vector<Dict> scopes;
        for (auto const& item : items) {
            step(statement.line);
            Dict scope;
            bind(statement, item, scope);
            scopes_.push_back(scope);
            bool const wanted = !statement.where || truth(evaluate(*statement.where));
            scopes_.pop_back();
            if (wanted) scopes.push_back(std::move(scope));
        }
        if (scopes.empty() && statement.bodies.size() > 1) return render(statement.bodies[1].body);
        auto const count = static_cast<std::int64_t>(scopes.size());
        for (std::int64_t i = 0; i < count; ++i) {
            Dict& scope = scopes[static_cast<std::size_t>(i)];
            scope.emplace_back("loop", make_dict({{"index0", i},
                                                  {"index", i + 1},
                                                  {"revindex0", count - i - 1},
                                                  {"revindex", count - i},
                                                  {"first", i == 0},
                                                  {"last", i + 1 == count},
                                                  {"length", count}}));
            scopes_.push_back(std::move(scope));
            render(statement.bodies[0].body);
            scopes_.pop_back();
        }
    }

    static void put(Dict& dict, std::string const& key, Value value) {
        auto const it = std::find_if(dict.begin(), dict.end(), [&](auto const& item) { return item.first == key; });
        if (it == dict.end())
            dict.emplace_back(key, std::move(value));
        else
            it->second = std::move(value);
    }

    void assign(Statement const& statement) {
        Value value = evaluate(*statement.expression);
        if (statement.names.size() == 1) return put(scopes_.back(), statement.names[0], std::move(value));
        Value const space = lookup(statement.names[0]);
        bool const ours = space.dict() && std::count(namespaces_.begin(), namespaces_.end(), space.dict()) > 0;
        if (!ours) refuse(statement.line, fmt::format("\"{}\" is no namespace()", printable(statement.names[0])));
        // A namespace that held itself would never end when it is compared or printed.
        if (value.list() || value.dict())
            refuse(statement.line, "a list or dictionary in a namespace is not supported");
        put(*space.dict(), statement.names[1], std::move(value));
    }

    // Expressions

    Value lookup(std::string const& name) const {
        for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
            if (Value const* found = find(*scope, name)) return *found;
        }
        return Undefined{name};
    }

    std::vector<Value> values(std::vector<Node> const& nodes, std::size_t from) {
        std::vector<Value> out;
        for (std::size_t i = from; i < nodes.size(); ++i)
            out.push_back(evaluate(*nodes[i]));
        return out;
    }

    Value evaluate(Expression const& e) {
        step(e.line);
        switch (e.kind) {
            case Expression::literal:
                return e.value;
            case Expression::variable:
                return lookup(e.name);
            case Expression::list:
                return list(e);
            case Expression::attribute:
                return attribute(e, evaluate(*e.arguments[0]), e.name);
            case Expression::item:
                return item(e);
            case Expression::slice:
                return slice(e);
            case Expression::call:
                return call(e);
            case Expression::method:
                return with_line(e,
                                 [&](Value const& self) { return apply_method(e.name, self, values(e.arguments, 1)); });
            case Expression::filter:
                return with_line(e,
                                 [&](Value const& self) { return apply_filter(e.name, self, values(e.arguments, 1)); });
            case Expression::test:
                return with_line(
                    e, [&](Value const& self) { return Value(apply_test(e.name, self, values(e.arguments, 1))); });
            case Expression::unary:
                return unary(e);
            case Expression::binary:
                return binary(e);
            case Expression::condition:
                return evaluate(truth(evaluate(*e.arguments[1])) ? *e.arguments[0] : *e.arguments[2]);
        }
        refuse(e.line, "an expression of no kind");
    }

    template <class Apply>
    Value with_line(Expression const& e, Apply const& apply) {
        Value const self = evaluate(*e.arguments[0]);
        try {
            return apply(self);
        } catch (Error const& error) {
            if (std::string_view(error.what()).starts_with("line ")) throw;
            refuse(e.line, fmt::format("{} is not possible", error.what()));
        }
    }

    static Value attribute(Expression const& e, Value const& self, std::string const& name) {
        if (self.undefined()) {
            refuse(e.line,
                   fmt::format("\"{}\" is undefined, so it has no \"{}\"", printable(self.name()), printable(name)));
        }
        Value const* found = self.dict() ? find(*self.dict(), name) : nullptr;
        return found ? *found : Value(Undefined{name});
    }

    Value list(Expression const& e) {
        List items = values(e.arguments, 0);
        // Lists that hold lists can grow exponentially in a few lines.
        bool const flat = std::none_of(items.begin(), items.end(), [](auto const& item) { return item.list(); });
        if (!flat) refuse(e.line, "a list in a list is not supported");
        return make_list(std::move(items));
    }

    Value item(Expression const& e) {
        Value const self = evaluate(*e.arguments[0]);
        Value const key = evaluate(*e.arguments[1]);
        if (key.text()) return attribute(e, self, key.text()->bytes);
        if (!self.list() || !key.whole())
            refuse(e.line, fmt::format("{}[{}] is not possible", type_name(self), type_name(key)));
        auto const size = static_cast<std::int64_t>(self.list()->size());
        std::int64_t const index = *key.whole() < 0 ? *key.whole() + size : *key.whole();
        if (index < 0 || index >= size) return Undefined{"item"};
        return (*self.list())[static_cast<std::size_t>(index)];
    }

    std::int64_t bound(Expression const& e, std::size_t which, std::int64_t fallback, std::int64_t size) {
        if (!e.arguments[which]) return fallback;
        Value const value = evaluate(*e.arguments[which]);
        if (!value.whole()) refuse(e.line, fmt::format("a list is cut at {}", type_name(value)));
        return std::clamp<std::int64_t>(*value.whole() < 0 ? *value.whole() + size : *value.whole(), 0, size);
    }

    Value slice(Expression const& e) {
        Value const self = evaluate(*e.arguments[0]);
        if (!self.list()) refuse(e.line, fmt::format("a part of {} is not supported", type_name(self)));
        auto const size = static_cast<std::int64_t>(self.list()->size());
        std::int64_t const begin = bound(e, 1, 0, size);
        std::int64_t const end = std::max(begin, bound(e, 2, size, size));
        return make_list(List(self.list()->begin() + begin, self.list()->begin() + end));
    }

    Value call(Expression const& e) {
        if (e.name == "raise_exception") {
            Text const text = e.arguments.empty() ? Text() : printed(*e.arguments[0]);
            fail(ExitCode::bad_data, "the template refuses it: {}", printable(text.bytes, 400));
        }
        if (!e.arguments.empty()) refuse(e.line, "arguments of namespace() without a name are not supported");
        Dict out;
        for (auto const& [name, node] : e.named) {
            Value value = evaluate(*node);
            if (value.list() || value.dict()) refuse(e.line, "a list or dictionary in a namespace is not supported");
            put(out, name, std::move(value));
        }
        Value space = make_dict(std::move(out));
        namespaces_.push_back(space.dict());
        kept_.push_back(space);
        return space;
    }

    Value unary(Expression const& e) {
        Value const value = evaluate(*e.arguments[0]);
        if (e.name == "not") return !truth(value);
        if (!value.whole()) refuse(e.line, fmt::format("-{} is not possible", type_name(value)));
        return -*value.whole();
    }

    Value binary(Expression const& e) {
        Value const left = evaluate(*e.arguments[0]);
        if (e.name == "and") return truth(left) ? evaluate(*e.arguments[1]) : left;
        if (e.name == "or") return truth(left) ? left : evaluate(*e.arguments[1]);
        Value const right = evaluate(*e.arguments[1]);
        if (e.name == "==" || e.name == "!=") return equal(left, right) == (e.name == "==");
        if (e.name == "in" || e.name == "not in") return contains(e, right, left) == (e.name == "in");
        if (e.name == "~" || (e.name == "+" && left.text() && right.text())) {
            Text out = to_text(left);
            step(e.line, out.bytes.size() / 256);
            append(out, to_text(right), e.line);
            return out;
        }
        if (e.name == "+" && left.list() && right.list()) {
            List out = *left.list();
            step(e.line, out.size() + right.list()->size());
            out.insert(out.end(), right.list()->begin(), right.list()->end());
            return make_list(std::move(out));
        }
        return arithmetic(e, left, right);
    }

    static bool contains(Expression const& e, Value const& whole, Value const& part) {
        if (whole.text() && part.text()) return whole.text()->bytes.find(part.text()->bytes) != std::string::npos;
        if (whole.dict() && part.text()) return find(*whole.dict(), part.text()->bytes) != nullptr;
        if (whole.undefined()) return false;
        if (!whole.list()) refuse(e.line, fmt::format("{} in {} is not possible", type_name(part), type_name(whole)));
        return std::any_of(whole.list()->begin(), whole.list()->end(),
                           [&](auto const& item) { return equal(item, part); });
    }

    static Value arithmetic(Expression const& e, Value const& left, Value const& right) {
        auto const symbol = e.name;
        if (left.text() && right.text() && (symbol[0] == '<' || symbol[0] == '>')) {
            return compare(symbol, left.text()->bytes.compare(right.text()->bytes));
        }
        if (!left.whole() || !right.whole()) {
            refuse(e.line, fmt::format("{} {} {} is not possible", type_name(left), symbol, type_name(right)));
        }
        std::int64_t const a = *left.whole(), b = *right.whole();
        if (symbol[0] == '<' || symbol[0] == '>') return compare(symbol, a < b ? -1 : a > b ? 1 : 0);
        std::int64_t out = 0;
        bool const sound = symbol == "+"   ? !__builtin_add_overflow(a, b, &out)
                           : symbol == "-" ? !__builtin_sub_overflow(a, b, &out)
                           : symbol == "*" ? !__builtin_mul_overflow(a, b, &out)
                                           : b != 0 && !(b == -1 && a == INT64_MIN);
        if (!sound) refuse(e.line, "a division by zero or a number too large");
        if (symbol == "//" || symbol == "%") {  // Python rounds towards minus infinity
            std::int64_t const rest = a % b;
            bool const down = rest != 0 && (rest < 0) != (b < 0);
            out = symbol == "%" ? rest + (down ? b : 0) : a / b - (down ? 1 : 0);
        }
        return out;
    }

    static Value compare(std::string_view symbol, int order) {
        if (symbol == "<") return order < 0;
        if (symbol == "<=") return order <= 0;
        return symbol == ">" ? order > 0 : order >= 0;
    }

    std::vector<Dict> scopes_;
    std::vector<Dict const*> namespaces_;  // only these may be assigned to
    std::vector<Value> kept_;              // keeps their addresses theirs
    Text out_;
    std::int64_t steps_ = 0;
};

}  // namespace

Template::Template(std::string_view source) : body_(std::make_shared<Body const>(parse(source))) {}

Text Template::render(Dict const& globals) const {
    return Renderer(globals).run(*body_);
}

}  // namespace gatesweep::jinja
