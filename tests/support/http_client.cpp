// tandem tests - the compiled part of the HTTP client
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/src.hpp>
