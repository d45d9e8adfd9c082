// tandem - the compiled part of the HTTP client, for one source file of a program
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Programs with many files that use the client define TANDEM_SEPARATE_COMPILATION for all of them, and have
// one more with this line only: `#include <tandem/http/src.hpp>`. In CMake `tandem::http_compiled` does both.
#if defined(TANDEM_HTTP_BODIES)
#error "tandem: <tandem/http/src.hpp> comes before every other header of tandem, in a source file of its own"
#endif
#define TANDEM_HTTP_SOURCE

#include <tandem/http/client.hpp>
#include <tandem/http/fetch.hpp>
#include <tandem/http/sse.hpp>
