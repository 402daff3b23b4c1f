// Values of a chat template while it is rendered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "budget.h"

namespace gatesweep::jinja {

// A text that knows who wrote each byte: the template, or the user. So "<s>" typed by a user never becomes a token.
struct Text {
    enum Author : char { by_template = 't', by_user = 'u' };

    Text() = default;
    Text(std::string_view text, Author author) : bytes(text), authors(text.size(), author) {}
    Text substr(std::size_t begin, std::size_t count) const {
        Text out;
        out.bytes = bytes.substr(begin, count);
        out.authors = authors.substr(begin, count);
        return out;
    }
    Text& operator+=(Text const& other) {
        bytes += other.bytes;
        authors += other.authors;
        return *this;
    }

    std::string bytes;
    std::string authors;  // as long as bytes; while rendering, upper case inside {% generation %}
};

struct None {};
struct Undefined {
    std::string name;
};
struct Value;
using List = std::vector<Value>;
using Dict = std::vector<std::pair<Value, Value>>;         // in order, as Python keeps it
using Names = std::vector<std::pair<std::string, Value>>;  // variables, named arguments

// What Python calls list, tuple, range, dict_keys, dict_values, dict_items, a generator (read once), and the pair that
// groupby gives.
enum class Flavour { list, tuple, range, keys, values, items, stream, group };

struct Sequence {
    List items;
    Flavour flavour = Flavour::list;
    int depth = 1;
};
struct Dictionary {
    Dict items;
    int depth = 1;
};

// A namespace, a function, a macro, a loop.
struct Object {
    enum Kind { space, function, macro, loop, cycler, joiner };
    Object(Kind what, int deep) : kind(what), depth(deep) {}
    virtual ~Object() = default;
    Kind kind;
    int depth;
};

// Sequences and dictionaries are shared between copies, as in Python, and never changed: the sandbox forbids it.
struct Value {
    Value(Undefined what) : store_(std::move(what)) {}
    Value(None what) : store_(what) {}
    Value(bool flag) : store_(flag) {}
    Value(std::int64_t number) : store_(number) {}
    Value(double number) : store_(number) {}
    Value(Text text) : store_(std::make_shared<Text const>(std::move(text))) {}
    Value(std::shared_ptr<Sequence> sequence) : store_(std::move(sequence)) {}
    Value(std::shared_ptr<Dictionary> dict) : store_(std::move(dict)) {}
    Value(std::shared_ptr<Object> object) : store_(std::move(object)) {}
    Value(char const*) = delete;  // would be a truth value

    // Null, or false, for a value of another kind.
    bool undefined() const { return std::holds_alternative<Undefined>(store_); }
    bool none() const { return std::holds_alternative<None>(store_); }
    bool const* flag() const { return std::get_if<bool>(&store_); }
    std::int64_t const* whole() const { return std::get_if<std::int64_t>(&store_); }
    double const* real() const { return std::get_if<double>(&store_); }
    Text const* text() const { return markup_ ? nullptr : text_or_markup(); }
    Text const* markup() const { return markup_ ? text_or_markup() : nullptr; }  // what "safe" gave
    Sequence* sequence() const { return pointer<Sequence>(); }
    Sequence const* sequence(Flavour flavour) const {
        Sequence const* found = sequence();
        return found && found->flavour == flavour ? found : nullptr;
    }
    Dictionary* dict() const { return pointer<Dictionary>(); }
    Object* object() const { return pointer<Object>(); }
    template <class T>
    T* object_as(Object::Kind kind) const {
        return object() && object()->kind == kind ? static_cast<T*>(object()) : nullptr;
    }
    std::string const& name() const { return std::get<Undefined>(store_).name; }  // of what is undefined
    int depth() const;

    Value as_markup() const {
        Value out = *this;
        out.markup_ = text_or_markup() != nullptr;
        return out;
    }

private:
    Text const* text_or_markup() const {
        auto const* found = std::get_if<std::shared_ptr<Text const>>(&store_);
        return found ? found->get() : nullptr;
    }
    template <class T>
    T* pointer() const {
        auto const* found = std::get_if<std::shared_ptr<T>>(&store_);
        return found ? found->get() : nullptr;
    }

    std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<Text const>, std::shared_ptr<Sequence>,
                 std::shared_ptr<Dictionary>, std::shared_ptr<Object>>
        store_;
    bool markup_ = false;
};

Value make_sequence(Flavour flavour, List items);
inline Value make_list(List items) {
    return make_sequence(Flavour::list, std::move(items));
}
inline Value make_text(std::string_view text) {
    return Text(text, Text::by_template);
}
inline Value make_object(std::shared_ptr<Object> object) {
    return object;
}
Value make_dictionary(Dict items);  // of keys that differ
Value make_dict(Names const& items);
Value make_real(double value);  // refuses what is not finite

bool truth(Value const& value);
bool equal(Value const& a, Value const& b);
bool same(Value const& a, Value const& b);             // Python's "is"
int compare(Value const& a, Value const& b);           // below, at or above 0; refuses what has no order
std::string type_name(Value const& value);             // "a text", "a list", ... for messages
List iterate(Value const& value);                      // what a loop over it gives; empties a stream
bool whole_of(Value const& value, std::int64_t& out);  // of a whole number or a truth value
bool real_of(Value const& value, double& out);         // of any number

void check_key(Value const& key);  // refuses what Python cannot hash
Value const* find(Dict const& dict, Value const& key);
Value const* find(Dict const& dict, std::string_view key);
void put(Dict& dict, Value key, Value value);
Value const* find(Names const& names, std::string_view name);
void put(Names& names, std::string const& name, Value value);

}  // namespace gatesweep::jinja
