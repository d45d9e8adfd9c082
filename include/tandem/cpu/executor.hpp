// tandem - executor: a line of jobs and the workers that serve it; base of every executor
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The class and its errors are in the first, what it does in the second.
#include <tandem/cpu/detail/executor_class.hpp>
#include <tandem/cpu/detail/executor_impl.hpp>
