// The part of Jinja that chat templates use, rendered as Python's jinja2 renders it in the environment that Hugging
// Face's transformers sets up: trim_blocks and lstrip_blocks on, loop controls, {% generation %}, an immutable sandbox,
// undefined names print as nothing. What is not supported, or not certain, is refused with its line: no other text than
// jinja2's is ever given.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "value.h"

namespace gatesweep::jinja {

struct Statement;
using Body = std::vector<Statement>;

struct Span {
    std::size_t begin = 0;  // bytes of the rendered text
    std::size_t end = 0;

    bool operator==(Span const&) const = default;
};

struct Rendering {
    Text text;
    std::vector<Span> generated;  // what stood inside {% generation %}: the assistant's own words, never empty spans
};

class Template {
public:
    // Errors: bad_data with line and text of what is wrong or not supported. Filters, tests and functions that do not
    // exist are refused where they are evaluated.
    explicit Template(std::string_view source);
    // `date`, "2026-11-30", is the day that strftime_now() tells; empty: a template that asks is refused.
    // Errors: bad_data with raise_exception's text, for an operation that Python would refuse, or for a runaway
    // template.
    Rendering render(Names const& globals, std::string const& date = "") const;

private:
    std::shared_ptr<Body const> body_;
};

}  // namespace gatesweep::jinja
