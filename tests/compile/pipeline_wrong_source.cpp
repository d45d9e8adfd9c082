// expect: tandem::pipeline: the source is a range, a tandem::queue, or a callable that gives a task of std::optional
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

void f() { auto line = tandem::pipeline("p", 3); }
