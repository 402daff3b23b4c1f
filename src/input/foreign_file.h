// Files that are not what their name says: told apart by how they begin.
#pragma once

#include <string>
#include <string_view>

namespace gatesweep {

// What a file is that begins like this, and what to do, "a Parquet file: save it as ..."; empty for what may be text.
std::string foreign_kind(std::string_view bytes);

inline constexpr std::string_view any_file = "the file";

// A repository that was cloned without Git LFS has pointers in the place of its large files. `what` is what the file
// should be: any, or one of a checkpoint, "a SentencePiece model". Error: bad_data.
void refuse_lfs_pointer(std::string_view bytes, std::string_view name, std::string_view what = any_file);

}  // namespace gatesweep
