// Input: manifest.json. What is accepted must come back from its own bytes.
#include "fuzz_target.h"
#include "gatesweep/store/manifest.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    std::string const written = to_json(parse_manifest(input, "manifest.json"));
    require(to_json(parse_manifest(written, "manifest.json")) == written, "a manifest comes back from its own bytes");
}
