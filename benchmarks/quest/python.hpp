// quest - the twins in Python: the same work, against the same server, on the same machine
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include "chapter.hpp"

namespace quest {

/// Runs benchmarks/python/<script>.py with `arguments`, then --port and --scale, and adds a variant and a
/// sentence; sets `result.python`. The script's last line is JSON:
/// {"python": version, "with": library, "seconds": a number or several, without the interpreter's start}.
/// A script that fails, or prints something else, is a check that fails. What is absent is none: a line in
/// the course says that there is no Python, that it does not run or is too old (exit status 3, and why), a
/// sentence in `result` that it lacks a module (exit status 4, and which). Nothing if it is not wanted.
/// Cancellation: the script is killed with everything it started.
[[nodiscard("co_await it")]] tandem::task<> measure_python(course& with, chapter_result& result,
                                                           std::string script,
                                                           std::vector<std::string> arguments);
[[nodiscard("co_await it")]] tandem::task<> measure_python(course& with, chapter_result& result,
                                                           std::string script);

/// The same for a further twin, which is not that of the closing table.
[[nodiscard("co_await it")]] tandem::task<> measure_python_beside(course& with, chapter_result& result,
                                                                  std::string script,
                                                                  std::vector<std::string> arguments);

}  // namespace quest
