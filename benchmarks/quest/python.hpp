// quest - the twins in Python: the same work, against the same server, on the same machine
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chapter.hpp"

namespace quest {

/// What a script of benchmarks/python printed.
class python_run {
public:
    python_run() {}

    std::string version;        ///< "3.11.2"
    std::string with;           ///< "asyncio streams", "aiohttp 3.9.5", "ProcessPoolExecutor"
    std::vector<seconds> runs;  ///< without the start of the interpreter
    std::string json;           ///< the whole line: what only this script says
};

/// Runs benchmarks/python/<script>.py with `arguments`, then --port and --scale. Its last line is JSON:
/// {"python": version, "with": library, "seconds": a number or several, and what else there is to say}.
/// Nothing, and a line in the course, if Python is absent or too old (exit status 3, and why); nothing if
/// it is not wanted.
/// Cancellation: the script is killed with everything it started.
/// Errors: `std::runtime_error` if the script fails or prints something else.
[[nodiscard("co_await it")]] tandem::task<std::optional<python_run>> run_python(
    course& with, std::string script, std::vector<std::string> arguments);

/// The same for a chapter: sets `result.python`, adds a variant and a sentence. A script that fails is a
/// check that fails.
[[nodiscard("co_await it")]] tandem::task<> measure_python(course& with, chapter_result& result,
                                                           std::string script,
                                                           std::vector<std::string> arguments);
[[nodiscard("co_await it")]] tandem::task<> measure_python(course& with, chapter_result& result,
                                                           std::string script);

}  // namespace quest
