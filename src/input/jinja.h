// The part of Jinja that chat templates use: {{ }}, if, for, set, namespace, a few filters, tests and methods.
// Rendering follows Hugging Face: trim_blocks and lstrip_blocks on, undefined names print as nothing.
#pragma once

#include <memory>
#include <string_view>

#include "jinja_value.h"

namespace gatesweep::jinja {

struct Statement;
using Body = std::vector<Statement>;

class Template {
public:
    // Errors: bad_data with line and text of what is wrong or not supported.
    explicit Template(std::string_view source);
    // Errors: bad_data with raise_exception's text, for an operation that Python would refuse, or for a runaway
    // template.
    Text render(Dict const& globals) const;

private:
    std::shared_ptr<Body const> body_;
};

}  // namespace gatesweep::jinja
