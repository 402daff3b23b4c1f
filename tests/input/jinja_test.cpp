#include "input/jinja.h"

#include <gtest/gtest.h>

#include "gatesweep/base/error.h"
#include "input/expect_says.h"

namespace gatesweep::jinja {
namespace {

Value user_text(std::string_view text) {
    return Text(text, Text::by_user);
}

Dict globals() {
    auto const message = [](std::string_view role, std::string_view content) {
        return make_dict({{"role", user_text(role)}, {"content", user_text(content)}});
    };
    return {{"messages", make_list({message("system", " be brief "), message("user", "hi\n"),
                                    message("assistant", "ho"), message("user", "\u00a0x\u2003")})},
            {"tools", None{}},
            {"add_generation_prompt", true}};
}

std::string render(std::string_view source) {
    return Template(source).render(globals()).bytes;
}

std::string refusal(std::string_view source) {
    try {
        render(source);
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        return error.what();
    }
    ADD_FAILURE() << "no error for " << source.substr(0, 200);
    return "";
}

struct Rendering {
    std::string_view source, expected;
};

// The right-hand sides are what Python's jinja2 3.1 renders, with trim_blocks and lstrip_blocks on.
Rendering const renderings[] = {
    {"plain {text} # 100 %", "plain {text} # 100 %"},
    {"a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc"},
    {"a\n  {%+ if true %}\n  b\n  {% endif +%}\nc", "a\n    b\n\nc"},
    {"a \n {%- if true -%} \n b \n {%- endif -%} \n c", "abc"},
    {"a {# note #}\n  {# note\n two #}\nb {#- x -#}  c", "a bc"},
    {"x {{ 1 }}\ny {{- 2 -}} \n z", "x 1\ny2z"},
    {"{% if true %}\n\n{% endif %}\n\nend\n\n", "\n\nend\n"},
    {"  {{ 'a' }}  {% if true %}b{% endif %}  ", "  a  b  "},
    {"line\r\n  {% if true %}\r\nb\rc{% endif %}\r\n", "line\nb\nc"},
    {"{{ 'a\\n\\t\\\\\\'\\\"' ~ \"it's\" }}{{ 'x' 'y' }}", "a\n\t\\'\"it'sxy"},
    {"{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ "
     "loop.revindex }}{{ loop.revindex0 }}[{{ m.role }}]{% endfor %}",
     "10TrueFalse443[system]21FalseFalse432[user]32FalseFalse421[assistant]43FalseTrue410[user]"},
    {"{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m['content'] | trim }}.{% else %}none{% endfor %}",
     "1hi.2x."},
    {"{% for m in messages if m.role == 'tool' %}x{% else %}none{% endfor %}", "none"},
    {"{% for m in messages[1:] %}{{ m.role }}{% endfor %}|{% for m in messages[:-1] %}{{ m.role }}{% endfor %}|{% for "
     "m in messages[1:3] %}{{ m.role }}{% endfor %}|{% for m in messages[9:] %}x{% endfor %}|{% for m in messages[3:1] "
     "%}x{% endfor %}",
     "userassistantuser|systemuserassistant|userassistant||"},
    {"{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "22221"},
    {"{% set ns = namespace(n=0, s='') %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% set ns.s = ns.s ~ "
     "loop.index %}{% endfor %}{{ ns.n }} {{ ns.s }}",
     "4 1234"},
    {"{% if false %}a{% elif none %}b{% elif 0 %}c{% elif '' %}d{% elif [] %}e{% else %}f{% endif %}", "f"},
    {"{% if true %}{% set y = 'in' %}{% endif %}{{ y }}", "in"},
    {"{{ 7 % 3 }} {{ -7 % 3 }} {{ 7 // -2 }} {{ 2 + 3 * 4 - 1 }} {{ 10 - 3 - 2 }} {{ -2 + 5 }} {{ 2 * -3 }}",
     "1 2 -4 13 5 3 -6"},
    {"{{ 1 == true }} {{ 'a' == 'a' }} {{ 'a' == 1 }} {{ none == none }} {{ 1 != 2 }} {{ 'a' < 'b' }} {{ 2 >= 2 }} {{ "
     "3 < 2 }}",
     "True True False True True True True False"},
    {"{{ not false }} {{ not 1 == 2 }} {{ true and false or true }} {{ 'a' or 'b' }} {{ '' or 'b' }} {{ 'a' and 'b' }} "
     "{{ 0 and 1 }}",
     "True True True a b b 0"},
    {"{{ 'b' in 'abc' }} {{ 'x' not in 'abc' }} {{ 'role' in messages[0] }} {{ 2 in [1, 2] }} {{ messages[0] in "
     "messages }}",
     "True True True True True"},
    {"{{ nothing }}|{{ nothing is defined }}|{{ nothing is not defined }}|{{ nothing is none }}|{{ messages is defined "
     "}}|{{ none is none }}|{{ none }}|{{ not nothing is defined }}",
     "|False|True|False|True|True|None|True"},
    {"{{ messages[0].content | length }} {{ messages | length }} {{ 'äö' | length }} {{ 'a' + 'b' | length ~ '' }} {{ "
     "nothing | length }}",
     "10 4 2 a1 0"},
    {"{{ messages[-1]['content'] | trim }}|{{ messages[0].content.strip() }}|{{ messages[0].content.lstrip() }}|{{ "
     "messages[0].content.rstrip() }}|",
     "x|be brief|be brief | be brief|"},
    {"{{ 'yes' if messages else 'no' }} {{ 'a' if false }} {{ 'a' if false else 'b' if true else 'c' }}", "yes  b"},
    {"{% set users = messages | selectattr('role', 'equalto', 'user') | list %}{{ users | length }}{{ users[-1] == "
     "messages[-1] }}{{ users[0] == messages[-1] }}",
     "2TrueFalse"},
    {"{{ messages | rejectattr('role', 'equalto', 'user') | list | length }} {{ messages | selectattr('tool_calls', "
     "'undefined') | list | length }} {{ messages | selectattr('role') | list | length }}",
     "2 4 4"},
    {"{{ (messages | first).role }} {{ (messages | last).role }} {{ nothing | default('d') }} {{ '' | default('d', "
     "true) }} {{ 'v' | default('d') }}",
     "system user d d v"},
    {"{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}{% for k in messages[0] %}{{ k }}{% endfor %} "
     "{{ messages[0].get('role') }} {{ messages[0].get('x', 'y') }} {{ messages[0].get('x') }}",
     "role=system;content= be brief ;rolecontent system y None"},
    {"{{ messages[0].content is string }} {{ messages is mapping }} {{ messages[0] is mapping }} {{ messages is "
     "iterable }} {{ 1 is number }} {{ true is boolean }} {{ 3 is odd }} {{ 4 is even }} {{ 'a' is equalto 'a' }} {{ "
     "'a' is eq('b') }}",
     "True False True True True True True True True False"},
    {"{{ 'system' == messages[0].role and messages[0].content.startswith(' be') }} {{ "
     "messages[0].content.endswith('x') }}",
     "True False"},
    {"{{ [1, 'a'] | length }}{{ ([1] + [2, 3]) | length }}", "23"},
    {"{% if messages[0]['role'] == 'system' %}{% set offset = 1 %}{% else %}{% set offset = 0 %}{% endif %}{% for "
     "message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == offset) and loop.index0 > 0 "
     "%}bad{% else %}ok{% endif %}{% endfor %}",
     "okokokok"},
    {"{{ messages[0].missing is defined }}{{ messages[0]['missing'] }}{{ messages[7] is defined }}", "FalseFalse"},
    {"{{ true }} {{ none ~ 1 ~ true }} {{ 12345678901 }}", "True None1True 12345678901"},
    {"{%- set a = 1 -%}\n\n  {{- a }}\n{%- if a == 1 %}  x\n{%- endif %}\n  y", "1  x  y"},
    {"{{ tools is none }} {{ tools is not none }} {{ not tools is defined }} {{ add_generation_prompt }}",
     "True False False True"},
    {"}} %} #} { % {", "}} %} #} { % {"},
};

TEST(Jinja, renders_as_the_python_library_does) {
    for (auto const& [source, expected] : renderings)
        EXPECT_EQ(render(source), expected) << source;
}

TEST(Jinja, texts_know_who_wrote_them) {
    Text const text =
        Template("a{{ messages[1].content | trim ~ 'b' + messages[2]['content'] }}{{ messages[0].content.strip() }}")
            .render(globals());
    EXPECT_EQ(text.bytes, "ahibhobe brief");
    EXPECT_EQ(text.authors, "tuutuuuuuuuuuu");
    Text const json = Template("{{ messages[1] | tojson }}").render(globals());
    EXPECT_EQ(json.bytes, "{\"role\": \"user\", \"content\": \"hi\\n\"}");
    EXPECT_EQ(json.authors, "ttttttttttuuuutttttttttttttttuutttt");
}

TEST(Jinja, what_is_not_supported_is_refused_by_name_when_it_is_read) {
    Rendering const cases[] = {
        {"a\n\n{% macro f() %}{% endmacro %}", "line 3: {% macro %} is not supported"},
        {"{% include 'x' %}", "include"},
        {"{% generation %}", "generation"},
        {"{% set x %}y{% endset %}", "ends too early"},
        {"{{ strftime_now('%d') }}", "strftime_now() is not supported"},
        {"{{ range(3) }}", "range()"},
        {"{{ x | upper }}", "the filter \"upper\""},
        {"{{ x is divisibleby 3 }}", "the test \"is divisibleby\""},
        {"{{ x.split(',') }}", ".split() is not supported"},
        {"{{ x[::2] }}", "\":\" is not supported"},
        {"{{ {'a': 1} }}", "\"{\" is not supported"},
        {"{{ 1.5 }}", "\"5\" is not supported here"},
        {"{{ 2 ** 3 }}", "**"},
        {"{{ 1 / 2 }}", "\"/\""},
        {"{{ 1 < 2 < 3 }}", "chain of comparisons"},
        {"{{ x()() }}", "x()"},
        {"{{ (x)(1) }}", "a call of this kind"},
        {"{{ '\\x41' }}", "an escape"},
        {"{{ 12345678901234567890 }}", "a number"},
        {"{{ a ! b }}", "\"!\" is not understood"},
        {"{{ a", "has no }}"},
        {"{% if a", "has no %}"},
        {"{{ 'a", "has no end"},
        {"{# a", "has no #}"},
        {"{% if a %}b", "{% endif %} is missing"},
        {"{% for a in b %}c", "{% endfor %} is missing"},
        {"a{% endif %}", "{% endif %} closes nothing"},
        {"{% if a %}{% endfor %}", "{% endif %} is missing"},
        {"{% for in b %}{% endfor %}", "is not supported here"},
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

TEST(Jinja, impossible_operations_are_errors) {
    EXPECT_SAYS(refusal("{{ raise_exception('no ' + 'way') }}"), "no way");
    EXPECT_SAYS(refusal("a\n{{ nothing.name }}"), "line 2: \"nothing\" is undefined");
    EXPECT_SAYS(refusal("{{ nothing['name'] }}"), "undefined");
    EXPECT_SAYS(refusal("{{ 'a' + 1 }}"), "a text + a number is not possible");
    EXPECT_SAYS(refusal("{{ 'a' + nothing }}"), "a text + undefined");
    EXPECT_SAYS(refusal("{{ messages }}"), "a list is printed");
    EXPECT_SAYS(refusal("{{ 1 < 'a' }}"), "is not possible");
    EXPECT_SAYS(refusal("{{ 1 % 0 }}"), "division by zero");
    EXPECT_SAYS(refusal("{{ 999999999999999999 * 999999999999999999 }}"), "too large");
    EXPECT_SAYS(refusal("{% for a, b in messages %}{% endfor %}"), "is not 2 values");
    EXPECT_SAYS(refusal("{% for a in 7 %}{% endfor %}"), "a loop over a number");
    EXPECT_SAYS(refusal("{% set x = messages[0] %}{% set x.role = 'user' %}"), "no namespace()");
    EXPECT_SAYS(refusal("{{ 7 | first }}"), "\"first\" of a number");
    EXPECT_SAYS(refusal("{{ 7.strip() }}").substr(0, 4), "line");
    EXPECT_SAYS(refusal("{{ 'abc'[1:] }}"), "a part of a text");
    EXPECT_SAYS(refusal("{{ messages['x'][0] }}"), "is not possible");
    EXPECT_SAYS(refusal("{{ -'a' }}"), "-a text is not possible");
    EXPECT_SAYS(refusal("{{ 'a' in 7 }}"), "a text in a number");
}

TEST(Jinja, hostile_templates_end) {
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
    EXPECT_SAYS(refusal("{% set a = [1] %}{% set a = [a, a] %}"), "a list in a list");
    EXPECT_SAYS(refusal("{% set n = namespace() %}{% set n.n = n %}"), "in a namespace");
}

// Whatever the bytes, the answer is a text or an Error.
TEST(Jinja, damaged_templates_never_do_worse_than_an_error) {
    std::string whole;
    for (auto const& [source, expected] : renderings)
        whole += source;
    std::uint64_t state = 7;
    int refused = 0;
    for (int i = 0; i < 3000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        auto const& [source, expected] = renderings[(state >> 33) % std::size(renderings)];
        std::string text(source);
        for (int change = 0; change < 2; ++change) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[(state >> 33) % text.size()] = whole[(state >> 20) % whole.size()];
        }
        try {
            render(text);
        } catch (Error const&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace gatesweep::jinja
