#include <fstream>

#include "input/jinja_rendering.h"

namespace gatesweep::jinja {
namespace {

// The right-hand sides are what Python's jinja2 3.1 renders, with trim_blocks and lstrip_blocks on.
Case const renderings[] = {
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
            .render(globals())
            .text;
    EXPECT_EQ(text.bytes, "ahibhobe brief");
    EXPECT_EQ(text.authors, "tuutuuuuuuuuuu");
    Text const json = Template("{{ messages[1] | tojson }}").render(globals()).text;
    EXPECT_EQ(json.bytes, "{\"role\": \"user\", \"content\": \"hi\\n\"}");
    EXPECT_EQ(json.authors, "ttttttttttuuuutttttttttttttttuutttt");
}

TEST(Jinja, every_operation_keeps_the_authors) {
    auto const authors = [](std::string_view source) { return Template(source).render(globals()).text.authors; };
    EXPECT_EQ(authors("{{ messages[1].content | upper }}"), "uuu");
    EXPECT_EQ(authors("{{ messages[0].content.split(' ') | join('--') }}"), "ttuuttuuuuutt");
    EXPECT_EQ(authors("{{ messages[0].content.strip()[::-1] }}"), "uuuuuuuu");
    EXPECT_EQ(authors("{{ messages[1].content | replace('i', 'xy') }}"), "uttu");
    EXPECT_EQ(authors("{{ messages[2].content * 2 }}{{ '%s|' % messages[2].content }}"), "uuuuuut");
    EXPECT_EQ(authors("{{ '<{}>'.format(messages[2].content) }}"), "tuut");
    EXPECT_EQ(authors("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(messages[2].content) | trim }}"), "tuut");
    EXPECT_EQ(authors("{% set x %}a{{ messages[2].content }}{% endset %}{{ x }}"), "tuu");
    EXPECT_EQ(authors("{{ [messages[2].content] }}"), "ttuutt");
    EXPECT_EQ(authors("{{ messages[1].content | indent(first=true) }}"), "ttttuut");
    EXPECT_EQ(authors("{% for c in messages[2].content %}{{ c }}-{% endfor %}"), "utut");
}

TEST(Jinja, the_assistants_words_are_counted) {
    using Spans = std::vector<Span>;
    auto const spans = [](std::string_view source) { return Template(source).render(globals()).generated; };
    EXPECT_EQ(spans("{% for m in messages %}{% if m.role == 'assistant' %}<{% generation %}{{ m.content }}!{% "
                    "endgeneration %}>{% else %}.{% endif %}{% endfor %}"),
              (Spans{{3, 6}}));
    EXPECT_EQ(spans("é{% generation %}ü{% endgeneration %}{% generation %}{% endgeneration %}"), (Spans{{2, 4}}));
    EXPECT_EQ(spans("{% macro f() %}{% generation %} a {% endgeneration %}{% endmacro %}x{{ f() | trim }}y"),
              (Spans{{1, 2}}));
    EXPECT_EQ(spans("{{ messages[1].content }}"), Spans{});
    EXPECT_EQ(Template("a{% generation %}b{{ messages[2].content }}{% endgeneration %}").render(globals()).text.authors,
              "ttuu");
}

TEST(Jinja, the_date_is_the_jobs) {
    Template const source("{{ strftime_now('%d %B %Y, %A') }}");
    EXPECT_EQ(source.render({}, "2024-02-29").text.bytes, "29 February 2024, Thursday");
    EXPECT_EQ(source.render({}, "2026-11-30").text.bytes, "30 November 2026, Monday");
    EXPECT_SAYS(refusal("a\n{{ strftime_now('%d') }}"), "line 2: the template asks for today's date");
    EXPECT_SAYS(refusal("{{ strftime_now('%d') }}"), "[model] date = \"2026-11-30\"");
    EXPECT_EQ(render("{% if false %}{{ strftime_now('%d') }}{% endif %}x"), "x");
}

// What chat_template_texts.py --store got from jinja2: its text, or that it raises.
TEST(Jinja, stored_cases_are_rendered_as_the_python_library_does) {
    std::ifstream file(std::string(GATESWEEP_CASES_DIR) + "/jinja_cases.jsonl");
    std::size_t count = 0;
    for (std::string line; std::getline(file, line); ++count) {
        auto const row = nlohmann::ordered_json::parse(line);
        std::string const source = row["t"];
        std::string rendered;
        bool refused = false;
        try {
            Names variables;
            for (auto const& [name, value] : row["v"].items())
                variables.emplace_back(name, value_of(value));
            rendered = Template(source).render(variables, "2026-03-05").text.bytes;
        } catch (Error const& error) {
            refused = true;
            EXPECT_EQ(error.code(), ExitCode::bad_data) << source;
        }
        EXPECT_EQ(refused, !row.contains("e") || row.contains("refused")) << source;
        if (!refused && row.contains("e")) {
            EXPECT_EQ(rendered, row["e"].get<std::string>()) << source;
        }
    }
    EXPECT_GT(count, 400u);
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
