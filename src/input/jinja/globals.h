// Functions that a template finds.
#pragma once

#include "arguments.h"

namespace gatesweep::jinja {

// range, dict, namespace, cycler, joiner, raise_exception, strftime_now; `date` is "2026-11-30", or empty.
bool is_function(std::string_view name);

Value call_function(std::string_view name, Arguments const& arguments, std::string const& date);

}  // namespace gatesweep::jinja
