#include "input/jinja_rendering.h"

namespace gatesweep::jinja {
namespace {

TEST(JinjaRefusals, what_is_no_jinja_is_refused_when_it_is_read) {
    Case const cases[] = {
        {"a\n\n{% include 'x' %}", "line 3: {% include %} is not supported"},
        {"{% block a %}", "block"},
        {"{% generation %}", "{% endgeneration %} is missing"},
        {"{% macro f() %}", "{% endmacro %} is missing"},
        {"{% set x %}y", "{% endset %} is missing"},
        {"{% break %}", "{% break %} outside of a loop"},
        {"{% for a in b %}{% set x %}{% continue %}{% endset %}{% endfor %}", "{% continue %} outside of a loop"},
        {"{{ f(*a) }}", "* and ** before an argument"},
        {"{{ f(a=1, a=2) }}", "given twice"},
        {"{{ f(a=1, 2) }}", "without a name stands behind"},
        {"{% macro f(a=1, b) %}{% endmacro %}", "without a default stands behind"},
        {"{{ x is defined is true }}", "a test of a test"},
        {"{{ '\\x4' }}", "an escape"},
        {"{{ 12345678901234567890 }}", "a number"},
        {"{{ 007 }}", "a number"},
        {"{{ a ! b }}", "\"!\" is not understood"},
        {"{{ a", "has no }}"},
        {"{% if a", "has no %}"},
        {"{{ 'a", "has no end"},
        {"{# a", "has no #}"},
        {"{% raw %}", "{% endraw %} is missing"},
        {"{% if a %}b", "{% endif %} is missing"},
        {"{% for a in b %}c", "{% endfor %} is missing"},
        {"a{% endif %}", "{% endif %} closes nothing"},
        {"{% if a %}{% endfor %}", "{% endif %} is missing"},
        {"{% for in b %}{% endfor %}", "is not supported here"},
        {"{% set none = 1 %}", "cannot be assigned to"},
        {"{{ }}", "ends too early"},
        {"{{ a b }}", "\"b\" is not supported here"},
        {"{{ ) }}", "closes nothing"},
        {"{{ (a }}", "\"}\" closes nothing"},
    };
    for (auto const& [source, words] : cases) {
        try {
            Template const ignored(source);
            ADD_FAILURE() << "accepted: " << source;
        } catch (Error const& error) {
            EXPECT_EQ(error.code(), ExitCode::bad_data);
            std::string const message = error.what();
            EXPECT_TRUE(message.starts_with("line ")) << message;
            EXPECT_SAYS(message, words);
        }
    }
}

// A branch that is not taken may ask for what does not exist.
TEST(JinjaRefusals, what_is_not_known_is_refused_where_it_is_evaluated) {
    Case const cases[] = {
        {"{{ 1 | from_json }}", "line 2: the filter \"from_json\" is not supported"},
        {"{{ 1 is likely }}", "line 2: the test \"is likely\" is not supported"},
        {"{{ today() }}", "line 2: \"today\" is undefined, so it cannot be called"},
        {"{{ lipsum() }}", "line 2: lipsum() is not supported"},
        {"{% for a in [1] recursive %}{% endfor %}", "line 2: a recursive loop is not supported"},
        {"{{ 'a'.encode() }}", "line 2: .encode() of such a text is not supported"},
        {"{{ [1].append(2) }}", "line 2: \"append\" is undefined, so it cannot be called"},
    };
    for (auto const& [source, words] : cases) {
        EXPECT_EQ(render(fmt::format("{{% if false %}}{}{{% endif %}}x", source)), "x");
        EXPECT_SAYS(refusal(fmt::format("\n{}", source)), words);
    }
}

TEST(JinjaRefusals, impossible_operations_are_errors) {
    EXPECT_SAYS(refusal("{{ raise_exception('no ' + 'way') }}"), "no way");
    EXPECT_SAYS(refusal("a\n{{ nothing.name }}"), "line 2: \"nothing\" is undefined");
    EXPECT_SAYS(refusal("{{ nothing['name'] }}"), "undefined");
    EXPECT_SAYS(refusal("{{ 'a' + 1 }}"), "a text + a number is not possible");
    EXPECT_SAYS(refusal("{{ 'a' + nothing }}"), "a text + undefined");
    EXPECT_SAYS(refusal("{{ messages | map('length') }}"), "a stream (read once, not yet a list) is printed");
    EXPECT_SAYS(refusal("{{ 1 < 'a' }}"), "have no order");
    EXPECT_SAYS(refusal("{{ 1 % 0 }}"), "division by zero");
    EXPECT_SAYS(refusal("{{ 999999999999999999 * 999999999999999999 }}"), "too large");
    EXPECT_SAYS(refusal("{% for a, b, c in messages %}{% endfor %}"), "is not 3 values");
    EXPECT_SAYS(refusal("{% for a in 7 %}{% endfor %}"), "a loop over a number");
    EXPECT_SAYS(refusal("{% set x = messages[0] %}{% set x.role = 'user' %}"), "no namespace()");
    EXPECT_SAYS(refusal("{{ 7 | first }}"), "a loop over a number");
    EXPECT_SAYS(refusal("{{ 7.strip() }}"), "\"strip\" is undefined");
    EXPECT_SAYS(refusal("{{ messages['x'][0] }}"), "\"x\" is undefined, so it has no");
    EXPECT_SAYS(refusal("{{ 'ß' | upper }}"), "U+00DF is not known");
    EXPECT_SAYS(refusal("{{ -'a' }}"), "-a text is not possible");
    EXPECT_SAYS(refusal("{{ 'a' in 7 }}"), "a text in a number is not possible");
}

TEST(JinjaRefusals, hostile_templates_end) {
    EXPECT_SAYS(refusal("{{ " + std::string(100'000, '(') + "1" + std::string(100'000, ')') + " }}"), "too deeply");
    std::string sum = "{{ 'a'", tests = "{{ a", nots = "{{ ", minus = "{{ ", tags, lists = "{{ ";
    for (int i = 0; i < 100'000; ++i) {
        sum += "+'a'";
        tests += ".a";
        nots += "not ";
        minus += "-";
        lists += "[";
        tags += "{% if a %}";
    }
    for (auto const& source :
         {sum + " }}", tests + " }}", nots + "a }}", minus + "1 }}", tags, lists + std::string(100'000, ']') + " }}"}) {
        EXPECT_SAYS(refusal(source), "deeply");
    }
    std::string loops;
    for (int i = 0; i < 30; ++i)
        loops += "{% for m" + std::to_string(i) + " in messages %}";
    for (int i = 0; i < 30; ++i)
        loops += "{% endfor %}";
    EXPECT_SAYS(refusal(loops), "too many steps");
    std::string doubling = "{% set a = 'aaaaaaaaaaaaaaaa' %}";
    for (int i = 0; i < 60; ++i)
        doubling += "{% set a = a + a %}";
    EXPECT_SAYS(refusal(doubling), "too many steps");
    std::string growing = "{% set a = [1, 2, 3] %}";
    for (int i = 0; i < 60; ++i)
        growing += "{% set a = a + a %}";
    EXPECT_SAYS(refusal(growing), "too many steps");
    std::string nested = "{% set a = [1] %}";
    for (int i = 0; i < 60; ++i)
        nested += "{% set a = [a, a] %}";
    for (std::string_view use : {"{{ a }}", "{{ a | tojson }}", "{{ a | string }}"})
        EXPECT_SAYS(refusal(nested + std::string(use)), "too many steps");
    EXPECT_SAYS(refusal("{% set n = namespace(a=1) %}{% for i in range(300) %}{% set n.a = [n.a] %}{% endfor %}"),
                "nested too deeply");
    EXPECT_SAYS(refusal("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), "calls itself without end");
    EXPECT_SAYS(refusal("{{ range(1000000000) }}"), "a range of more than");
    EXPECT_SAYS(refusal("{{ 'a' * 1000000000 }}"), "too many steps");
    EXPECT_SAYS(refusal("{{ 'a' | center(100000000000) }}"), "too many steps");
    EXPECT_SAYS(refusal("{{ '%999999999s' % 1 }}"), "too wide");
    EXPECT_SAYS(refusal("{% set a = 'x' * 1000 %}{% for i in range(100) %}{% set a = a | replace('', a) %}{% endfor %}"
                        "{% set a = a | replace('', a) %}{% set a = a | replace('', a) %}"),
                "too many steps");
    // Namespaces and macros may hold themselves.
    EXPECT_EQ(render("{% set n = namespace() %}{% set n.n = n %}{{ n.n.n == n }}"), "True");
    EXPECT_EQ(render("{% set n = namespace() %}{% macro f() %}{{ n.f is defined }}{% endmacro %}{% set n.f = f %}"
                     "{{ n.f() }}"),
              "True");
}

}  // namespace
}  // namespace gatesweep::jinja
