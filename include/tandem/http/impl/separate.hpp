// tandem - where the bodies of the HTTP client are compiled: where they are used, or once in a program
// SPDX-License-Identifier: BSL-1.0
#pragma once

// With TANDEM_SEPARATE_COMPILATION headers only declare what http/src.hpp defines, in the one source file
// that includes it. Nothing else changes: files with and without the macro may be linked together.
#if defined(TANDEM_HTTP_SOURCE)
#define TANDEM_HTTP_BODIES 1
#define TANDEM_HTTP_INLINE
#elif defined(TANDEM_SEPARATE_COMPILATION)
#define TANDEM_HTTP_BODIES 0
#define TANDEM_HTTP_INLINE
#else
#define TANDEM_HTTP_BODIES 1
#define TANDEM_HTTP_INLINE inline
#endif
